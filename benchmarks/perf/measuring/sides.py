"""The sides of a comparison: each is a program that runs in a process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring.clock import MARK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parents[1]
"""Where the scripts lie, which every side can import from."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


class SideError(Exception):
    """A side's program failed."""


@dataclass(frozen=True)
class Side:
    """One of several ways to do the same work."""

    name: str
    """Such as "corecbench" or "RecBole, its default batch"."""
    command: Sequence[str | Path]
    """The program. It says by `clock.report` what it measured; if it says nothing, the whole process counts."""
    cannot: str = ""
    """Why the work cannot be done on this side; it is then recorded and not run."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the environment beside those of all sides."""


def own_side(name: str, program: str, *arguments: str | Path, **options: Any) -> Side:
    """Return a side whose program, a file in `sides/`, runs in this environment."""
    return Side(name, [sys.executable, FOLDER / "sides" / program, *arguments], **options)


def environment_of(side: Side, n_threads: int) -> dict[str, str]:
    """Return the variables of a side's process: so many threads, and the frame can be imported."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    return {
        **kept,
        **dict.fromkeys(THREAD_VARIABLES, str(n_threads)),
        "OMP_WAIT_POLICY": "PASSIVE",  # a thread that waits takes no time from a side that works
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": str(FOLDER),
        "PYTHONWARNINGS": "ignore",
        **side.environment,
    }


def run_side(side: Side, n_threads: int, here: bool = False) -> dict[str, Any]:
    """Run a side once, and return what it measured: `cpu_s`, `wall_s`, `peak_memory_bytes`, `versions`, `facts`.

    Args:
        side: what is run.
        n_threads: of the side.
        here: whether a program of this environment runs in this process, which saves its start. What it measures
            then means nothing.

    Raises:
        SideError: its program failed. The message ends with the last lines that the program wrote.
    """
    if side.cannot:
        return {"cannot": side.cannot, "versions": {}}
    if here and side.command[0] == sys.executable and str(side.command[1]).endswith(".py"):
        return run_here(side)
    return run_apart(side, n_threads)


def run_here(side: Side) -> dict[str, Any]:
    """Run the program of a side in this process."""
    argv, printed = sys.argv, io.StringIO()
    sys.argv = [str(part) for part in side.command[1:]]
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        sys.argv = argv
    return said(printed.getvalue()) or {
        "cpu_s": 0.0,
        "wall_s": 0.0,
        "peak_memory_bytes": 0,
        "versions": {},
        "facts": {},
    }


def said(printed: str) -> dict[str, Any] | None:
    """Return what a program said that it measured; None if it said nothing."""
    marked = [line.removeprefix(MARK) for line in printed.splitlines() if line.startswith(MARK)]
    if not marked:
        return None
    measured: dict[str, Any] = json.loads(marked[-1])
    return measured


def run_apart(side: Side, n_threads: int) -> dict[str, Any]:
    """Run the program of a side in a process of its own."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8") as err,
    ):
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in side.command], stdout=out, stderr=err, env=environment_of(side, n_threads)
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.perf_counter() - started
        out.seek(0)
        err.seek(0)
        printed, errors = out.read(), err.read()
    if process.returncode != 0:
        last = "\n".join([*printed.splitlines()[-5:], *errors.splitlines()[-15:]])
        raise SideError(f"{side.name} ended with exit code {process.returncode}:\n{last}")
    cpu_s, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    whole = {"cpu_s": cpu_s, "wall_s": wall_s, "peak_memory_bytes": peak, "versions": {}, "facts": {}}
    return said(printed) or whole
