"""Which stored results are meant, by data sets, cells and a choice among settings, and which go together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.data.reduction import pooled_dataset, whole_dataset
from corecbench.results.choice import AS_STORED, Choice
from corecbench.results.record import ResultsError, algorithms_in, model_of, settings_in, sides_of
from corecbench.results.rows import ResultKey, is_named, names_of, result_key
from corecbench.settings.configure import unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from corecbench.api import CellRecord
    from corecbench.results.store import Entry, Store


def check_known(what: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise unknown(what, name, known)


def on_datasets(entries: Sequence[Entry], datasets: Collection[str]) -> list[Entry]:
    """Return the results on some data sets, or all results if none is named.

    A name that no result has means all windows of a data set, or those from whose training a part was left out.
    """
    if not datasets:
        return list(entries)
    exact = set(datasets_in(entries)) & set(datasets)
    others = set(datasets) - exact
    return [
        entry
        for entry in entries
        if (cell := entry[1]["cell"])["dataset"] in exact or not others.isdisjoint(_wider(cell))
    ]


def _wider(cell: CellRecord) -> tuple[str, str]:
    return pooled_dataset(cell), whole_dataset(cell)


def datasets_in(entries: Iterable[Entry]) -> list[str]:
    return list(dict.fromkeys(record["cell"]["dataset"] for _, record in entries))


def known_datasets(entries: Iterable[Entry]) -> list[str]:
    cells = [record["cell"] for _, record in entries]
    return list(dict.fromkeys(name for cell in cells for name in (cell["dataset"], *_wider(cell))))


def without_repeats(entries: Iterable[Entry]) -> list[Entry]:
    """Return results of several benchmarks, each of them once.

    Where several benchmarks hold a cell under the same settings and seed, one that succeeded is taken, or else the
    one that has ranks for the most rows.
    """
    kept: dict[ResultKey, Entry] = {}
    for folder, record in entries:
        key = result_key(record)
        earlier = kept[key][1] if key in kept else None
        if earlier is None or len(record["sides"]) > len(earlier["sides"]):
            kept[key] = folder, record
    return list(kept.values())


def select(
    stores: Sequence[Store],
    cells: Collection[str] = (),
    datasets: Collection[str] = (),
    choice: Choice = AS_STORED,
) -> list[Entry]:
    """Return the results of one or several benchmarks, each of them once. Arguments and errors are as in `among`.

    Results that cannot be read are left out: `Store.damaged` of each benchmark says why.
    """
    return among(all_in(stores), cells, datasets, choice)


def all_in(stores: Sequence[Store]) -> list[Entry]:
    return without_repeats(entry for store in stores for entry in store.sound())


def among(
    entries: Sequence[Entry],
    cells: Collection[str] = (),
    datasets: Collection[str] = (),
    choice: Choice = AS_STORED,
) -> list[Entry]:
    """Return those of some results that are meant: cells, each with its models alone, and data sets.

    All are taken where none is named. The choice says which settings of a cell are.

    Raises:
        UsageError: nothing is stored under a name, or several settings of a cell are and none is chosen.
    """
    choice.check(entries)
    check_known("data set", datasets, known_datasets(entries))
    entries = on_datasets(entries, datasets)
    check_known("cell", cells, {record["cell"]["name"] for _, record in entries})
    if not cells:
        return choice.of(entries)
    chosen = [record["cell"] for _, record in entries if record["cell"]["name"] in cells]
    wanted = {name for cell in chosen for name in (cell["name"], cell["domain"], cell["llm"])}
    return choice.of([entry for entry in entries if entry[1]["cell"]["name"] in wanted])


def select_one(entries: Sequence[Entry], name: str, dataset: str | None, seed: int | None) -> Entry:
    """Return the one result of a cell, or of one of its sides, that a user means.

    The data set may be left out if there is one only; the lowest seed is taken if none is named.

    Raises:
        UsageError: there is no such cell, data set or seed, or there are several data sets and none was named.
        ResultsError: there are two such results.
    """
    named = [entry for entry in entries if is_named(entry[1], [name])]
    if not named:
        cells = [record["cell"] for _, record in entries]
        raise unknown("cell", name, [known for cell in cells for known in names_of(cell["name"], sides_of(cell))])
    datasets = sorted(datasets_in(named))
    if dataset is None and len(datasets) > 1:
        raise UsageError(f"cell {name} is stored for several data sets; choose by --dataset: {', '.join(datasets)}")
    dataset = dataset or datasets[0]
    check_known(f"data set of cell {name}", [dataset], known_datasets(named))
    named = on_datasets(named, [dataset])
    if len(parts := sorted(datasets_in(named))) > 1:
        raise UsageError(f"cell {name} is stored for several parts of {dataset}; choose one: {'; '.join(parts)}")
    seeds = sorted({record["cell"]["seed"] for _, record in named})
    seed = seeds[0] if seed is None else seed
    if seed not in seeds:
        raise UsageError(f"cell {name} is not stored with seed {seed}; have: {', '.join(map(str, seeds))}")
    return only([entry for entry in named if entry[1]["cell"]["seed"] == seed])


def only(entries: Sequence[Entry]) -> Entry:
    """Return the one result that there is.

    Raises:
        ResultsError: there are several.
    """
    if len(entries) > 1:
        raise ResultsError(
            f"two results for one cell and seed, {entries[0][0]} and {entries[1][0]}; take the latest "
            f"by --latest, or one by --pick {entries[1][1]['cell']['name']}={entries[1][1]['hash']}; "
            "`corecbench results prune` removes all but the latest"
        )
    return entries[0]


# --- results that go together -------------------------------------------------------------------------------------


def protocols_of(entries: Iterable[Entry], settings: bool = True) -> dict[str, Mapping[str, Any]]:
    """Return data set -> the protocol of all results that have ranks; of several windows the one of all.

    Args:
        entries: folders and their records.
        settings: whether a component must have the same settings, algorithms and weights in all results, a sharing
            module the same settings in all pairs of a model; otherwise in all seeds of a cell, which make one row.
            What only some of the records know came with a later version, and is not compared.

    Raises:
        ResultsError: results on one data set differ in protocol, in the split, or in the settings, algorithms or
            weights of a component; or a part of them is under leave-one-out and a part under time.
    """
    first: dict[tuple[object, str, str, str], tuple[Any, Any]] = {}
    windows: dict[str, set[str]] = {}
    for folder, record in entries:
        windows.setdefault(pooled_dataset(record["cell"]), set()).add(record["cell"]["dataset"])
        if not record["sides"]:
            continue
        cell = "" if settings else folder.parent
        facts: dict[tuple[object, str, str], Any] = {
            ("", "protocol", ""): record["protocol"],
            ("", "split", ""): record["data"]["split_fingerprint"],
        }
        for name, setting, value, in_pairs in settings_in(record):
            facts[cell or model_of(record, name), f"settings of {name}" + in_pairs * " in pairs", setting] = value
        facts |= {(cell, "algorithm", name): number for name, number in algorithms_in(record)}
        for label, read in record.get("fingerprints", {}).items():
            facts |= {(cell, f"what {label} read", name): value for name, value in read.items()}
        for (group, subject, setting), value in facts.items():
            place = group, record["cell"]["dataset"], subject, setting
            earlier, expected = first.setdefault(place, (folder, value))
            if value != expected:
                remedy = "or take --latest" if folder.parent == earlier.parent else "to compare them"
                raise ResultsError(
                    f"{folder}: {subject} is not that of {earlier} ({_difference(value, expected, setting)}); "
                    f"such results share no table, run both alike {remedy}"
                )
    found = {dataset: value for (_, dataset, subject, _), (_, value) in first.items() if subject == "protocol"}
    for name, of_windows in windows.items():
        known = sorted(of_windows & found.keys())
        if known and len(of_windows) > 1:
            first_of_all, *_ = [found.pop(dataset) for dataset in known]
            found[name] = {**first_of_all, "window": "each"}
    _check_one_split(found)
    return found


def _check_one_split(protocols: Mapping[str, Mapping[str, Any]]) -> None:
    splits = {str(protocol.get("split", "leave-one-out")): name for name, protocol in protocols.items()}
    if len(splits) > 1:
        found = " and ".join(f"{name} under {split}" for split, name in splits.items())
        raise ResultsError(f"{found}: such results share no table; choose data sets by --datasets")


def _difference(value: Any, expected: Any, setting: str) -> str:
    if setting:
        return f"{setting}: {value}, there {expected}"
    if isinstance(value, Mapping) and isinstance(expected, Mapping):
        names = [name for name in {**value, **expected} if value.get(name) != expected.get(name)]
        return f"{names[0]}: {value.get(names[0])}, there {expected.get(names[0])}"
    return f"{str(value)[:12]}, there {str(expected)[:12]}"
