"""What a Dask worker does with a cell: it runs it in a process of its own, as one machine does."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from corecbench.experiment.execution.claims import renewed, stamp_of
from corecbench.experiment.execution.worker_process import TaskEnd, WorkerProcess
from corecbench.results.lease import Lease
from corecbench.results.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from corecbench.experiment.attempt import Tell
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
        with self.lock:
            fitting = [process for process in self.idle if process.n_threads == n_threads]
            process = fitting[0] if fitting else WorkerProcess(n_threads)
            if fitting:
                self.idle.remove(process)
            self.running.append(process)
            return process

    def give_back(self, process: WorkerProcess, usable: bool) -> None:
        with self.lock:
            if process in self.running:
                self.running.remove(process)
                if usable:
                    self.idle.append(process)
        if not usable:
            process.end(0.0)

    def end(self) -> None:
        with self.lock:
            for process in [*self.running, *self.idle]:
                process.end(0.0)
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
LOOK_S = 1.0
"""Seconds after which it is looked again whether another run has done with a cell."""


def run_task(task: CellTask, n_threads: int | None, topic: str, key: str) -> TaskEnd:
    """Run a cell in a process of this Dask worker. What happens meanwhile becomes events of the topic."""
    from distributed import get_worker

    worker = get_worker()

    def tell(hook_name: str, **arguments: Any) -> None:
        worker.log_event(topic, json.dumps(Event(key, hook_name, arguments)))

    before = stamp_of(task.cell_folder)
    with claimed(task.cell_folder, key):
        if stamp_of(task.cell_folder) != before:  # another run has stored it meanwhile
            return TaskEnd(Store(task.root, task.config.benchmark).read(task.cell_folder))
        return run_claimed(task, vars(worker).setdefault(POOL, Pool()), n_threads, tell)


def run_claimed(task: CellTask, pool: Pool, n_threads: int | None, tell: Tell) -> TaskEnd:
    """Run a cell in one of the processes."""
    process = pool.take(n_threads)
    tell(BEGUN)
    usable = False
    try:
        process.give(task)
        while (end := process.hear(tell)) is None:
            pass
        usable = process.is_clean_after(end)
        return end
    finally:
        tell(ENDED)
        pool.give_back(process, usable)


@contextlib.contextmanager
def claimed(folder: Path, key: str) -> Iterator[None]:
    """Claim a cell for the length of the context, once no run outside of this cluster has it.

    A worker that takes the cell from one that is lost has the same key, and need not wait.
    """
    while (lease := Lease.take(folder, key)) is None:
        time.sleep(LOOK_S)
    with renewed({folder: lease}):
        try:
            yield
        finally:
            lease.release()
