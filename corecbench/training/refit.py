"""What validation said in a training, so that one on more data can be the same without it.

A refit goes through the same code on data that holds the validation items. Wherever the first training measured
something on validation, the refit is told what that was. So it comes to the same epochs, turns, weights of texts
and fallbacks, and nothing is decided by items that it trains on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from corecbench.api import EpochRecord, RowSide, Side
    from corecbench.training.turns import PlannedTurn

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Validation:
    """Measures on validation, and notes what comes out."""

    epochs: list[EpochRecord] = field(default_factory=list)
    """Those of all turns, in order."""
    measured: defaultdict[RowSide, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """Row -> all else that was measured, in order."""

    def measure(self, row: RowSide, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        value = function(*args, **kwargs)
        self.measured[row].append(value)
        return value

    def of_epoch(self, side: Side, epoch: int, measure: Callable[[], float]) -> float:
        return measure() if epoch else self.measure(side, measure)

    def turns(self, turns: Sequence[PlannedTurn]) -> Sequence[PlannedTurn]:
        return turns


@dataclass
class EarlierValidation(Validation):
    """Tells a refit what was measured, and measures nothing."""

    def measure(self, row: RowSide, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        value: T = self.measured[row].pop(0)
        return value

    def of_epoch(self, side: Side, epoch: int, measure: Callable[[], float]) -> float:
        said = {(each["side"], each["epoch"]): each["validation"] for each in self.epochs}
        return said[side, epoch] if epoch else self.measure(side, measure)

    def turns(self, turns: Sequence[PlannedTurn]) -> Sequence[PlannedTurn]:
        n_epochs: defaultdict[int, int] = defaultdict(int)
        for record in self.epochs[: last_kept(self.epochs)]:
            n_epochs[record["turn"]] += 1
        shortened = (replace(turn, epochs=n_epochs[turn.number]) for turn in turns)
        return [turn for turn in shortened if turn.epochs or turn.renew is not None]


def last_kept(epochs: Sequence[EpochRecord]) -> int:
    """Return how many epochs there were when every side had come to its best weights.

    >>> values = ("llm", 0.2), ("domain", 0.1), ("domain", 0.3), ("llm", 0.1), ("domain", 0.3)
    >>> last_kept([{"side": side, "validation": value} for side, value in values])
    3
    """
    best: Mapping[str, float] = {}
    kept = 0
    for number, record in enumerate(epochs, start=1):
        if record["validation"] > best.get(record["side"], -1.0):
            best, kept = {**best, record["side"]: record["validation"]}, number
    return kept
