"""What becomes under the split by time of findings under leave-one-out: the contrasts of both side by side."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from corecbench.api import UsageError
from corecbench.report.evidence.ledger import WHOLE, Kind
from corecbench.report.wording import listed

if TYPE_CHECKING:
    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey
    from corecbench.results.store import Entry

LEAVE_ONE_OUT, TIME = "leave-one-out", "time"
OVER_STRONGEST = "more than any row without an LLM"
FEWEST_ROWS = 3
"""The fewest rows whose order is compared."""

Verdict = Literal[
    "holds", "smaller", "larger", "gone", "turned", "only under time", "open", "under neither", "few seeds"
]


@dataclass(frozen=True)
class Found:
    """A contrast under both protocols."""

    pair: RowKey
    kind: Kind | Literal["strongest"]
    """A part of a ledger; or the contrast with the strongest row without an LLM, under each protocol its own."""
    tells: str
    leave_one_out: Contrast
    time: Contrast

    @property
    def same_sign(self) -> bool:
        return bool(np.sign(self.leave_one_out.difference) == np.sign(self.time.difference))

    @property
    def same_significance(self) -> bool:
        return self.leave_one_out.is_significant == self.time.is_significant

    @property
    def growth(self) -> int:
        """Whether the relative change is significantly larger under time (1), or nearer to 0 or beyond it (-1).

        The distance of two changes is judged by sqrt(a^2 + b^2), of half-widths a and b of their intervals, as if
        the users were independent. Many are the same under both, which makes the distance surer than that.
        """
        ends = (each.sizes.change_ends for each in (self.leave_one_out, self.time))
        halves = [(each[1] - each[0]) / 2 for each in ends if each is not None]
        first, second = self.leave_one_out.change, self.time.change
        if len(halves) < 2 or first is None or second is None:
            return 0
        grown = np.sign(first) * (second - first)
        return int(np.sign(grown)) if abs(grown) > math.hypot(*halves) else 0

    @property
    def verdict(self) -> Verdict:
        """What becomes of the finding under time.

        "holds", "smaller", "larger", "turned": it is significant there, too; "gone": it is not, and its change is
        significantly smaller; "open": it is not, though it may be as large; "under neither": nor before.
        """
        first, second = self.leave_one_out, self.time
        if first.lacks_seeds or second.lacks_seeds:
            return "few seeds"
        if not first.is_significant:
            return "only under time" if second.is_significant else "under neither"
        if not second.is_significant:
            return "gone" if self.growth < 0 else "open"
        if not self.same_sign:
            return "turned"
        return ("smaller", "holds", "larger")[1 + self.growth]


@dataclass(frozen=True)
class Order:
    """How alike both protocols order the models of a data set."""

    tau: float
    """Kendall's tau-b of the tested metric (Kendall, 1945, doi:10.1093/biomet/33.3.239)."""
    p: float
    """Of such a tau, or one further from 0, if the orders had nothing in common."""
    n_rows: int


@dataclass(frozen=True, eq=False)
class Protocols:
    """The evidence under leave-one-out and under the split by time."""

    leave_one_out: Evidence
    time: Evidence

    @property
    def both(self) -> tuple[Evidence, Evidence]:
        return self.leave_one_out, self.time

    @functools.cached_property
    def names(self) -> Mapping[str, str]:
        keys = sorted(self.time.rows, key=lambda key: key.is_pooled)
        of_time = {key.without_windows.dataset: key.dataset for key in keys}
        return {name: of_time[name] for name in self.leave_one_out.datasets if name in of_time}

    @property
    def datasets(self) -> list[str]:
        return list(self.names)

    @property
    def of_each(self) -> tuple[tuple[Evidence, Collection[str]], tuple[Evidence, Collection[str]]]:
        return (self.leave_one_out, self.names.keys()), (self.time, self.names.values())

    def on(self, dataset: str) -> Protocols:
        return Protocols(self.leave_one_out.on(dataset), self.time.on(self.names[dataset]))

    @functools.cached_property
    def contrasts(self) -> tuple[Contrasts, Contrasts]:
        under_time = {
            (pair.without_windows, kind, row.without_windows, other.without_windows): found
            for (pair, kind, row, other), found in contrasts_of(self.time).items()
            if self.names.get(pair.without_windows.dataset, pair.dataset) == pair.dataset
        }
        return contrasts_of(self.leave_one_out), under_time

    @functools.cached_property
    def found(self) -> list[Found]:
        first, second = self.contrasts
        return [
            Found(*place[:2], tells, contrast, second[place][1])
            for place, (tells, contrast) in first.items()
            if place in second
        ]

    @property
    def n_single(self) -> tuple[int, int]:
        first, second = self.contrasts
        return len(first) - len(self.found), len(second) - len(self.found)

    def order(self, dataset: str) -> Order | None:
        """Return how alike the rows of a data set that are no controls stand; None for fewer than FEWEST_ROWS."""
        first, second = self.both
        of_time = {key.without_windows: key for key in second.rows if key.dataset == self.names[dataset]}
        rows = [
            (key, of_time[key])
            for key in first.rows
            if key in of_time and not first.is_control(key) and first.has(key) and second.has(of_time[key])
        ]
        if len(rows) < FEWEST_ROWS:
            return None
        values = [
            [each.rows[key].metrics[each.tested] for key in keys]
            for each, keys in zip(self.both, zip(*rows, strict=True), strict=True)
        ]
        found = stats.kendalltau(*values)
        return Order(float(found.statistic), float(found.pvalue), len(rows))


Place = tuple["RowKey", "Kind | Literal['strongest']", "RowKey", "RowKey"]
"""A pair, and the kind and both rows of one of its contrasts; in place of the strongest row the pair."""
Contrasts = Mapping[Place, tuple[str, "Contrast"]]
"""Each contrast in words, and as it is."""


def contrasts_of(evidence: Evidence) -> Contrasts:
    """Return what each pair's gain is made of, in words and as a contrast; without a ledger, its whole gain.

    Then what a recommender has over the strongest row without an LLM, where that is not the model alone.
    """
    found: dict[Place, tuple[str, Contrast]] = {}
    for ledger in evidence.ledgers():
        for line in ledger.contrasts:
            place = line.pair, line.kind, line.comparison.row, line.comparison.other
            found[place] = line.tells, line.comparison
    pairs = {pair for pair, *_ in found}
    for key, contrast in evidence.over_alone.items():
        if key not in pairs and not evidence.is_control(key):
            found[key, "whole", key, key.solo] = WHOLE, contrast
    for key, contrast in evidence.over_strongest.items():
        if key.side != "llm" and contrast.other not in (key, key.solo):
            found[key, "strongest", key, key] = OVER_STRONGEST, contrast
    return found


def by_split(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return results by the kind of their split: leave-one-out and time.

    Raises:
        UsageError: one of them is missing.
    """
    found: dict[str, list[Entry]] = {LEAVE_ONE_OUT: [], TIME: []}
    for entry in entries:
        found.setdefault(entry[1]["protocol"].get("split", LEAVE_ONE_OUT), []).append(entry)
    if lacking := [split for split in (LEAVE_ONE_OUT, TIME) if not found[split]]:
        have = listed((split for split, of in found.items() if of), "splits")
        raise UsageError(
            f"report.protocols compares {LEAVE_ONE_OUT} with {TIME}, and there are no results under {lacking[0]} "
            f"(have: {have or 'none'}); name benchmarks of both by --benchmark A,B"
        )
    return found
