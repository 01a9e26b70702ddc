"""Processes that help one worker process to train its cells: how it starts, meets and ends them."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from corecbench.api import CorecbenchError
from corecbench.experiment.execution.choice import threads_of
from corecbench.experiment.execution.task import Beside, CellTask
from corecbench.experiment.execution.worker_process import WorkerProcess
from corecbench.experiment.together import Together
from corecbench.training.replicas import Place, joined, meeting_point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.experiment.attempt import Tell
    from corecbench.training.replicas import Replicas

COMES = "comes"
"""What a helping process tells before it meets the others."""
LOOK_S = 5.0
"""Seconds in which the end of a lost process is heard of."""


def helping(beside: Beside, tell: Tell) -> Together:
    """Return how a process trains that helps another one."""

    @contextlib.contextmanager
    def join() -> Iterator[Replicas]:
        beside.place.check_device()
        tell(COMES)
        with joined(beside.place, meeting_point(beside.port, leads=False)) as replicas:
            yield replicas

    return Together(leads=False, join=join)


class Company:
    """The processes that help this one to train its cells. They are kept from one cell to the next."""

    def __init__(self) -> None:
        self.helpers: list[WorkerProcess] = []
        self.ended: dict[WorkerProcess, str] = {}
        """Helping process -> how it ended with the present cell, "" if it trained to the end."""
        self.memory = 0

    @contextlib.contextmanager
    def together(self, task: CellTask) -> Iterator[Together]:
        """Give a task to the helping processes, too. They read the data while this process does.

        If a process fails, or has not trained to the end by the end of the context, all of them are ended.

        Raises:
            CorecbenchError: there is no device for each process.
        """
        self.place, self.ended, self.memory = Place(0, task.config.processes, task.config.device), {}, 0
        self.place.check_device()
        self.store = meeting_point(0, leads=True)
        self.hire(self.place.number - 1, threads_of(task.config))
        for index, helper in enumerate(self.helpers, start=1):
            place = replace(self.place, index=index)
            helper.give(replace(task, beside=Beside(place, self.store.port)))
        try:
            yield Together(join=self.join, peak_memory_bytes=self.peak_memory_bytes)
        finally:
            if any(self.ended.get(helper, "it goes on") for helper in self.helpers):
                self.end()

    def hire(self, number: int, n_threads: int | None) -> None:
        """Have so many helping processes, with so many threads each."""
        if [helper.n_threads for helper in self.helpers] != [n_threads] * number:
            self.end()
            self.helpers = [WorkerProcess(n_threads) for _ in range(number)]

    def end(self) -> None:
        """End the helping processes."""
        for helper in self.helpers:
            helper.end(0.0)
        self.helpers = []

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
