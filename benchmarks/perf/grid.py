"""Measures how much faster a grid is when its cells run side by side: `--jobs N` beside `--jobs 1`.

    python benchmarks/perf/grid.py
    python benchmarks/perf/grid.py --run '--config quick' --data-dir FOLDER   # the three data sets, shortened

Results of both must be equal rank by rank.
"""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from measuring.command_line import measuring_options
from measuring.comparison import Comparison, Target
from measuring.record import measure_all
from measuring.sides import FOLDER, SideError, own_side

from corecbench.cli.options import data_dir_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measuring.options import Options

EPOCHS = {"sasrec": 4, "gru4rec": 4, "lightgcn": 40}
"""With which cells of ml-100k take about as long as each other."""
RUN = " ".join(
    ["--models", ",".join(EPOCHS), "--seeds 0-1", *(f"--set {name}.epochs={n}" for name, n in EPOCHS.items())]
)


def has_jobs() -> bool:
    """Return whether `corecbench run` can run cells side by side."""
    command = [sys.executable, "-m", "corecbench", "run", "--help"]
    return "--jobs" in subprocess.run(command, capture_output=True, text=True, check=False).stdout


def check(folder: Path, first: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare the stored ranks of all runs.

    Raises:
        SideError: a rank differs.
    """
    stored = sorted(folder.glob("jobs-*"))
    for other in stored[1:]:
        command = [sys.executable, *map(str, (FOLDER.parent / "same_ranks.py", stored[0], other))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SideError(f"{stored[0].name} and {other.name} differ:\n{done.stdout}{done.stderr}")
    return [f"{' and '.join(path.name for path in stored)}: all rows are equal bit for bit"] if stored else []


def comparison(arguments: Sequence[str], jobs: int, folder: Path) -> Comparison:
    """Compare one job with several."""
    reason = "" if has_jobs() else "`corecbench run` has no option --jobs"
    names = {n: f"--jobs {n}" for n in (1, jobs)}
    sides = [own_side(name, "grid_run.py", folder, str(n), *arguments, cannot=reason) for n, name in names.items()]
    notes = [
        "Peak memory is that of the largest process.",
        f"Wall seconds decide; this machine has {os.cpu_count()} cores.",
    ]
    targets = [Target(names[1], names[jobs], at_least=1.7 if jobs == 2 else None, quantity="wall_s")]
    return Comparison(
        f"corecbench run {shlex.join(arguments)}", sides, targets, notes, functools.partial(check, folder)
    )


@click.command()
@click.option("--run", "arguments", default=RUN, show_default=True, help="Arguments of `corecbench run`.")
@click.option("--jobs", type=click.IntRange(2), default=2, show_default=True)
@data_dir_option
@measuring_options
def main(options: Options, arguments: str, jobs: int) -> None:
    """Measure a grid with one and with several jobs."""
    with tempfile.TemporaryDirectory() as place:
        chosen = shlex.split(arguments)
        if options.tiny:
            from corecbench.testing.toys import circle, write_atomic

            chosen = ["--datasets", str(write_atomic(circle(), Path(place) / "toy")), "--models", "popularity"]
        measure_all("grid", [comparison(chosen, jobs, Path(place) / "runs")], options)


if __name__ == "__main__":
    main()
