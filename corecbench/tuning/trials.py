"""Runs the trials of a search in this process until its budget is used up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from corecbench.tuning.account import TRIALS, row, write_trials
from corecbench.tuning.study import locked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import optuna
    from optuna.trial import FrozenTrial

    from corecbench.tuning.budget import Budget
    from corecbench.tuning.search import Search


def optimise(search: Search, study: optuna.Study, budget: Budget, folder: Path, say: Callable[[str], None]) -> None:
    """Run trials in this process until the budget is used up."""
    left_s = budget.left_s(study.get_trials())
    deadline_s = time.monotonic() + left_s
    threads = search.config.threads or 1

    def after(study: optuna.Study, trial: FrozenTrial) -> None:
        told = row(search, trial)
        say(
            f"trial {told['trial']}: {told['state']}, validation {told['validation'] or '-'}, {told['seconds']} s, "
            f"{told['settings']}"
        )
        with locked(folder):
            write_trials(folder / TRIALS, search, study.get_trials())
        if budget.left_s(study.get_trials()) <= 0:
            study.stop()

    use_threads(threads)
    study.optimize(lambda trial: search.objective(trial, deadline_s), timeout=left_s, callbacks=[after])


def use_threads(threads: int) -> None:
    """Let torch use so many threads, and keep the memory that it frees, as in a run."""
    import torch

    from corecbench.experiment.process import keep_freed_memory

    torch.set_num_threads(threads)
    keep_freed_memory()
