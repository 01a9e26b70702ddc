"""Whether a process that left something behind is still running."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
from pathlib import Path

from corecbench.api.system import is_running


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
