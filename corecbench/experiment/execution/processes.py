"""Runs cells in worker processes of this machine."""

from __future__ import annotations

from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from corecbench.api import CorecbenchError
from corecbench.experiment.execution.executor import Ended
from corecbench.experiment.execution.task import make_task
from corecbench.experiment.execution.worker_process import WorkerProcess

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from types import TracebackType
    from typing import Self

    from corecbench.experiment.attempt import Tell
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.execution.worker import Message
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store


class Processes:
    """A number of worker processes. One that dies costs its cell, and another one takes its place."""

    backlog = False

    def __init__(self, plan: Plan, host: Host, store: Store, slots: int, n_threads: int | None) -> None:
        self.plan, self.host, self.store = plan, host, store
        self.slots, self.n_threads = slots, n_threads
        self.workers: list[WorkerProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes: at once after an error, or after an interruption."""
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.end(at_once=error is not None)
        self.workers.clear()

    def submit(self, cell: Cell) -> None:
        """Give a cell to a process that has none, or to a new one."""
        idle = [worker for worker in self.workers if worker.cell is None]
        if not idle:
            idle = [WorkerProcess(self.n_threads)]
            self.workers += idle
        idle[0].give(cell, make_task(cell, self.plan, self.host, self.store))

    def wait(self, tell: Tell) -> Ended:
        """Return the next cell that ends. Meanwhile `tell` is told what happens in all that are running."""
        while True:
            busy: dict[Connection, WorkerProcess] = {
                worker.connection: worker for worker in self.workers if worker.cell is not None
            }
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                ended = self.heard(worker, worker.receive(), tell)
                if ended is not None:
                    return ended

    def heard(self, worker: WorkerProcess, message: Message | None, tell: Tell) -> Ended | None:
        """Act on a message of a process, or on its end; return its cell if that has ended."""
        cell = worker.cell
        if cell is None:
            return None
        if message is None:
            return self.lost(worker, cell)
        if message.kind == "error":
            raise message.content
        if message.kind == "ready":
            worker.ready = True
        elif message.kind == "told":
            hook_name, arguments = message.content
            tell(hook_name, **arguments)
        else:
            worker.cell = None
            return Ended(cell, message.content)
        return None

    def lost(self, worker: WorkerProcess, cell: Cell) -> Ended:
        """Return the cell of a process that has died.

        Raises:
            CorecbenchError: it has never been ready, so that another one would not be either.
        """
        self.workers.remove(worker)
        reason = worker.ending()
        worker.end(at_once=True)
        if not worker.ready:
            last = worker.said[-1] if worker.said else "it said nothing"
            raise CorecbenchError(f"no cell can be run: {reason} before it was ready: {last}")
        return Ended(cell, None, reason)
