"""Measures what an operation costs, inside the process that runs it.

The programs of the sides use it, also those that run in the environment of a peer, so it needs nothing but Python.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.metadata
import json
import platform
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MARK = "MEASURED "
"""Begins the line in which a program says what it measured."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Cost:
    """What an operation took."""

    cpu_s: float
    """Seconds of processor time, user and system, of the process and of its children that have ended."""
    wall_s: float
    peak_memory_bytes: int
    """Largest resident size of the process meanwhile, with the libraries and data that it had loaded before."""


def cpu_seconds() -> float:
    """Return the processor time that this process and its ended children have used so far."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def forget_peak_memory() -> None:
    """Make the system count the largest resident size anew, where it can (Linux)."""
    gc.collect()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory_bytes() -> int:
    """Return the largest resident size since `forget_peak_memory`, or since the start where it cannot be reset."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def timed(operation: Callable[[], Value]) -> tuple[Value, Cost]:
    """Run an operation, and return its value and what it took."""
    forget_peak_memory()
    cpu_s, wall_s = cpu_seconds(), time.perf_counter()
    value = operation()
    return value, Cost(cpu_seconds() - cpu_s, time.perf_counter() - wall_s, peak_memory_bytes())


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of some installed libraries."""
    found = {"python": platform.python_version()}
    for name in libraries:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def report(cost: Cost, libraries: Iterable[str] = (), **facts: Any) -> None:
    """Print what was measured, for the script that started this program.

    Args:
        cost: of the operation.
        libraries: those whose versions matter.
        facts: what else is worth knowing, such as losses or counts; they go into the record as they are.
    """
    print(MARK + json.dumps({**asdict(cost), "versions": versions(libraries), "facts": facts}), flush=True)
