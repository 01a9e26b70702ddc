"""The sides of a comparison: each is a program that runs in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring.clock import MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).parents[1]
"""Where the scripts lie, which every side can import from."""

THREAD_VARIABLES = tuple(f"{name}_NUM_THREADS" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA", "LK"))


class SideError(Exception):
    """A side's program failed."""


@dataclass(frozen=True)
class Side:
    """One of several ways to do the same work."""

    name: str
    """Such as "corecbench" or "RecBole, its default batch"."""
    command: Sequence[str | Path]
    """The program, which says by `clock.report` what it measured."""
    cannot: str = ""
    """Why the work cannot be done on this side; it is then recorded and not run."""


def own_side(name: str, program: str, *arguments: str | Path) -> Side:
    """Return a side whose program, a file in `sides/`, runs in this environment."""
    return Side(name, [sys.executable, FOLDER / "sides" / program, *arguments])


def environment_of(n_threads: int) -> dict[str, str]:
    """Return the variables of a side's process: so many threads, and the frame can be imported."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    return {
        **kept,
        **dict.fromkeys(THREAD_VARIABLES, str(n_threads)),
        "OMP_WAIT_POLICY": "PASSIVE",  # a thread that waits takes no time from a side that works
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": str(FOLDER),
        "PYTHONWARNINGS": "ignore",
    }


def run_side(side: Side, n_threads: int) -> dict[str, Any]:
    """Run a side once, and return what it measured: `cpu_s`, `wall_s`, `peak_memory_bytes`, `versions`, `facts`.

    Args:
        side: what is run.
        n_threads: of the side.

    Raises:
        SideError: its program failed. The message ends with the last lines that the program wrote.
    """
    if side.cannot:
        return {"cannot": side.cannot, "versions": {}}
    command = [str(part) for part in side.command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment_of(n_threads))
    marked = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode != 0 or not marked:
        last = "\n".join([*done.stdout.splitlines()[-5:], *done.stderr.splitlines()[-15:]])
        raise SideError(f"{side.name} ended with exit code {done.returncode}:\n{last}")
    measured: dict[str, Any] = json.loads(marked[-1])
    return measured
