"""What a Dask worker does with a cell: it runs it in a process of its own, as one machine does."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from corecbench.experiment.execution.worker_process import TaskEnd, WorkerProcess

if TYPE_CHECKING:
    from corecbench.experiment.execution.task import CellTask

POOL = "corecbench_pool"
"""Attribute of a Dask worker that holds its processes."""


@dataclass
class Pool:
    """The processes of one Dask worker, which are kept from one cell to the next. They end with the worker."""

    idle: list[WorkerProcess] = field(default_factory=list)
    running: list[WorkerProcess] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, n_threads: int | None) -> WorkerProcess:
        """Return a process that computes with so many threads."""
        with self.lock:
            fitting = [process for process in self.idle if process.n_threads == n_threads]
            process = fitting[0] if fitting else WorkerProcess(n_threads)
            if fitting:
                self.idle.remove(process)
            self.running.append(process)
            return process

    def give_back(self, process: WorkerProcess, alive: bool) -> None:
        """Keep a process for the next cell, or end what is left of it."""
        with self.lock:
            if process in self.running:
                self.running.remove(process)
                if alive:
                    self.idle.append(process)
        if not alive:
            process.end(at_once=True)

    def end(self) -> None:
        """End all processes at once."""
        with self.lock:
            for process in [*self.running, *self.idle]:
                process.end(at_once=True)
            self.running.clear()
            self.idle.clear()


class Event(NamedTuple):
    """What the scheduler tells everyone who follows a run, sent as JSON."""

    key: str
    """Dask's key of the cell."""
    hook_name: str
    """A hook; or BEGUN or ENDED, where a worker takes the cell or has done with it."""
    arguments: dict[str, Any]
    """What the hook is called with."""


BEGUN, ENDED = "begun", "ended"


def run_task(task: CellTask, n_threads: int | None, topic: str, key: str) -> TaskEnd:
    """Run a cell in a process of this Dask worker. What happens meanwhile becomes events of the topic."""
    from distributed import get_worker

    worker = get_worker()
    pool: Pool = vars(worker).setdefault(POOL, Pool())
    process = pool.take(n_threads)

    def tell(hook_name: str, **arguments: Any) -> None:
        worker.log_event(topic, json.dumps(Event(key, hook_name, arguments)))

    tell(BEGUN)
    alive = False
    try:
        process.give(task)
        while (end := process.hear(tell)) is None:
            pass
        alive = end.result is not None
        return end
    finally:
        tell(ENDED)
        pool.give_back(process, alive)
