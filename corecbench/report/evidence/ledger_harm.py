"""Whether a pair does harm where texts tell nothing: with the texts of other items, against the model alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from corecbench.report.evidence.contrasts import STANDARD, can_vary_with_seed, common_seeds
from corecbench.stats.equivalence import tost
from corecbench.stats.intervals import Interval

if TYPE_CHECKING:
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey

MARGIN = 0.01
"""A loss beyond this share of the mean of the model alone is harm."""


@dataclass(frozen=True)
class Harm:
    """A row whose texts tell nothing, against the model alone."""

    row: RowKey
    verdict: Literal["none", "same", "harm", "open", "few seeds"]
    """"none": a loss beyond the margin is excluded at .05, one-sided; "same": no user has another value, as where
    the model alone was kept; "harm": the loss is beyond the margin; "few seeds": fewer than 3,
    which say nothing of the method."""
    change: float
    """The difference relative to the model alone."""
    interval: Interval | None
    """The relative change at 90 %, that of two one-sided tests at .05; None where too few users differ."""
    p: float | None
    """The p value of a difference of the margin or more, in either direction; not adjusted."""
    seeds: tuple[int, ...]


def harm(row: Row, alone: Row, tested: str, higher_is_better: bool) -> Harm | None:
    """Return whether a row is worse than the model alone beyond the margin; None where the mean of that is 0."""
    seeds = common_seeds(row, alone)
    values = [each.per_seed(tested, seeds) for each in (row, alone)]  # [U, S]
    own, base = STANDARD.as_tested(*values)
    mean = float(abs(base.mean()))
    if not mean:
        return None
    if (own == base).all():
        return Harm(row.key, "same", 0.0, None, None, seeds)
    change = float(own.mean() - base.mean()) / mean
    outcome = tost(own, base, MARGIN * mean)
    if outcome is None:
        return Harm(row.key, "open", change, None, None, seeds)
    interval = Interval(outcome.interval.low / mean, outcome.interval.high / mean)
    worst, best = interval if higher_is_better else (-interval.high, -interval.low)
    verdict: Literal["none", "harm", "open", "few seeds"]
    verdict = "none" if worst > -MARGIN else "harm" if best < -MARGIN else "open"
    if can_vary_with_seed(row, alone) and not STANDARD.takes_seeds(values[0]):
        verdict = "few seeds"
    return Harm(row.key, verdict, change, interval, outcome.p, seeds)
