"""The study of a search: what comes next, how trials are stored, which is best, and their time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.toolkit import ordinary_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import optuna
    from optuna.trial import FrozenTrial

    from corecbench.tuning.search import Search

JOURNAL = "trials.journal"
MISSING = "corecbench tune needs Optuna; install it by `pip install 'corecbench[tune]'`"
FINISHED = ("complete", "out of time", "pruned")
"""How trials end that say something about their settings."""


def needs_optuna() -> None:
    try:
        import optuna
    except ImportError as error:
        raise UsageError(f"{MISSING} ({error})") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def pruner() -> optuna.pruners.BasePruner:
    """Return what stops trials: those that at their best are below two thirds of the finished ones at that epoch.

    Half, the median, would stop much that wins in the end: strong dropout and low learning rates start slowly.
    """
    from optuna.pruners import PercentilePruner

    return PercentilePruner(100 * 2 / 3, n_startup_trials=4, n_warmup_steps=8, n_min_trials=4)


def open_study(search: Search, folder: Path) -> optuna.Study:
    """Return the study of a search, with its first trials in line, and those again that a killed process left.

    Raises:
        UsageError: what stands where trials are stored was not written by a search.
    """
    import optuna
    import psutil
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState

    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / JOURNAL
    with locked(folder):
        try:
            if journal.exists():  # Optuna appends to what there is before it reads it
                with ordinary_file(journal).open("rb") as file:
                    if (first := file.readline()) and "op_code" not in json.loads(first):
                        raise ValueError("the first line is no operation")
            study = optuna.create_study(
                storage=optuna.storages.JournalStorage(JournalFileBackend(str(journal))),
                study_name=search.name,
                direction="maximize",
                pruner=pruner(),
                load_if_exists=True,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # what other contents lead to
            raise UsageError(
                f"{journal}: no journal of trials ({type(error).__name__}); move it away, or choose other --results"
            ) from error
        for params in (*search.first, search.defaults):
            study.enqueue_trial(dict(params), skip_if_exists=True)
        for trial in study.get_trials(states=[TrialState.RUNNING]):
            if "pid" in trial.user_attrs and not psutil.pid_exists(trial.user_attrs["pid"]):
                study.tell(trial.number, state=TrialState.FAIL)
                study.enqueue_trial(trial.params)
    return study


def locked(folder: Path) -> Any:
    from filelock import FileLock

    return FileLock(folder / "writing.lock")


def state_of(trial: FrozenTrial) -> str:
    return str(trial.user_attrs.get("state", trial.state.name.lower().replace("fail", "failed")))


def is_finished(trial: FrozenTrial) -> bool:
    return state_of(trial) in FINISHED


def best_of(trial: FrozenTrial) -> float:
    return max(trial.intermediate_values.values(), default=-1.0)


def best_trial(trials: Iterable[FrozenTrial]) -> FrozenTrial | None:
    trained = [trial for trial in trials if trial.intermediate_values and trial.state.name != "RUNNING"]
    return max(trained, key=lambda trial: (is_finished(trial), best_of(trial), -trial.number), default=None)


def searched_s(trials: Iterable[FrozenTrial]) -> float:
    """Return the seconds in which at least one trial ran, those that a killed process lost left out.

    Trials side by side count once, so this is the time of the search on the clock.
    """
    stretches = sorted(
        (trial.datetime_start, trial.datetime_complete)
        for trial in trials
        if trial.datetime_start and trial.datetime_complete and trial.state.name != "FAIL"
    )
    total, last = 0.0, None
    for start, end in stretches:
        begin = start if last is None else max(start, last)
        total += max(0.0, (end - begin).total_seconds())
        last = end if last is None else max(last, end)
    return total
