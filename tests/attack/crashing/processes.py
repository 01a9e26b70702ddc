"""Copies of this process, which end when they are told to."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Substitute:
    """Stands in for the module `subprocess` where a worker process is started: it is a copy of this process."""

    DEVNULL, PIPE, STDOUT, TimeoutExpired = (
        subprocess.DEVNULL,
        subprocess.PIPE,
        subprocess.STDOUT,
        subprocess.TimeoutExpired,
    )

    class Popen:
        """A copy of this process that does what a worker process does."""

        def __init__(self, command: Sequence[str], pass_fds: Sequence[int], **_: Any) -> None:
            ours, theirs = os.pipe()
            self.stdout = os.fdopen(ours, errors="replace")
            self.returncode: int | None = None
            self.pid = forked(functools.partial(self.work, command, pass_fds, theirs))
            os.close(theirs)

        def work(self, command: Sequence[str], kept: Sequence[int], out: int) -> None:
            """Be the worker process."""
            from corecbench.experiment.execution.worker import main

            os.setsid()
            os.dup2(out, 1)
            os.dup2(out, 2)
            kept_all = sorted({0, 1, 2, *kept})
            for low, high in zip(kept_all, [*kept_all[1:], 1024], strict=True):
                os.closerange(low + 1, high)  # else it would keep its parent's end of the pipe open
            sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, closefd=False)
            descriptor, n_threads, _ = json.loads(command[-1])
            main(descriptor, n_threads)

        def wait(self, timeout: float | None = None) -> int:
            """Wait until the process has ended, and return how."""
            if self.returncode is None:
                if timeout is not None and not ended_within(self.pid, timeout):
                    raise subprocess.TimeoutExpired("worker", timeout)
                self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            return self.returncode


def forked(work: Callable[[], None]) -> int:
    """Start a copy of this process that does something and ends; return its number."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def ended_within(pid: int, seconds: float) -> bool:
    """Return whether a child ends within some seconds; it is left for `waitpid`."""
    until = time.monotonic() + seconds
    while True:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(0.01)


def kill_all(run: int) -> None:
    """Kill the groups of a run and of its workers."""
    children = Path(f"/proc/{run}/task/{run}/children").read_text().split()
    for pid in (run, *map(int, children)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
