"""Whether a process that left something behind is still running."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
import time
from pathlib import Path

ABANDONED_S = 86400.0
"""Age of an unfinished file of another machine from which on it counts as left by a process that has ended."""


@functools.cache
def machine() -> str:
    """Return a short name of this machine, since its last start, and of the container."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8"))
        parts.append(
            os.readlink("/proc/self/ns/pid")
        )  # numbers of processes mean something within a container only
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def birth(pid: int) -> str:
    """Return when a process of this machine began, as the machine counts; "" if it has ended."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _birth_without_proc(pid)
    return "" if state in "ZX" else rest[18]


def is_gone(on_machine: str, pid: int, born: str) -> bool:
    """Return whether a process is known to have ended; it is not known of other machines."""
    return on_machine == machine() and birth(pid) != born


def unfinished(path: Path) -> Path:
    """Return the name under which this process writes a file that gets its own name when it is complete."""
    pid = os.getpid()
    return path.with_name(f".{path.name}.{machine()}-{pid}-{birth(pid)}.new")


def remove_abandoned(folder: Path) -> None:
    """Remove the unfinished files in a folder that no running process is writing."""
    for path in folder.glob(".*.new"):
        with contextlib.suppress(OSError, ValueError):
            on_machine, pid, born = path.stem.rpartition(".")[2].split("-")
            if is_gone(on_machine, int(pid), born) or time.time() - path.stat().st_mtime > ABANDONED_S:
                path.unlink()


def _birth_without_proc(pid: int) -> str:
    """Return "unknown" if a process runs, else ""."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "unknown"
