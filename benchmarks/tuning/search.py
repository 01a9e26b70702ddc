"""One search: its trials within a time, each trained as a run trains, stored as they go."""

from __future__ import annotations

import dataclasses
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corecbench.api import CorecbenchError, PluginError, Setup, UsageError, cache_folder
from corecbench.settings.config import load
from tuning.space import DEFAULT_HISTORY, FULL, SPACES, START_TRIALS, Space

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import optuna
    from optuna.trial import Trial

    from corecbench.data.loaded import SplitDataset
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected

IN_PAIRS = "/in-pairs/"
"""In the name of a study whose trials are trained with partners."""


@dataclass(frozen=True)
class Partners:
    """What a model is searched together with."""

    llm: Selected
    sharing: Selected
    """With turns of neither side: what is searched is the warm-up, in which the model reads what the LLM wrote."""

    @classmethod
    def of(cls, path: str | Path, host: Host, dataset: str) -> Partners:
        """Return the first LLM and the first sharing module of a run's file, as they are in pairs on a data set.

        Raises:
            UsageError: the file names none, or pairs of this module have no warm-up of their own there.
        """
        config = load(path, {}, [])
        if not config.llms:
            raise UsageError(f"{path} names no LLM; give a file with pairs")
        llm, sharing = (
            host.select(kind, labels[0], config.settings_in_pairs_on(dataset), config.variants)
            for kind, labels in (("llms", config.llms), ("sharing", config.sharing))
        )
        if getattr(sharing.config, "start", None) != "new" or not sharing.config.warm_up_epochs:
            raise UsageError(
                f"pairs of {sharing.label} on {dataset} have no warm-up; those of bdlm have, by default"
            )
        turns = dataclasses.replace(sharing.config, llm_epochs=0, domain_epochs=0)
        return cls(llm, dataclasses.replace(sharing, config=turns))


@dataclass(frozen=True)
class Search:
    """What one call searches, and for how long."""

    host: Host
    data: SplitDataset
    model: str
    max_history: int
    seed: int
    negatives: Sequence[int]
    deadline_s: float
    """On the clock of `time.monotonic`."""
    trial_s: float
    """After so long a trial ends with the best that it reached."""
    partners: Partners | None = None
    """With which the settings of pairs are searched; None for a model alone."""
    best_alone: Mapping[str, Any] | None = None
    """Settings that were found for the model alone: in pairs they are tried first."""

    @property
    def space(self) -> Space:
        """Of the model."""
        return SPACES[self.model]

    @property
    def study_name(self) -> str:
        """Of everything that makes trials comparable, such as "ml-1m/sasrec/history-200/seed-0"."""
        alone = f"{self.data.name}/{self.model}/history-{self.max_history}/seed-{self.seed}"
        if self.partners is not None:
            return f"{alone}{IN_PAIRS}{self.partners.llm.label}+{self.partners.sharing.label}"
        return f"{alone}/full" if FULL in self.negatives else alone

    def select(self, settings: Mapping[str, Any]) -> Selected:
        """Return the model under settings."""
        return self.host.select("models", self.model, {self.model: dict(settings)})

    @property
    def first(self) -> Sequence[Mapping[str, Any]]:
        """What is tried first."""
        if self.partners is not None:
            return ([] if self.best_alone is None else [self.best_alone]) + [*self.space.first_in_pairs]
        if FULL in self.negatives:
            return self.space.first_in_full
        return self.space.first if self.max_history <= DEFAULT_HISTORY else self.space.first_if_long

    def objective(self, trial: Trial) -> float:
        """Train the model under settings that a trial suggests and return its best validation NDCG@10."""
        import optuna

        trial.study.sampler = sampler(self.seed, trial.number)
        trial.set_user_attr("pid", os.getpid())
        settings = rounded(self.space.suggest(trial, self.negatives))
        trial.set_user_attr("settings", settings)
        started, best = time.monotonic(), 0.0

        def on_epoch(record: dict[str, Any]) -> None:
            nonlocal best
            best = max(best, record["validation"])
            trial.report(record["validation"], record["epoch"])
            now = time.monotonic()
            if now >= self.deadline_s:
                raise self.ended(trial, "cut off")
            if trial.should_prune():
                raise self.ended(trial, "pruned")
            if now - started >= self.trial_s:
                raise OutOfTimeError

        try:
            self.train(settings, on_epoch)
        except OutOfTimeError:
            trial.set_user_attr("state", "out of time")
        except KeyboardInterrupt:
            trial.study.stop()
            raise self.ended(trial, "cut off") from None
        except optuna.TrialPruned:
            raise
        except CorecbenchError as error:
            if isinstance(error, PluginError | UsageError):
                raise
            raise self.ended(trial, "diverged") from error
        return best

    def train(self, settings: Mapping[str, Any], on_epoch: Callable[[dict[str, Any]], None]) -> None:
        """Train the model, alone or with its partners, over a split without test items."""
        import numpy as np

        from corecbench.experiment.cells import cell_name
        from corecbench.training.cell import CellTraining
        from corecbench.training.pair import Learnt, Pair, Solo, train_pair
        from corecbench.training.weights import snapshot

        split = dataclasses.replace(self.data.split, test=np.zeros_like(self.data.split.test))
        setup = Setup(self.data.dataset.catalog, self.max_history, self.seed, cache=cache_folder())
        metric = self.host.build(self.host.select("metrics", "NDCG@10", {}))
        selected = self.select({**settings, "patience": self.space.patience})
        if self.partners is None:
            CellTraining(self.host, setup, split, self.model, metric).train_solo("domain", selected, on_epoch)
            return
        llm, sharing = self.partners.llm, self.partners.sharing
        cell_training = CellTraining(self.host, setup, split, cell_name([selected, llm, sharing]), metric)

        def untrained() -> Learnt:
            alone, _ = cell_training.build_solo("domain", selected)
            return Learnt(snapshot(alone), 0)

        train_pair(cell_training, Pair(selected, llm, sharing), Solo(selected, untrained), on_epoch)

    @staticmethod
    def ended(trial: Trial, state: str) -> Exception:
        """Return what ends a trial early, after noting why."""
        import optuna

        trial.set_user_attr("state", state)
        return optuna.TrialPruned(state)


class OutOfTimeError(Exception):
    """A trial has had its time."""


def rounded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with three significant digits, which are what is trained.

    >>> rounded({"learning_rate": 0.0012345, "hidden_dropout": 0.30000000000000004, "n_layers": 2})
    {'learning_rate': 0.00123, 'hidden_dropout': 0.3, 'n_layers': 2}
    """
    return {key: float(f"{value:.3g}") if isinstance(value, float) else value for key, value in settings.items()}


def sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """Return what suggests the settings of a trial.

    It is seeded by the trial's number, so that neither a resumed search nor a second process repeats suggestions.
    """
    from optuna.samplers import TPESampler

    return TPESampler(n_startup_trials=START_TRIALS, seed=1_000_003 * seed + number)


def pruner() -> optuna.pruners.BasePruner:
    """Return what stops trials: those that at their best are below two thirds of the finished ones at that epoch.

    Half, the median, would stop much that wins in the end: strong dropout and low learning rates start slowly.
    """
    from optuna.pruners import PercentilePruner

    return PercentilePruner(100 * 2 / 3, n_startup_trials=4, n_warmup_steps=8, n_min_trials=4)


def open_study(search: Search, storage: Path) -> optuna.Study:
    """Return the study of a search, with its first trials in line, and those again that a killed process left.

    Raises:
        UsageError: the stored trials are of other data.
    """
    import optuna
    import psutil
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState

    storage.parent.mkdir(parents=True, exist_ok=True)
    with locked(storage):
        study = optuna.create_study(
            storage=optuna.storages.JournalStorage(JournalFileBackend(str(storage))),
            study_name=search.study_name,
            direction="maximize",
            pruner=pruner(),
            load_if_exists=True,
        )
        fingerprint = search.data.split.fingerprint
        if study.user_attrs.setdefault("data", fingerprint) != fingerprint:
            raise UsageError(f"{storage} has trials of {study.study_name} on other data; give another --storage")
        study.set_user_attr("data", fingerprint)
        for params in search.first:
            study.enqueue_trial(dict(params), skip_if_exists=True)
        for trial in study.get_trials(states=[TrialState.RUNNING]):
            if "pid" in trial.user_attrs and not psutil.pid_exists(trial.user_attrs["pid"]):
                study.tell(trial.number, state=TrialState.FAIL)
                study.enqueue_trial(trial.params)
    return study


def locked(storage: Path) -> Any:
    """Return a lock that all processes with the same storage share; `.lock` behind its name is Optuna's."""
    from filelock import FileLock

    return FileLock(f"{storage}.tune")
