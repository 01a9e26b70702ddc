"""The recommendations of a cell to a user, beside those of its models alone: stored lists with titles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from corecbench.api import CellResult, DataError, RowSide, UsageError
from corecbench.data.loaded import SplitDataset, read_datasets
from corecbench.data.reduction import whole_dataset
from corecbench.evaluation.protocol import split_settings
from corecbench.results.frames import BEST_RANK
from corecbench.results.stored_lists import RankedSide, StoredLists, read
from corecbench.settings.config import load
from corecbench.toolkit.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from corecbench.data.dataset import Dataset
    from corecbench.data.split import Split
    from corecbench.plugin.host import Host
    from corecbench.results.store import Entry, Store

Change = Literal["new", "up", "down", "same"]
Part = Literal["training", "left out", "validation", "test"]
"""A part of a split: "test" is the held-out item, "left out" what has the time of the validation item or, under the
split by time, any other interaction behind the first cut."""
METRIC = "NDCG@10"
"""The metric by which a user is the best or the worst."""
CHANGES: Mapping[Change | None, str] = {"new": "new", "up": "↑{}", "down": "↓{}", "same": "=", None: ""}
MOST = 10
"""The number of items of a list that are looked at."""
HELD_OUT = "*"
LEGEND = f"{HELD_OUT}: the held-out item; new, ↑, ↓ and =: against the same model alone"


@dataclass(frozen=True)
class Item:
    """An item of the data set."""

    item_id: str
    title: str

    def __str__(self) -> str:
        return one_line(self.title) or f"item {one_line(self.item_id)}"


@dataclass(frozen=True)
class Past(Item):
    """An item of a user's history."""

    part: Part


@dataclass(frozen=True)
class Recommended(Item):
    """An item where it stands on a list."""

    score: float
    is_held_out: bool
    change: Change | None
    """The change against the list of the same model alone; None where there is no such list."""
    places: int
    """The number of places that the item moved up or down."""

    @property
    def moved(self) -> str:
        return CHANGES[self.change].format(self.places)


@dataclass(frozen=True)
class TopList:
    """The best items for a user on one side of a cell."""

    cell: str
    side: RowSide
    name: str
    """A name in words, such as "sasrec, alone" or "llama, with sasrec (bdlm)"."""
    rank: int
    """The rank of the held-out item. Ties count against the model, so it can be beyond the place on the list."""
    n_candidates: int
    items: tuple[Recommended, ...]
    dropped: tuple[Item, ...]
    """The items on the list of the same model alone that are not on this list, best first."""
    best_rank: int | None = None
    """The best rank that the held-out item can have, where an imported list ends before it; `rank` is the worst."""

    @property
    def standing(self) -> str:
        known = (
            f"{self.rank:,}" if self.best_rank is None else f"somewhere from {self.best_rank:,} to {self.rank:,}"
        )
        return f"held-out item: {known} of {self.n_candidates:,}"


@dataclass(frozen=True)
class Recommendation:
    """The recommendations of the sides of a cell, and of their models alone, to one user."""

    dataset: str
    user_id: str
    cell: str
    seed: int
    history: tuple[Past, ...]
    """The history, oldest first: training, the validation item, the held-out item."""
    lists: tuple[TopList, ...]
    """The lists: for each side that of the model alone, where it is stored, and then that of the side."""

    @property
    def held_out(self) -> Past:
        return self.history[-1]


def check_data(dataset: Dataset, split: Split, record: CellResult) -> None:
    """Make sure that a data set is the one of a result.

    Raises:
        DataError: the data set has another fingerprint.
    """
    recorded = record["data"]
    for name, own, expected in (
        ("fingerprint", dataset.fingerprint, recorded["fingerprint"]),
        ("split fingerprint", split.fingerprint, recorded["split_fingerprint"]),
    ):
        if own != expected:
            raise DataError(
                f"data set '{dataset.catalog.name}' is not what the cell was run on: its {name} is {own[:12]}, "
                f"there {expected[:12]}; the same files and settings are needed"
            )


def recommend(
    stored: StoredLists, dataset: Dataset, split: Split, user_id: str, most: int = MOST
) -> Recommendation:
    """Return the recommendations to a user who is tested.

    The data set was checked by `check_data`, and the user is one that `StoredLists.pick` returned. At most `most`
    items are taken from each list.
    """
    cell, catalog = stored.record["cell"], dataset.catalog
    titles = dict(zip(catalog.item_ids, catalog.item_texts, strict=True))
    user = catalog.user_ids.index(user_id)
    held = split.held["test"]
    place = held.users.searchsorted([user])
    (known,) = held.known.of(place)
    n_train = np.count_nonzero(split.before.user == user)
    validated = split.held["validation"]
    validation = int(validated.target[validated.users == user].sum())  # 0 for a user who is not ranked there
    parts: list[tuple[int, Part]] = [(int(item), "training") for item in known[:n_train]]
    parts += [(int(item), "validation" if item == validation else "left out") for item in known[n_train:]]
    parts.append((int(held.target[place][0]), "test"))
    history = tuple(Past(catalog.item_ids[item], catalog.item_texts[item], part) for item, part in parts)
    most = min([most, *(int(row.top["position"].max()) for row in stored.rows)])
    lists = tuple(_list(row, user_id, titles, most) for row in stored.rows)
    return Recommendation(cell["dataset"], user_id, cell["name"], cell["seed"], history, lists)


def _list(row: RankedSide, user_id: str, titles: Mapping[str, str], most: int) -> TopList:
    """Return a row's list for a user."""
    rank = row.ranks.loc[user_id]
    own, before = _best(row, user_id, most), {} if row.alone is None else _best(row.alone, user_id, most)
    was = {item_id: place for place, item_id in enumerate(before)}
    items = []
    for place, (item_id, score) in enumerate(own.items()):
        moved = was.get(item_id, place) - place
        change: Change | None = None
        if row.alone is not None:
            change = "new" if item_id not in was else "up" if moved > 0 else "down" if moved < 0 else "same"
        held_out = item_id == rank["target_item_id"]
        items.append(Recommended(item_id, titles[item_id], score, held_out, change, abs(moved)))
    dropped = tuple(Item(item_id, titles[item_id]) for item_id in before if item_id not in own)
    return TopList(
        cell=row.cell,
        side=row.side,
        name=row.name,
        rank=int(rank["rank"]),
        n_candidates=int(rank["n_candidates"]),
        items=tuple(items),
        dropped=dropped,
        best_rank=int(best) if (best := rank.get(BEST_RANK, rank["rank"])) < rank["rank"] else None,
    )


def _best(row: RankedSide, user_id: str, most: int) -> dict[str, float]:
    top = row.top[row.top["user_id"] == user_id].sort_values("position").head(most)
    return dict(zip(top["item_id"], top["score"].tolist(), strict=True))


# --- from stored results ------------------------------------------------------------------------------------------


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

    Behind the name of the cell ":llm" chooses the best and worst user by the LLM side. Users are ids, or "best",
    "worst" or "coldest". The data set is a name or a folder, and not needed where the cell is stored for one name
    only. Without a seed the lowest one counts. `sets` and the run files `config` hold settings of the data set that
    the run had.

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
