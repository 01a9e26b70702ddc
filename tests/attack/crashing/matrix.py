"""Kills runs at many points, starts each again, and compares the end with that of a run that nothing disturbed.

A case is a run of SASRec, a tiny random Llama and their pair on toy data, in a folder of its own. At the point of
the case, or after a random time, all of its processes are killed by SIGKILL. Then the same command is run again.
Ranks and tables must be those of the undisturbed run bit for bit, and no file may be left that it has not left. The
last cases start the same command several times at once: all runs must end so, and no epoch may be trained twice.

All runs are copies (`fork`) of this process, in which the libraries are loaded already, so a case takes seconds.
Everything else is as in the command `corecbench run --jobs 1`: cells run in a worker process.
"""

from __future__ import annotations

import importlib
import random
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crashing.bench import Bench, Case
from crashing.points import EXECUTION, POINTS, Point, short

if TYPE_CHECKING:
    from collections.abc import Sequence

N_RANDOM = 12
"""Kills at random times of the whole run."""


def load_everything() -> None:
    """Import what a run imports, once for all of its copies; nothing may start a thread."""
    import torch

    torch.set_num_threads(1)
    for name in (
        "corecbench.cli.main", "corecbench.experiment.session", f"{EXECUTION}.worker",
        f"{EXECUTION}.workplace", "corecbench.report.publish", "corecbench_plugins.hf_llm.backend",
        "corecbench_plugins.recbole_models", "transformers.models.llama.modeling_llama", "peft", "rich.console",
    ):  # fmt: skip
        importlib.import_module(name)


def table(cases: Sequence[Case]) -> str:
    """Return the matrix: a line for each phase."""
    lines = [f"{'phase':36} {'cases':>5} {'equal':>5} {'epochs repeated':>16}"]
    for phase, kills in Counter(case.phase for case in cases if case.killed).items():
        own = [case for case in cases if case.killed and case.phase == phase]
        repeated = [case.epochs_repeated for case in own]
        lines.append(
            f"{phase:36} {kills:5} {sum(not case.faults for case in own):5} {min(repeated):>9} to {max(repeated):3}"
        )
    return "\n".join(lines)


def run_all(seed: int, is_short: bool) -> tuple[list[dict[str, Any]], bool]:
    """Run the cases and print the matrix; return the cases, and whether one failed or was not reached."""
    load_everything()
    with tempfile.TemporaryDirectory(prefix="crash-matrix-") as folder:
        bench = Bench(Path(folder))
        draw = random.Random(seed)
        at_random = [Point("random times", seconds=draw.uniform(0, 0.8 * bench.seconds)) for _ in range(N_RANDOM)]
        cases = []
        for point in short() if is_short else [*POINTS, *at_random]:
            cases.append(bench.case(point))
            print(cases[-1], flush=True)
        for runs in ((3, 1),) if is_short else ((2, 0), (4, 0), (8, 0), (4, 1), (8, 4)):
            cases.append(bench.together(*runs))
            print(cases[-1], flush=True)
    print(table(cases))
    missed = [case for case in cases if not case.killed]
    print(f"{len(cases)} cases, {len(missed)} of which were not reached")
    return [asdict(case) for case in cases], any(case.faults or not case.killed for case in cases)
