"""What every way of running cells offers: a cell is handed over, and later its end is heard of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from corecbench.api import CellResult
    from corecbench.experiment.attempt import Tell
    from corecbench.experiment.cells import Cell


@dataclass(frozen=True)
class Ended:
    """A cell that is not running any more."""

    cell: Cell
    result: CellResult | None
    """Its stored record; None if whatever ran it was lost before the record was written."""
    reason: str = ""
    """What became of the process that ran it, where there is no record."""
    kind: str = "WorkerLost"
    """The type of error that is stored then."""
    by_other: bool = False
    """Whether another run has run and stored it."""


class Executor(Protocol):
    """Runs cells that need nothing any more. It is a context, within which it holds its processes.

    When the context is left by an exception, everything that runs is ended.
    """

    slots: int
    """Number of cells that run side by side, at most."""
    backlog: bool
    """Whether it takes further cells while all slots are busy, and chooses among them by their order.

    It then claims each cell itself where the cell begins; else a cell is claimed before it is handed over."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None: ...

    def submit(self, cell: Cell) -> None: ...

    def wait(self, tell: Tell, seconds: float | None = None) -> Ended | None:
        """Return the next cell that ends, None if none ends within so many seconds.

        Meanwhile `tell` is told what happens in all that are running.

        Raises:
            CorecbenchError: cells cannot be run any longer.
            Exception: what was raised outside of a cell's training, such as for want of disk space.
        """
        ...
