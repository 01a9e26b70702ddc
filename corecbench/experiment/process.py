"""The process of a run: its memory, versions and the device."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.metadata
import math
import os
import platform
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import CorecbenchWarning
from corecbench.toolkit import system

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LIBRARIES = ("corecbench", "torch", "recbole", "transformers", "peft", "numpy", "scipy", "pandas")
BFLOAT16 = {"AVX-512 bf16": "_is_avx512_bf16_supported", "AMX": "_is_amx_tile_supported"}
"""Instructions that multiply in bfloat16, and torch's check of each."""
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux says how much of its cores a container may use."""


def keep_freed_memory() -> None:
    """Let glibc keep large freed blocks instead of giving each back to the system and faulting it in again.

    Training on a CPU allocates and frees the same large temporaries at every step; this nearly halves a step. Where
    the C library has no `mallopt`, nothing happens.
    """
    mmap_threshold, trim_threshold, largest = -3, -1, 1 << 30
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(mmap_threshold, largest)
        mallopt(trim_threshold, largest)


@contextlib.contextmanager
def plain_warnings() -> Iterator[None]:
    """Print each warning that is meant for the user as one line, without the place in the code that raised it."""
    usual = warnings.formatwarning

    def plain(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
    ) -> str:
        if issubclass(category, CorecbenchWarning):
            return f"warning: {' '.join(str(message).split())}\n"
        return usual(message, category, filename, lineno, line)

    warnings.formatwarning = plain
    try:
        yield
    finally:
        warnings.formatwarning = usual


def reset_peak_memory() -> None:
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_bytes() -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return system.peak_memory_bytes()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def versions(libraries: Sequence[str] = ()) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in libraries or LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def n_threads() -> int:
    import torch

    return torch.get_num_threads()


def machine(device: str) -> str:
    """Return what times and last digits depend on, such as "AMD EPYC (AVX2), 2 threads".

    That is accelerator, processor, its instructions, from which an LLM's dtype follows, and threads. A device that
    is not there is not named: the cell that asked for it failed, and its record says why.
    """
    import torch

    accelerator = []
    if device.startswith("cuda"):
        with contextlib.suppress(AssertionError, RuntimeError, ValueError):
            accelerator = [torch.cuda.get_device_name(device)]
    named = f"{processor()} ({', '.join([torch.backends.cpu.get_cpu_capability(), *bfloat16()])})"
    return ", ".join([*accelerator, named, f"{n_threads()} thread{'s' * (n_threads() != 1)}"])


def bfloat16() -> list[str]:
    import torch

    return [name for name, check in BFLOAT16.items() if getattr(torch.cpu, check, bool)()]


def n_cores() -> int:
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CPU_QUOTA.read_text().split()
        allowed = math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no such file, or the quota is "max"
        return bound
    return max(1, min(bound, allowed))


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), platform.processor() or platform.machine())


def commit() -> str | None:
    """Return the last commit of the code that runs from a working copy, None for an installed package.

    The code is this package and the folder of plugins beside it.
    """
    folder = Path(__file__).resolve().parents[1]
    code = str(folder), str(folder.parent / "plugins")
    command = ["git", "-C", str(folder), "log", "-1", "--format=%H", "--", *code]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
