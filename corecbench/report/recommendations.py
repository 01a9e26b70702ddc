"""Recommendations to a few users, from stored results and the data set itself. Nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from corecbench.api import UsageError
from corecbench.data.loaded import read_datasets
from corecbench.data.reduction import whole_dataset
from corecbench.evaluation.protocol import split_settings
from corecbench.report.recommendation import check_data, recommend
from corecbench.report.stored_lists import read
from corecbench.settings.config import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from corecbench.api import CellResult
    from corecbench.data.loaded import SplitDataset
    from corecbench.plugin.host import Host
    from corecbench.report.recommendation import Recommendation
    from corecbench.results.store import Entry, Store

METRIC = "NDCG@10"
"""The metric by which a user is the best or the worst."""


def recommendations(
    host: Host,
    store: Store,
    entries: Sequence[Entry],
    cell: str,
    users: Iterable[str],
    dataset: str | None = None,
    seed: int | None = None,
    sets: Sequence[str] = (),
    config: Sequence[str] = (),
) -> list[Recommendation]:
    """Return the recommendations of each side of a cell, and of its models alone, to some users.

    Args:
        host: the host, which knows the data set and the metric.
        store: the store that holds the lists.
        entries: folders and their records.
        cell: the name of the cell, with ":llm" behind it to choose the best and worst user by the LLM side.
        users: ids of users, or "best", "worst" or "coldest".
        dataset: the name of the data set, or its folder; not needed where the cell is stored for one name only.
        seed: the seed of the cell; the lowest one if it is None.
        sets: "component.key=value", settings of the data set that the run had.
        config: run files with such settings.

    Raises:
        UsageError: there is no such cell, user, data set or seed.
        ResultsError: results have no lists or do not belong together.
        DataError: the data set cannot be read, or is not the one of the cell.
    """
    stored = read(store, entries, cell, Path(dataset).name if dataset else None, seed)
    metric = host.build(host.select("metrics", METRIC, {}))
    user_ids = [stored.pick(user, metric) for user in users]
    data = read_data(host, stored.record, dataset, sets, config)
    check_data(data.dataset, data.split, stored.record)
    return [recommend(stored, data.dataset, data.split, user_id) for user_id in user_ids]


def read_data(
    host: Host, record: CellResult, dataset: str | None, sets: Sequence[str], config: Sequence[str] = ()
) -> SplitDataset:
    """Return the data set of a result, read as it was then: from where the record says, unless another is named.

    Raises:
        UsageError: an earlier version stored the result, the data set was a folder, and it was not named.
    """
    name, run = whole_dataset(record["cell"]), cast("Mapping[str, Any]", record).get("run", {})
    if dataset in (None, name, record["cell"]["dataset"]):
        dataset = run.get("dataset", None if dataset is None else name)
    if dataset is None and name not in {component.name for component, _ in host.list("datasets")}:
        raise UsageError(f"data set '{name}' was a folder of files; say where it is by --dataset FOLDER")
    protocol = record["protocol"]
    chosen = {
        "datasets": [dataset or name],
        "settings": run.get("dataset_settings"),
        "repeats": protocol.get("repeated pairs"),
        **split_settings(protocol),
        "k_core": record["data"].get("k_core"),
        "item_text": protocol.get("item text"),
    }
    settings = load(config, chosen, sets)
    host.check_settings(settings)
    return read_datasets(settings, host)[0]
