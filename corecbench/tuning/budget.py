"""What each search may take, and the extra that every search needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from corecbench.api import UsageError
from corecbench.tuning.study import is_finished, searched_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.trial import FrozenTrial

MISSING = "corecbench tune needs Optuna; install it by `pip install 'corecbench[tune]'`"


@dataclass(frozen=True)
class Budget:
    """What each search may take, the model alone as much as its pair."""

    minutes: float
    """On the clock, over all calls of the same command."""
    trials: int | None = None
    """Most trials that finish; None for as many as fit into the minutes."""
    jobs: int = 1
    """Processes that search side by side."""

    def __post_init__(self) -> None:
        """Make sure that the minutes are a number; nan would never be used up."""
        if not self.minutes >= 0:
            raise UsageError(f"minutes is {self.minutes}, must be a number of at least 0")

    def left_s(self, trials: Sequence[FrozenTrial]) -> float:
        """Return the seconds that are left of a search; 0 if it has all its trials."""
        if self.trials is not None and sum(map(is_finished, trials)) >= self.trials:
            return 0.0
        return max(0.0, 60 * self.minutes - searched_s(trials))


def needs_optuna() -> None:
    """Make sure that the extra `tune` is installed.

    Raises:
        UsageError: it is not.
    """
    try:
        import optuna
    except ImportError as error:
        raise UsageError(f"{MISSING} ({error})") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
