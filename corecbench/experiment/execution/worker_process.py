"""A worker process as its parent sees it: how it is started, what it is sent, and how it ended."""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from corecbench.api import CellResult, CorecbenchError
from corecbench.experiment.execution.worker import STOP, Message
from corecbench.toolkit import system

if TYPE_CHECKING:
    from corecbench.experiment.attempt import Tell
    from corecbench.experiment.execution.task import CellTask

LOG = logging.getLogger("corecbench.worker")
START = """
import json, sys
descriptor, n_threads, sys.path[:] = json.loads(sys.argv[1])
from corecbench.experiment.execution.worker import main
main(descriptor, n_threads)
"""
"""The program of a worker process. It is no copy of this process, since torch's threads do not survive a fork. It
does not import the script that this process runs, so a script needs no `if __name__ == "__main__"`."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
"""Variables of the environment by which libraries choose their number of threads, before they are imported."""

GRACE_S = 10.0
"""Seconds that a process has to end by itself when it is told that there are no more tasks."""
STOP_S = 3.0
"""Seconds that it has when the run is interrupted, to end its epoch and write its state, or to store its result."""


TIMED_OUT = "CellTimeout"
"""The type of error of a cell that took too long."""
WAITS = "waits"
"""In place of a type of error: the cell is to be run again once that of its domain model alone has ended."""


class TaskEnd(NamedTuple):
    """How a task ended."""

    result: CellResult | None
    """The stored record of the cell; None if its process ended before."""
    reason: str = ""
    """How the process ended."""
    kind: str = "WorkerLost"
    """The type of error, as a record names it."""


class WorkerProcess:
    """One process that runs a cell at a time. It ends with this process, however this one ends."""

    def __init__(self, n_threads: int | None) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.n_threads, self.ready, self.gone = n_threads, False, False
        with theirs:
            start = json.dumps([theirs.fileno(), n_threads, sys.path])
            self.process = subprocess.Popen(
                [sys.executable, *(f"-W{option}" for option in sys.warnoptions), "-c", START, start],
                env=environment(n_threads),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                **system.inheriting(theirs),
            )
        self.limit: float | None = None
        """Minutes that the task may take."""
        self.has_foreign_code = False
        """Whether code of other distributions runs in the task."""
        self.given = time.monotonic()
        """When the task was given, or when the process could begin it."""
        self.said: deque[str] = deque(maxlen=20)
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        atexit.register(self.end, 0.0)  # else a process that leaves would wait for what this one may still write

    def listen(self) -> None:
        for line in cast("IO[str]", self.process.stdout):
            self.said.append(line.rstrip())
            LOG.info("%s", line.rstrip())
            sys.stderr.write(line)

    def give(self, task: CellTask) -> None:
        self.limit, self.has_foreign_code = task.config.cell_timeout, task.has_foreign_code
        self.given = time.monotonic()
        with contextlib.suppress(OSError):
            self.connection.send(task)

    @property
    def seconds_left(self) -> float | None:
        return None if self.limit is None else max(0.0, 60 * self.limit - (time.monotonic() - self.given))

    def hear(self, tell: Tell) -> TaskEnd | None:
        """Act on the next message, or on the end of the process. Return how the task ended, None if it goes on.

        A process whose task takes too long is ended.

        Raises:
            CorecbenchError: the process ended before it could run anything, so that another one would end, too.
            Exception: what was raised in the process outside of the training of the cell.
        """
        try:
            if not self.connection.poll(self.seconds_left):
                self.end(0.0)
                minutes = f"{self.limit:g} minute{'s' * (self.limit != 1)}"
                return TaskEnd(None, f"it took longer than {minutes} (cell_timeout)", TIMED_OUT)
            message = cast("Message", self.connection.recv())
        except (EOFError, OSError):
            return self.found_dead()
        if message.kind == "error":
            raise message.content
        if message.kind == "ended":
            return TaskEnd(message.content)
        if message.kind == "waits":
            return TaskEnd(None, kind=WAITS)
        if message.kind == "hook":
            hook_name, arguments = message.content
            tell(hook_name, **arguments)
        else:
            self.ready, self.given = True, time.monotonic()
        return None

    def is_clean_after(self, end: TaskEnd) -> bool:
        """Return whether the process can take another task.

        A failure may have left anything behind, such as no memory, and so may a plugin of others.
        """
        ok = end.kind == WAITS or (end.result is not None and end.result["status"] == "ok")
        return ok and not self.has_foreign_code

    def found_dead(self) -> TaskEnd:
        reason = f"worker process ended with {named(self.process.wait())}"
        self.end(0.0)
        if not self.ready:
            last = self.said[-1] if self.said else "it said nothing"
            raise CorecbenchError(f"no cell can be run: {reason} before it was ready: {last}")
        return TaskEnd(None, reason)

    def stop(self, soon: bool = False) -> None:
        with contextlib.suppress(OSError):
            self.connection.send(STOP if soon else None)

    def end(self, grace_s: float) -> None:
        """End the process and all that it has started, if it has not ended by itself after so many seconds."""
        if self.gone:
            return
        self.gone = True
        atexit.unregister(self.end)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace_s)
        system.kill_group(self.process)
        self.process.wait()
        self.connection.close()
        self.listener.join(timeout=1)
        if not self.listener.is_alive():
            cast("IO[str]", self.process.stdout).close()


def environment(n_threads: int | None) -> dict[str, str]:
    own = {"OMP_WAIT_POLICY": "PASSIVE", "TQDM_DISABLE": "1", **os.environ}
    return own if n_threads is None else {**own, **dict.fromkeys(THREADS, str(n_threads))}


def named(code: int) -> str:
    """Return an exit code in words.

    >>> named(3), named(-9)
    ('exit code 3', 'signal 9 (SIGKILL)')
    """
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
    return f"signal {-code} ({name})"
