"""What Linux, macOS and Windows do in different ways: processes, what they inherit, and their memory."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def is_running(pid: int) -> bool:
    """Return whether a process runs, whoever owns it. Asking by `os.kill` would end the process on Windows."""
    import psutil

    try:
        return bool(psutil.pid_exists(pid))
    except OverflowError:  # no process has so large a number
        return False


@functools.cache
def machine() -> str:
    """Return a short name of this machine, since its last start, and of the container."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8"))
        parts.append(os.readlink("/proc/self/ns/pid"))  # a number names a process within its container only
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def birth(pid: int) -> str:
    """Return when a process of this machine began, as the machine counts; "" if it has ended.

    Where the machine does not tell, it is "unknown" for a process that runs.
    """
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        is_there = not Path("/proc/self/stat").exists() and is_running(pid)
        return "unknown" if is_there else ""
    return "" if state in "ZX" else rest[18]


def is_gone(on_machine: str, pid: int, born: str) -> bool:
    """Return whether a process is known to have ended; it is not known of other machines."""
    return on_machine == machine() and birth(pid) != born


def peak_memory_bytes() -> int:
    """Return the largest resident size of this process since its start."""
    if sys.platform == "win32":
        import psutil

        found = psutil.Process().memory_info()
        return int(getattr(found, "peak_wset", found.rss))
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def inheriting(passed: Connection) -> dict[str, Any]:
    """Return the arguments of `subprocess.Popen` for a process that gets one end of a pipe.

    Ctrl-C does not reach the process.
    """
    if sys.platform != "win32":
        return {"pass_fds": [passed.fileno()], "start_new_session": True}
    os.set_handle_inheritable(passed.fileno(), True)
    start = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [passed.fileno()]})
    return {"startupinfo": start, "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}


def inherited(number: int) -> Connection:
    """Return the end of a pipe that this process got from `inheriting`, by its number."""
    from multiprocessing import connection

    of_windows = getattr(connection, "PipeConnection", None) if sys.platform == "win32" else None
    end: Connection = (of_windows or connection.Connection)(number)
    return end


def kill_group(process: subprocess.Popen[Any]) -> None:
    """End a process that was started with `inheriting` at once, and all that it has started."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        return
    import psutil

    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    process.kill()
