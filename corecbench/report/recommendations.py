"""From stored results and the data set itself to what is recommended to a few users. Nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import UsageError
from corecbench.data.loaded import read_datasets
from corecbench.report.recommendation import check_data, recommend
from corecbench.report.stored_lists import read
from corecbench.settings.config import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from corecbench.api import CellResult
    from corecbench.data.loaded import SplitDataset
    from corecbench.plugin.host import Host
    from corecbench.report.recommendation import Recommendation
    from corecbench.results.store import Entry, Store

METRIC = "NDCG@10"
"""What the best and the worst user gain and lose."""


def recommendations(
    host: Host,
    store: Store,
    entries: Sequence[Entry],
    cell: str,
    users: Iterable[str],
    dataset: str | None = None,
    seed: int | None = None,
    sets: Sequence[str] = (),
) -> list[Recommendation]:
    """Return what each side of a cell and its models alone recommend to some users.

    Args:
        host: knows the data set and the metric.
        store: holds the lists.
        entries: folders and their records.
        cell: its name, with ":llm" behind it where the LLM side of a pair tells who is best and worst.
        users: ids, "best", "worst" or "coldest".
        dataset: its name, or its folder where it is one; not needed where the cell is stored for one name only.
        seed: the lowest one if none.
        sets: "component.key=value", settings of the data set that the run had.

    Raises:
        UsageError: a cell, user, data set or seed that is not there.
        ResultsError: results that have no lists or do not belong together.
        DataError: the data set cannot be read, or is not the one of the cell.
    """
    stored = read(store, entries, cell, Path(dataset).name if dataset else None, seed)
    metric = host.build(host.select("metrics", METRIC, {}))
    user_ids = [stored.pick(user, metric) for user in users]
    data = read_data(host, stored.record, dataset, sets)
    check_data(data.dataset, data.split, stored.record)
    return [recommend(stored, data.dataset, data.split, user_id) for user_id in user_ids]


def read_data(host: Host, record: CellResult, dataset: str | None, sets: Sequence[str]) -> SplitDataset:
    """Return the data set of a result, read as it was then.

    Raises:
        UsageError: it was a folder, and that is not named.
    """
    name = record["cell"]["dataset"]
    if dataset is None and name not in {component.name for component, _ in host.list("datasets")}:
        raise UsageError(f"data set '{name}' was a folder of files; say where it is by --dataset FOLDER")
    repeats, k_core = record["protocol"].get("repeated pairs"), record["data"].get("k_core")
    config = load(None, {"datasets": [dataset or name], "repeats": repeats, "k_core": k_core}, sets)
    host.check_settings(config)
    return read_datasets(config, host)[0]
