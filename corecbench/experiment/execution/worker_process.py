"""A worker process as its parent sees it: how it is started, what it is sent, and how it ended."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import IO

    from corecbench.experiment.cells import Cell
    from corecbench.experiment.execution.task import CellTask
    from corecbench.experiment.execution.worker import Message

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


class WorkerProcess:
    """One process that runs a cell at a time. It ends with this process, however this one ends."""

    def __init__(self, n_threads: int | None) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.cell: Cell | None = None
        self.ready = False
        with theirs:
            start = json.dumps([theirs.fileno(), n_threads, sys.path])
            self.process = subprocess.Popen(
                [sys.executable, *(f"-W{option}" for option in sys.warnoptions), "-c", START, start],
                pass_fds=[theirs.fileno()],
                env=environment(n_threads),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C reaches the parent only, which ends its workers
            )
        self.said: deque[str] = deque(maxlen=20)
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self) -> None:
        """Pass on to stderr what the process writes, and keep the last lines."""
        for line in cast("IO[str]", self.process.stdout):
            self.said.append(line.rstrip())
            sys.stderr.write(line)

    def give(self, cell: Cell, task: CellTask) -> None:
        """Send a task; if the process is gone, whoever waits for its messages will find out."""
        self.cell = cell
        with contextlib.suppress(OSError):
            self.connection.send(task)

    def receive(self) -> Message | None:
        """Return the next message, None if the process has ended."""
        try:
            return cast("Message", self.connection.recv())
        except (EOFError, OSError):
            return None

    def ending(self) -> str:
        """Return how the process ended, such as "worker process ended with signal 9 (SIGKILL)"."""
        code = self.process.wait()
        self.listener.join(timeout=1)
        return f"worker process ended with {named(code)}"

    def stop(self) -> None:
        """Say that there are no more tasks."""
        with contextlib.suppress(OSError):
            self.connection.send(None)

    def end(self, at_once: bool) -> None:
        """Wait for the end of the process, with all that it has started; at once, or when its time is over."""
        if not at_once:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.connection.close()
        self.listener.join(timeout=1)
        cast("IO[str]", self.process.stdout).close()


def environment(n_threads: int | None) -> dict[str, str]:
    """Return the environment of a worker process: waiting threads sleep, and there are so many."""
    own = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
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
