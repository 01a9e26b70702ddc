"""The stored lists of a cell and of its models alone, and the choice of a user to look at."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import pandas as pd

from corecbench.api import CellRecord, CellResult, Metric, RowSide, UsageError
from corecbench.evaluation.measuring import measure_checked
from corecbench.results.record import ResultsError, failure_of, own_side, sides_of
from corecbench.results.selection import only, protocols_of, select_one
from corecbench.results.user_ranks import RanksReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.results.store import Entry, Store

PICKED = ("best", "worst", "coldest")
"""The users who are chosen by the largest gain, the largest loss and the shortest history."""


@dataclass(frozen=True, eq=False)
class RankedSide:
    """The ranks and lists of one side of a cell, as they are stored."""

    cell: str
    side: RowSide
    name: str
    """A name in words, such as "sasrec, alone" or "llama, with sasrec (bdlm)"."""
    ranks: pd.DataFrame
    """The ranks, indexed by user_id in order."""
    top: pd.DataFrame
    """The best candidates, as `Store.top` gives them."""
    alone: RankedSide | None = None
    """The same model trained alone; None where this is the model alone, or where that is not stored."""


@dataclass(frozen=True, eq=False)
class StoredLists:
    """A cell under one seed, with its models alone."""

    record: CellResult
    side: RowSide
    """The side whose gain is meant: the one that was named, or else the first with ranks."""
    rows: tuple[RankedSide, ...]
    """The rows: for each side the model alone, where that is stored, and then the side."""

    def pick(self, user: str, metric: Metric) -> str:
        """Return the id of a user, who may be "best", "worst" or "coldest"; of several alike the first id.

        The gain is that of the metric.

        Raises:
            UsageError: there is no such user, or nothing to gain over.
        """
        row = next(row for row in reversed(self.rows) if row.side == self.side)
        if user == "coldest":
            return str(row.ranks["history_length"].idxmin())
        if user in PICKED:
            if row.alone is None:
                raise UsageError(
                    f"there is no {user} user of {row.name}: it is compared with nothing; name a user, or a pair "
                    "whose models are stored alone, too"
                )
            gain = _values(row, metric) - _values(row.alone, metric)
            return str(gain.idxmax() if (user == "best") == metric.higher_is_better else gain.idxmin())
        if user not in row.ranks.index:
            raise UsageError(
                f"user '{user}' is none of the {len(row.ranks)} tested users of {self.record['cell']['dataset']}; "
                f"allowed are their ids and {', '.join(PICKED)}"
            )
        return user


def _values(row: RankedSide, metric: Metric) -> pd.Series:
    rank, n_candidates = (row.ranks[column].to_numpy() for column in ("rank", "n_candidates"))
    return pd.Series(measure_checked("gain", metric, rank, n_candidates), row.ranks.index)


def read(
    store: Store, entries: Sequence[Entry], name: str, dataset: str | None = None, seed: int | None = None
) -> StoredLists:
    """Return the stored ranks and lists of a cell and of its models alone.

    Behind the name of the cell ":domain", ":llm" or ":ensemble" asks for the gain of that side. Without a seed the
    lowest one counts.

    Raises:
        UsageError: there is no such cell, data set or seed, or there are several data sets and none was named.
        ResultsError: a cell failed, is there twice or has no lists, or a model alone was run under other settings.
    """
    chosen = select_one(entries, name, dataset, seed)
    folder, record = chosen
    cell = record["cell"]
    named = next((side for side in sides_of(cell) if name == f"{cell['name']}:{side}"), None)
    ranked = [side for side in sides_of(cell) if side in record["sides"]]
    if not ranked or named not in (None, *ranked):
        failure = failure_of(record, named or sides_of(cell)[0])
        message = " ".join(failure["message"].split()) if failure else ""
        raise ResultsError(f"{folder}: the cell failed: {message}")
    reader = RanksReader()
    place_of = itemgetter("name", "dataset", "seed")
    rows: list[RankedSide] = []
    alone: dict[RowSide, RankedSide] = {}
    for side in ranked:
        own = own_side(side)
        same = cell[own], cell["dataset"], cell["seed"]
        solos = [entry for entry in entries if place_of(entry[1]["cell"]) == same and own in entry[1]["sides"]]
        if cell["sharing"] and solos and own not in alone:
            protocols_of([chosen, only(solos)])
            alone[own] = _ranked_side(store, reader, only(solos), own)
            rows.append(alone[own])
        rows.append(_ranked_side(store, reader, chosen, side, alone.get(own)))
    return StoredLists(record, named or ranked[0], tuple(rows))


def _ranked_side(
    store: Store, reader: RanksReader, entry: Entry, side: RowSide, alone: RankedSide | None = None
) -> RankedSide:
    folder, record = entry
    if "imported" in record and record["imported"]["kind"] == "ranks":
        raise ResultsError(f"{folder}: ranks without lists were imported, so there is nothing to show")
    ranks = store.user_ranks(folder, side, record, reader).frame()
    name = _name(record["cell"], side)
    return RankedSide(record["cell"]["name"], side, name, ranks, store.top(folder, side), alone)


def _name(cell: CellRecord, side: RowSide) -> str:
    """Return a side of a cell in a few words."""
    if not cell["sharing"]:
        return f"{cell[own_side(side)]}, alone"
    how = ", ".join(part for part in (cell["sharing"], cell.get("control")) if part)
    if cell["domain"] is None or cell["llm"] is None:
        return f"{cell['domain'] or cell['llm']}, with {how}"
    if side == "ensemble":
        return f"{cell['domain']} and {cell['llm']}, ensemble ({how})"
    own, partner = (cell["domain"], cell["llm"]) if side == "domain" else (cell["llm"], cell["domain"])
    return f"{own}, with {partner} ({how})"
