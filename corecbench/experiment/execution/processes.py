"""Runs cells in worker processes of this machine."""

from __future__ import annotations

from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from corecbench.experiment.execution.executor import Ended
from corecbench.experiment.execution.task import make_task
from corecbench.experiment.execution.worker_process import WorkerProcess

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from corecbench.experiment.attempt import Tell
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store


class Processes:
    """A number of worker processes. One that dies costs its cell, and another one takes its place."""

    backlog = False

    def __init__(self, plan: Plan, host: Host, store: Store, slots: int, n_threads: int | None) -> None:
        self.plan, self.host, self.store = plan, host, store
        self.slots, self.n_threads = slots, n_threads
        self.running: dict[WorkerProcess, Cell] = {}
        self.idle: list[WorkerProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes: at once after an error, or after an interruption."""
        everyone = [*self.running, *self.idle]
        for worker in everyone:
            worker.stop()
        for worker in everyone:
            worker.end(at_once=error is not None)
        self.running.clear()
        self.idle.clear()

    def submit(self, cell: Cell) -> None:
        """Give a cell to a process that has none, or to a new one."""
        worker = self.idle.pop() if self.idle else WorkerProcess(self.n_threads)
        self.running[worker] = cell
        worker.give(make_task(cell, self.plan, self.host, self.store))

    def wait(self, tell: Tell) -> Ended:
        """Return the next cell that ends. Meanwhile `tell` is told what happens in all that are running."""
        while True:
            ready = wait([worker.connection for worker in self.running])
            for worker in [worker for worker in self.running if worker.connection in ready]:
                end = worker.hear(tell)
                if end is not None:
                    cell = self.running.pop(worker)
                    if end.result is not None:
                        self.idle.append(worker)
                    return Ended(cell, *end)
