"""Runs cells in this process, one after another. A plugin that ends or blocks the process does so to the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.api import UsageError
from corecbench.experiment import process
from corecbench.experiment.execution.executor import Ended
from corecbench.experiment.runner import run_cell

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from corecbench.experiment.attempt import Tell
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store


class Here:
    """Runs each cell when its end is waited for."""

    slots = 1
    backlog = False

    def __init__(self, plan: Plan, host: Host, store: Store) -> None:
        if plan.config.processes > 1:
            raise UsageError(f"processes is {plan.config.processes}, and cells run in this process alone")
        if plan.config.cell_timeout is not None:
            raise UsageError("cell_timeout needs cells in processes of their own, and they run in this process")
        self.plan, self.host, self.store = plan, host, store
        self.taken: list[Cell] = []

    def __enter__(self) -> Self:
        process.keep_freed_memory()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is to be ended."""

    def submit(self, cell: Cell) -> None:
        """Take a cell over."""
        self.taken.append(cell)

    def wait(self, tell: Tell, seconds: float | None = None) -> Ended | None:
        """Run the cell that was taken over first, however long it takes."""
        cell = self.taken.pop(0)
        return Ended(cell, run_cell(cell, self.plan, self.host, self.store, tell))
