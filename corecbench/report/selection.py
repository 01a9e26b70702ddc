"""Which of the stored cells a table is made of."""

from collections.abc import Collection, Sequence

from corecbench.api import CellRecord
from corecbench.results.store import Entry, Store
from corecbench.settings.configure import unknown

Same = tuple[str, str, int, str]


def select(stores: Sequence[Store], cells: Collection[str] = (), datasets: Collection[str] = ()) -> list[Entry]:
    """Return results of one or several benchmarks, of some cells with their models alone where names are given.

    What several benchmarks hold under the same settings and seed counts once, if it succeeded anywhere as that.

    Args:
        stores: the benchmarks.
        cells: their names; all if none.
        datasets: their names; all if none.

    Raises:
        UsageError: a name means nothing that is stored.
    """
    found: dict[Same, Entry] = {}
    for store in stores:
        for folder, record in store.records():
            cell = record["cell"]
            same = cell["dataset"], cell["name"], cell["seed"], record["hash"]
            if same not in found or found[same][1]["status"] != "ok":
                found[same] = folder, record
    entries = list(found.values())
    _check("data set", datasets, {record["cell"]["dataset"] for _, record in entries})
    entries = [entry for entry in entries if not datasets or entry[1]["cell"]["dataset"] in datasets]
    _check("cell", cells, {record["cell"]["name"] for _, record in entries})
    wanted = {
        name for _, record in entries if record["cell"]["name"] in cells for name in _with_models(record["cell"])
    }
    return [entry for entry in entries if not cells or entry[1]["cell"]["name"] in wanted]


def _check(what: str, asked: Collection[str], known: Collection[str]) -> None:
    """Make sure that every name is known.

    Raises:
        UsageError: one is not.
    """
    for name in asked:
        if name not in known:
            raise unknown(what, name, known)


def _with_models(cell: CellRecord) -> list[str]:
    """Return the names of a cell and of those of its models alone."""
    return [name for name in (cell["name"], cell["domain"], cell["llm"]) if name]
