"""Processes that help one worker process to train its cell: it starts them, meets them and ends them."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch.distributed as dist

from corecbench.api import CorecbenchError
from corecbench.experiment.execution.choice import threads_of
from corecbench.experiment.execution.task import Beside, CellTask
from corecbench.experiment.execution.worker_process import WorkerProcess
from corecbench.experiment.together import ALONE, Together
from corecbench.training.replicas import HOST, TIMEOUT_S, Place, joined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from corecbench.experiment.attempt import Tell
    from corecbench.training.replicas import Replicas

COMES = "comes"
"""What a helping process tells before it meets the others."""
LOOK_S = 5.0
"""Seconds in which the end of a lost process is heard of."""


@contextlib.contextmanager
def together(task: CellTask, tell: Tell) -> Iterator[Together]:
    """Return how this process trains the cell of a task, with helping processes that end with the context."""
    if task.beside is not None:
        yield helping(task.beside, tell)
    elif task.config.processes == 1:
        yield ALONE
    else:
        with Company(task) as company:
            yield Together(join=company.join, peak_memory_bytes=company.peak_memory_bytes)


def helping(beside: Beside, tell: Tell) -> Together:
    """Return how a process trains that helps another one."""

    @contextlib.contextmanager
    def join() -> Iterator[Replicas]:
        beside.place.check_device()
        tell(COMES)
        store = dist.TCPStore(HOST, beside.port, is_master=False, timeout=timedelta(seconds=TIMEOUT_S))
        with joined(beside.place, store) as replicas:
            yield replicas

    return Together(leads=False, join=join)


class Company:
    """The processes that help this one to train a cell."""

    def __init__(self, task: CellTask) -> None:
        self.task, self.place = task, Place(0, task.config.processes, task.config.device)
        self.helpers: list[WorkerProcess] = []
        self.ended: dict[WorkerProcess, str] = {}
        """Helping process -> how it ended, "" if it trained to the end."""
        self.memory = 0

    def __enter__(self) -> Self:
        """Start the processes. They read the data while this one does."""
        self.place.check_device()
        timeout = timedelta(seconds=TIMEOUT_S)
        self.store = dist.TCPStore(HOST, 0, is_master=True, wait_for_workers=False, timeout=timeout)
        for index in range(1, self.place.number):
            helper = WorkerProcess(threads_of(self.task.config))
            self.helpers.append(helper)
            helper.give(replace(self.task, beside=Beside(replace(self.place, index=index), self.store.port)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes."""
        for helper in self.helpers:
            helper.end(at_once=True)

    @contextlib.contextmanager
    def join(self) -> Iterator[Replicas]:
        """Meet the other processes.

        Raises:
            CorecbenchError: one of them ended before it came.
        """
        for helper in self.helpers:
            if self.listen(helper) is not None:
                raise CorecbenchError(f"the cell has not all of its processes: {self.reason()}")
        with joined(self.place, self.store, self.reason) as replicas:
            yield replicas

    def listen(self, helper: WorkerProcess) -> str | None:
        """Return how a helping process ended, None once it comes to meet the others."""
        comes = []

        def note(hook_name: str, **arguments: Any) -> None:
            comes.append(hook_name)

        while helper not in self.ended and not comes:
            try:
                end = helper.hear(note)
            except Exception as error:
                self.ended[helper] = " ".join(str(error).split())
                continue
            if end is not None and end.result is None:
                self.ended[helper] = end.reason
            elif end is not None and end.result is not None:
                failure = end.result["error"]
                self.ended[helper] = "" if failure is None else failure["message"]
                self.memory += end.result["peak_memory_bytes"]
        return self.ended.get(helper)

    def reason(self) -> str:
        """Return how those processes ended that did not train to the end."""
        said = []
        for number, helper in enumerate(self.helpers, start=2):
            if helper not in self.ended and helper.connection.poll(LOOK_S):
                self.listen(helper)
            if how := self.ended.get(helper):
                said.append(f"process {number} of {self.place.number}: {how}")
        return "; ".join(said)

    def peak_memory_bytes(self) -> int:
        """Return how much memory the other processes needed, as far as they said."""
        self.reason()
        return self.memory
