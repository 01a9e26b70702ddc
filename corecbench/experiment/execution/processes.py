"""Runs cells in worker processes of this machine."""

from __future__ import annotations

import time
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Self

from corecbench.experiment.execution.executor import Ended
from corecbench.experiment.execution.task import make_task
from corecbench.experiment.execution.worker_process import GRACE_S, STOP_S, TaskEnd, WorkerProcess

if TYPE_CHECKING:
    from corecbench.experiment.attempt import Tell
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store


class Processes:
    """A number of worker processes. One that dies or takes too long costs its cell; another takes its place."""

    backlog = False

    def __init__(self, plan: Plan, host: Host, store: Store, slots: int, n_threads: int | None) -> None:
        self.plan, self.host, self.store = plan, host, store
        self.slots, self.n_threads = slots, n_threads
        self.running: dict[WorkerProcess, Cell] = {}
        self.idle: list[WorkerProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """End all processes: at once after an error. After an interruption they have a moment to write states."""
        everyone = [*self.running, *self.idle]
        interrupted = error is not None and not isinstance(error, Exception)
        until = time.monotonic() + (GRACE_S if error is None else STOP_S if interrupted else 0.0)
        for worker in everyone:
            worker.stop(soon=interrupted)
        for worker in everyone:
            worker.end(max(0.0, until - time.monotonic()))
        self.running.clear()
        self.idle.clear()

    def submit(self, cell: Cell) -> None:
        worker = self.idle.pop() if self.idle else WorkerProcess(self.n_threads)
        self.running[worker] = cell
        worker.give(make_task(cell, self.plan, self.host, self.store))

    def wait(self, tell: Tell, seconds: float | None = None) -> Ended | None:
        """Return the next cell that ends, None if none ends within so many seconds.

        Meanwhile `tell` is told what happens in all that are running.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            limits = [worker.seconds_left for worker in self.running]
            soonest = min((limit for limit in [*limits, left] if limit is not None), default=None)
            ready = wait([worker.connection for worker in self.running], soonest)
            heard = [each for each in self.running if each.connection in ready or each.seconds_left == 0]
            for worker in heard:
                if (end := worker.hear(tell)) is not None:
                    return self.ended(worker, end)
            if left == 0:
                return None

    def ended(self, worker: WorkerProcess, end: TaskEnd) -> Ended:
        cell = self.running.pop(worker)
        if worker.is_clean_after(end):
            self.idle.append(worker)
        else:
            worker.end(0.0)
        return Ended(cell, *end)
