"""Carries out a search in this process, or in several side by side, until its budget is used up."""

from __future__ import annotations

import dataclasses
import math
import multiprocessing
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from corecbench.api import CorecbenchError, UsageError
from corecbench.tuning.account import TRIALS, row, write_trials
from corecbench.tuning.search import Search, ValidationData
from corecbench.tuning.study import is_finished, locked, needs_optuna, open_study, searched_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import optuna
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class Budget:
    """What each search may take, the model alone as much as its pair."""

    minutes: float
    """On the clock, over all calls of the same command."""
    trials: int | None = None
    """Most trials that finish; None for as many as fit into the minutes."""
    jobs: int = 1
    """Processes that search side by side."""

    def __post_init__(self) -> None:
        if not 0 <= self.minutes < math.inf:
            raise UsageError(f"minutes is {self.minutes}, must be a number of at least 0")

    def left_s(self, trials: Sequence[FrozenTrial]) -> float:
        if self.trials is not None and sum(map(is_finished, trials)) >= self.trials:
            return 0.0
        return max(0.0, 60 * self.minutes - searched_s(trials))


def optimise(search: Search, study: optuna.Study, budget: Budget, folder: Path, say: Callable[[str], None]) -> None:
    """Run trials in this process until the budget is used up, with the threads and the memory of a run."""
    import torch

    from corecbench.experiment.process import keep_freed_memory

    left_s = budget.left_s(study.get_trials())
    deadline_s = time.monotonic() + left_s

    def after(study: optuna.Study, trial: FrozenTrial) -> None:
        ended = row(search, trial)
        say(
            f"trial {ended['trial']}: {ended['state']}, validation {ended['validation'] or '-'}, "
            f"{ended['seconds']} s, {ended['settings']}"
        )
        with locked(folder):
            write_trials(folder / TRIALS, search, study.get_trials())
        if budget.left_s(study.get_trials()) <= 0:
            study.stop()

    torch.set_num_threads(search.config.threads or 1)
    keep_freed_memory()
    study.optimize(lambda trial: search.objective(trial, deadline_s), timeout=left_s, callbacks=[after])


def run_jobs(search: Search, budget: Budget, folder: Path) -> None:
    """Search in so many processes, and wait for them.

    Raises:
        CorecbenchError: one of them ended with an error, which it has printed.
    """
    context = multiprocessing.get_context("spawn")
    plain = {field.name: getattr(search, field.name) for field in dataclasses.fields(search)}
    host = plain.pop("host")
    work = (host.files, host.blocked, plain.pop("data"), plain, budget, folder)
    processes = [context.Process(target=search_here, args=work) for _ in range(budget.jobs)]
    for process in processes:
        process.start()
    try:
        for process in processes:
            process.join()
    except KeyboardInterrupt:  # they have heard of it, too, and end their trials
        for process in processes:
            process.join()
        raise
    if failed := [process for process in processes if process.exitcode]:
        raise CorecbenchError(f"{len(failed)} of {len(processes)} processes of the search ended with an error")


def search_here(
    files: tuple[Path, ...],
    blocked: tuple[str, ...],
    data: ValidationData,
    plain: dict[str, Any],
    budget: Budget,
    folder: Path,
) -> None:
    """Search in this process, which another one has started."""
    from corecbench.plugin.host import Host

    needs_optuna()
    search = Search(Host.discover(files, blocked), data, **plain)
    try:
        optimise(search, open_study(search, folder), budget, folder, click.echo)
    except CorecbenchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
