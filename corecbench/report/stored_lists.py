"""The stored lists of a cell and of its models alone, and whose of them to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from corecbench.api import UsageError
from corecbench.report.per_user import check_comparable
from corecbench.results.record import ResultsError, own_side, sides_of
from corecbench.settings.configure import unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import CellRecord, CellResult, Metric, RowSide
    from corecbench.results.store import Entry, Store

PICKED = ("best", "worst", "coldest")
"""Users without a name: the largest gain, the largest loss, the shortest history."""


@dataclass(frozen=True, eq=False)
class Row:
    """One side of a cell as it is stored."""

    cell: str
    side: RowSide
    name: str
    """Such as "sasrec, alone" or "llama, with sasrec (bdlm)"."""
    ranks: pd.DataFrame
    """By user_id, in order."""
    top: pd.DataFrame
    """As `Store.top` gives it."""
    alone: Row | None = None
    """The same model trained alone; None where this is that one, or where it is not stored."""


@dataclass(frozen=True, eq=False)
class StoredLists:
    """A cell under one seed, with its models alone."""

    record: CellResult
    side: RowSide
    """Whose gain is meant: the side that was named, else the first there is."""
    rows: tuple[Row, ...]
    """For each side the model alone, where that is stored, and then the side."""

    def pick(self, user: str, metric: Metric) -> str:
        """Return the id of a user, who may be "best", "worst" or "coldest"; of several alike the first id.

        Args:
            user: an id, or one of `PICKED`.
            metric: what a gain is a gain of.

        Raises:
            UsageError: there is no such user, or nothing to gain over.
        """
        row = next(row for row in reversed(self.rows) if row.side == self.side)
        if user == "coldest":
            return row.ranks["history_length"].idxmin()
        if user in PICKED:
            if row.alone is None:
                raise UsageError(
                    f"there is no {user} user of {row.name}: it is compared with nothing; name a user, or a pair "
                    "whose models are stored alone, too"
                )
            gain = _values(row, metric) - _values(row.alone, metric)
            return gain.idxmax() if (user == "best") == metric.higher_is_better else gain.idxmin()
        if user not in row.ranks.index:
            raise UsageError(
                f"user '{user}' is none of the {len(row.ranks)} tested users of {self.record['cell']['dataset']}; "
                f"allowed are their ids and {', '.join(PICKED)}"
            )
        return user


def _values(row: Row, metric: Metric) -> pd.Series:
    """Return a metric of each user."""
    rank, n_candidates = (row.ranks[column].to_numpy() for column in ("rank", "n_candidates"))
    return pd.Series(metric.per_user(rank, n_candidates), row.ranks.index)


def read(
    store: Store, entries: Sequence[Entry], cell: str, dataset: str | None = None, seed: int | None = None
) -> StoredLists:
    """Return what is stored of a cell and of its models alone.

    Args:
        store: holds the lists.
        entries: folders and their records.
        cell: its name, with ":domain", ":llm" or ":ensemble" behind it where that one's gain is meant.
        dataset: where the cell is; not needed if it is stored for one only.
        seed: of all of them; the lowest one if none.

    Raises:
        UsageError: there is no such cell, data set or seed, or several data sets and none was named.
        ResultsError: a cell failed, is there twice or has no lists, or a model alone was run under other settings.
    """
    chosen = _choose(entries, cell, dataset, seed)
    of = chosen[1]["cell"]
    rows: list[Row] = []
    alone: dict[RowSide, Row] = {}
    for side in sides_of(of):
        own = own_side(side)
        same = (of[own], of["dataset"], of["seed"])
        solos = [entry for entry in entries if _key(entry[1]["cell"]) == same and entry[1]["status"] == "ok"]
        if of["sharing"] and solos and own not in alone:
            check_comparable([chosen, _only(solos)])
            alone[own] = _row(store, _only(solos), own)
            rows.append(alone[own])
        rows.append(_row(store, chosen, side, alone.get(own)))
    named = next((side for side in sides_of(of) if cell == f"{of['name']}:{side}"), sides_of(of)[0])
    return StoredLists(chosen[1], named, tuple(rows))


def _choose(entries: Sequence[Entry], cell: str, dataset: str | None, seed: int | None) -> Entry:
    """Return the result that is meant."""
    found = [entry for entry in entries if cell in _called(entry[1]["cell"])]
    if not found:
        raise unknown("cell", cell, [name for _, record in entries for name in _called(record["cell"])])
    datasets = sorted({record["cell"]["dataset"] for _, record in found})
    if dataset is None and len(datasets) > 1:
        raise UsageError(f"cell {cell} is stored for several data sets; choose by --dataset: {', '.join(datasets)}")
    dataset = dataset or datasets[0]
    if dataset not in datasets:
        raise unknown(f"data set of cell {cell}", dataset, datasets)
    found = [entry for entry in found if entry[1]["cell"]["dataset"] == dataset]
    seeds = sorted({record["cell"]["seed"] for _, record in found})
    seed = seeds[0] if seed is None else seed
    if seed not in seeds:
        raise UsageError(f"cell {cell} is not stored with seed {seed}; have: {', '.join(map(str, seeds))}")
    folder, record = _only([entry for entry in found if entry[1]["cell"]["seed"] == seed])
    if record["status"] != "ok":
        reason = " ".join(record["error"]["message"].split()) if record["error"] else "no reason recorded"
        raise ResultsError(f"{folder}: the cell failed: {reason}")
    return folder, record


def _called(cell: CellRecord) -> list[str]:
    """Return what a cell may be called."""
    return [cell["name"], *(f"{cell['name']}:{side}" for side in sides_of(cell))]


def _key(cell: CellRecord) -> tuple[str, str, int]:
    return cell["name"], cell["dataset"], cell["seed"]


def _only(entries: Sequence[Entry]) -> Entry:
    """Return the one result there is."""
    if len(entries) > 1:
        raise ResultsError(
            f"two results for one cell and seed, {entries[0][0]} and {entries[1][0]}; keep one of them"
        )
    return entries[0]


def _row(store: Store, entry: Entry, side: RowSide, alone: Row | None = None) -> Row:
    folder, record = entry
    ranks = store.ranks(folder, side).set_index("user_id").sort_index()
    return Row(record["cell"]["name"], side, _name(record["cell"], side), ranks, store.top(folder, side), alone)


def _name(cell: CellRecord, side: RowSide) -> str:
    """Return a side of a cell in a few words."""
    if not cell["sharing"]:
        return f"{cell[side]}, alone"
    how = ", ".join(part for part in (cell["sharing"], cell.get("control")) if part)
    if side == "ensemble":
        return f"{cell['domain']} and {cell['llm']}, ensemble ({how})"
    partner = cell["llm" if side == "domain" else "domain"]
    return f"{cell[side]}, with {partner} ({how})"
