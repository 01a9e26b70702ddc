"""Carries out searches one after another, each within its budget, and writes what they found."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.tuning.account import TRIALS, account, write_trials
from corecbench.tuning.budget import Budget, optimise, run_jobs
from corecbench.tuning.plot import write_plots
from corecbench.tuning.search import INTERRUPTED, Search, ValidationData
from corecbench.tuning.study import best_trial, locked, open_study, state_of
from corecbench.tuning.tuned_file import read_tuned, write_tuned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import optuna

    from corecbench.plugin.host import Host
    from corecbench.settings.config import RunConfig

SHARE_OF_TRIAL = 1 / 3
"""A trial ends after this share of the minutes of its search, so that each search has several."""


def searches(
    config: RunConfig, host: Host, budget: Budget, first: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[list[Search]]:
    """Yield the searches of each model on each data set: alone, then in a pair if there is an LLM.

    Where all settings of the model are given, and some of the sharing module are not, there is no search alone.
    `first` are settings for a trial that is made before the defaults.

    Raises:
        UsageError: there is nothing to search, or more than one LLM, sharing module or seed is given.
    """
    from corecbench.data.loaded import read_datasets

    if not config.models:
        raise UsageError("nothing to tune; give --models (`corecbench describe models` shows some)")
    for name in ("train_shares", "seeds", "llms", *(["sharing"] if config.llms else [])):
        if len(labels := getattr(config, name)) > 1:
            raise UsageError(
                f"{name} is {', '.join(map(str, labels))}; settings of a pair hold in all pairs of a file, so give "
                "one, and another --out for the next"
            )
    host.check_settings(config)
    for label in config.datasets:
        data = read_datasets(dataclasses.replace(config, datasets=(label,)), host)[0]  # of windows the first
        reduction = dataclasses.replace(
            data.reduction, train_share=config.train_shares[0], cold_items=config.cold_items
        )
        reduced = data.reduced(reduction, config.seeds[0], config.selection)
        validation = ValidationData.of(reduced.choosing, config)
        del data
        for model in config.models:
            seed, trial_s = config.seeds[0], 60 * budget.minutes * SHARE_OF_TRIAL
            alone = Search(host, validation, config, model, seed=seed, trial_s=trial_s)
            pair = dataclasses.replace(
                alone,
                llm=next(iter(config.llms), None),
                sharing=config.sharing[0],
                searches_sharing=len(config.models) == 1,
            )
            sides = [alone, pair] if config.llms else [alone]
            if config.llms and not alone.has_space:
                sides = [pair]
            yield [side.begun_with(first or {}) for side in sides]


@dataclass(frozen=True)
class Outcome:
    """What a search found."""

    search: Search
    account: Mapping[str, Any]
    """Empty if no trial finished an epoch."""


def tune(
    sides: Sequence[Search], budget: Budget, folder: Path, out: Path, say: Callable[[str], None]
) -> list[Outcome]:
    """Search one model alone and then in its pair, and write what each found as soon as it is there.

    Raises:
        UsageError: no trial finished an epoch, or `out` is another file.
    """
    read_tuned(out)
    outcomes: list[Outcome] = []
    first: Sequence[Mapping[str, Any]] = ()
    for search in sides:
        known = [{**search.defaults, **params} for params in first]
        search = dataclasses.replace(search, first=[*search.first, *known])
        study = run(search, budget, folder, say)
        trials = study.get_trials()
        found = account(search, trials, budget.jobs)
        with locked(folder):
            write_trials(folder / TRIALS, search, trials)
            if found:
                for module in write_tuned(out, search, found):
                    say(f"{out}: settings of {search.model} that were found with {module} are replaced")
                write_plots(study, folder)
        best = best_trial(trials)
        if any(state_of(trial) == INTERRUPTED for trial in trials[-1:]):
            raise KeyboardInterrupt
        if best is None:
            raise UsageError(f"no trial of {search.name} finished an epoch; give more --minutes")
        first = [best.params]
        outcomes.append(Outcome(search, found))
    return outcomes


def run(search: Search, budget: Budget, folder: Path, say: Callable[[str], None]) -> optuna.Study:
    study = open_study(search, folder)
    if budget.left_s(study.get_trials()) > 0:
        if budget.jobs > 1:
            run_jobs(search, budget, folder)
        else:
            optimise(search, study, budget, folder, say)
    return study
