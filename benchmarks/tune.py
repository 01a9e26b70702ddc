"""Searches a domain model's settings on validation NDCG@10, for every model in the same way and time.

    python benchmarks/tune.py --dataset amazon-beauty --model sasrec --minutes 30

The best settings go to `tuned/DATASET.toml`, which a run's file can include, and every trial to `tuned/trials.csv`.
A model is trained as by `corecbench run`: the same split, early stopping and numbers drawn from the seed.
The test items are taken out of the split before the first trial.
"""

from __future__ import annotations

import csv
import dataclasses
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corecbench.api import CorecbenchError, PluginError, Setup, UsageError, cache_folder
from corecbench.options import data_dir_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import optuna
    from optuna.trial import FrozenTrial, Trial

    from corecbench.host import Host, Selected
    from corecbench.plan import Data

# --- what is searched ---------------------------------------------------------------------------------------------

FULL = 0
"""As a number of negatives of a model of histories: the whole catalogue."""
BPR = 0
"""As a number of negatives of a model of pairs: one negative for each pair."""


@dataclass(frozen=True)
class Space:
    """The settings that are searched for one model. Names and meanings are those of its config class."""

    suggest: Callable[[Trial, Sequence[int]], dict[str, Any]]
    """`suggest(trial, negatives)` returns settings; `negatives` are the numbers of sampled items to choose from."""
    first: Sequence[Mapping[str, Any]]
    """Settings that are tried first, each with all that `suggest` asks for."""
    first_if_long: Sequence[Mapping[str, Any]]
    """The same on data sets whose histories are longer: more targets in each history, and less need of dropout."""
    patience: int = 6
    """During the search."""
    final_patience: int = 10
    """Of the settings that are written."""


def learning_rate(trial: Trial, low: float, high: float) -> float:
    """Return a learning rate that is as likely in each octave."""
    return trial.suggest_float("learning_rate", low, high, log=True)


def dropout(trial: Trial, name: str) -> float:
    """Return a dropout in tenths."""
    return trial.suggest_float(name, 0.1, 0.7, step=0.1)


def averaging(trial: Trial) -> float:
    """Return the decay of the average of weights."""
    return trial.suggest_categorical("averaging", (0.0, 0.99, 0.998))


def of_histories(trial: Trial, negatives: Sequence[int]) -> dict[str, Any]:
    """Return what all models of histories have."""
    return {
        "learning_rate": learning_rate(trial, 5e-4, 5e-3),
        "batch_size": trial.suggest_categorical("batch_size", (64, 128, 256)),
        "negatives": trial.suggest_categorical("negatives", tuple(negatives)),
        "weight_decay": trial.suggest_categorical("weight_decay", (0.0, 1e-2, 1e-1)),
        "embedding_size": trial.suggest_categorical("embedding_size", (64, 128)),
        "averaging": averaging(trial),
    }


def sasrec(trial: Trial, negatives: Sequence[int]) -> dict[str, Any]:
    """One dropout for states and attention; the inner layer is four times as wide as the states."""
    shared = of_histories(trial, negatives)
    hidden_dropout = dropout(trial, "hidden_dropout")
    return {
        **shared,
        "hidden_dropout": hidden_dropout,
        "attention_dropout": hidden_dropout,
        "n_layers": trial.suggest_int("n_layers", 1, 3),
        "n_heads": trial.suggest_int("n_heads", 1, 2),
        "inner_size": 4 * shared["embedding_size"],
    }


def gru4rec(trial: Trial, negatives: Sequence[int]) -> dict[str, Any]:
    """The recurrent state has a width of its own."""
    return {
        **of_histories(trial, negatives),
        "dropout": dropout(trial, "dropout"),
        "hidden_size": trial.suggest_categorical("hidden_size", (64, 128, 256)),
        "n_layers": trial.suggest_int("n_layers", 1, 2),
    }


def lightgcn(trial: Trial, negatives: Sequence[int]) -> dict[str, Any]:
    """Trained by BPR, or by the softmax over sampled items with cosines; each batch propagates over the graph."""
    sampled = trial.suggest_categorical("negatives", (BPR, *negatives))
    special = (
        {"regularisation": trial.suggest_float("regularisation", 1e-6, 1e-2, log=True)}
        if sampled == BPR
        else {"temperature": trial.suggest_float("temperature", 0.06, 0.3, log=True)}
    )
    return {
        **special,
        "negatives": sampled,
        "learning_rate": learning_rate(trial, 1e-3, 3e-2),
        "batch_size": trial.suggest_categorical("batch_size", (2048, 8192, 32768)),
        "n_layers": trial.suggest_int("n_layers", 1, 4),
        "embedding_size": trial.suggest_categorical("embedding_size", (64, 128)),
        "averaging": averaging(trial),
    }


HISTORIES = {
    "learning_rate": 2e-3,
    "batch_size": 256,
    "negatives": 1024,
    "weight_decay": 0.0,
    "embedding_size": 64,
    "averaging": 0.99,
}
SASREC = {**HISTORIES, "hidden_dropout": 0.5, "n_layers": 2, "n_heads": 2}
GRU4REC = {**HISTORIES, "dropout": 0.5, "hidden_size": 128, "n_layers": 1}
LIGHTGCN = {
    "learning_rate": 5e-3,
    "batch_size": 8192,
    "n_layers": 3,
    "embedding_size": 64,
    "averaging": 0.0,
}

SPACES = {
    "sasrec": Space(
        sasrec,
        (
            SASREC,
            {**SASREC, "embedding_size": 128},
            {**SASREC, "hidden_dropout": 0.2, "n_layers": 1, "n_heads": 1, "negatives": 256},
        ),
        (
            {**SASREC, "hidden_dropout": 0.2, "n_layers": 1, "n_heads": 1, "negatives": 256, "batch_size": 64},
            {**SASREC, "hidden_dropout": 0.2, "batch_size": 64},
        ),
    ),
    "gru4rec": Space(
        gru4rec,
        (
            {**GRU4REC, "batch_size": 64},
            {**GRU4REC, "batch_size": 64, "embedding_size": 128, "hidden_size": 256},
            {**GRU4REC, "batch_size": 64, "dropout": 0.2, "weight_decay": 0.1},
        ),
        (
            {**GRU4REC, "dropout": 0.2, "negatives": 256, "batch_size": 64},
            {**GRU4REC, "dropout": 0.2, "negatives": 256, "batch_size": 64, "hidden_size": 256},
        ),
    ),
    "lightgcn": Space(
        lightgcn,
        (
            {**LIGHTGCN, "negatives": 1024, "temperature": 0.15},
            {**LIGHTGCN, "negatives": 1024, "temperature": 0.2, "embedding_size": 128, "n_layers": 2},
            {**LIGHTGCN, "negatives": BPR, "regularisation": 1e-4},
        ),
        (
            {**LIGHTGCN, "negatives": 1024, "temperature": 0.15, "batch_size": 32768},
            {**LIGHTGCN, "negatives": 1024, "temperature": 0.25, "batch_size": 32768, "n_layers": 2},
        ),
        patience=10,
        final_patience=20,
    ),
}
"""Model -> its space. A model of a plugin is tuned once it has one here."""

NEGATIVES = (256, 1024)
FINAL_EPOCHS = 200
MAX_HISTORY = {"ml-1m": 200}
"""Data sets whose histories are longer than `DEFAULT_HISTORY` in the papers."""
DEFAULT_HISTORY = 50
START_TRIALS = 6
"""Those that are given and then random ones, before the sampler learns from what there is."""


# --- one search ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Search:
    """What one call searches, and for how long."""

    host: Host
    data: Data
    model: str
    max_history: int
    seed: int
    negatives: Sequence[int]
    deadline_s: float
    """On the clock of `time.monotonic`."""
    trial_s: float
    """After so long a trial ends with the best that it reached."""

    @property
    def space(self) -> Space:
        """Of the model."""
        return SPACES[self.model]

    @property
    def study_name(self) -> str:
        """Of everything that makes trials comparable, such as "ml-1m/sasrec/history-200/seed-0"."""
        full = "/full" if FULL in self.negatives else ""
        return f"{self.data.name}/{self.model}/history-{self.max_history}/seed-{self.seed}{full}"

    def select(self, settings: Mapping[str, Any]) -> Selected:
        """Return the model under settings."""
        return self.host.select("models", self.model, {self.model: dict(settings)})

    @property
    def first(self) -> Sequence[Mapping[str, Any]]:
        """What is tried first."""
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
        """Train the model alone, over a split without test items."""
        import numpy as np

        from corecbench.training.cell import Workshop

        split = dataclasses.replace(self.data.split, test=np.zeros_like(self.data.split.test))
        setup = Setup(self.data.dataset.catalog, self.max_history, self.seed, cache=cache_folder())
        metric = self.host.build(self.host.select("metrics", "NDCG@10", {}))
        selected = self.select({**settings, "patience": self.space.patience})
        Workshop(self.host, setup, split, self.model, metric).train_solo("domain", selected, on_epoch)

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


# --- what is written ----------------------------------------------------------------------------------------------

COLUMNS = (
    "study",
    "dataset",
    "model",
    "trial",
    "validation",
    "epochs",
    "best_epoch",
    "seconds",
    "state",
    "settings",
)


def best_of(trial: FrozenTrial) -> float:
    """Return a trial's best validation NDCG@10, -1 before the first epoch."""
    return max(trial.intermediate_values.values(), default=-1.0)


def state_of(trial: FrozenTrial) -> str:
    """Return how a trial ended."""
    return trial.user_attrs.get("state", trial.state.name.lower().replace("fail", "failed"))


def row(search: Search, trial: FrozenTrial) -> dict[str, str]:
    """Return a trial as it stands in `trials.csv`."""
    curve, duration = trial.intermediate_values, trial.duration
    best = best_of(trial)
    return {
        "study": search.study_name,
        "dataset": search.data.name,
        "model": search.model,
        "trial": str(trial.number),
        "validation": f"{best:.6f}" if curve else "",
        "epochs": str(max(curve, default=0)),
        "best_epoch": str(min((epoch for epoch, value in curve.items() if value == best), default=0)),
        "seconds": f"{duration.total_seconds():.0f}" if duration else "",
        "state": state_of(trial),
        "settings": " ".join(f"{key}={value}" for key, value in trial.user_attrs.get("settings", {}).items()),
    }


def write_trials(path: Path, search: Search, trials: Iterable[FrozenTrial]) -> None:
    """Put the trials of a study into the table of all, in place of its earlier rows."""
    rows = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["study"] != search.study_name]
    rows += [row(search, trial) for trial in trials if trial.state.name != "WAITING"]
    rows.sort(key=lambda row: (row["dataset"], row["model"], row["study"], int(row["trial"])))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def write_best(path: Path, search: Search, trials: Sequence[FrozenTrial], threads: int) -> None:
    """Put the best settings into the file of the data set; the tables of other models stay as they are."""
    import tomlkit

    best = max(trials, key=lambda trial: (best_of(trial), -trial.number))
    final = {"epochs": FINAL_EPOCHS, "patience": search.space.final_patience}
    config = search.select({**best.user_attrs["settings"], **final}).config
    table = tomlkit.table()
    for line in account(search, best, trials, threads):
        table.add(tomlkit.comment(line))
    for key, value in dataclasses.asdict(config).items():
        table.add(key, value)
    document = read_tuned(path)
    own = document.setdefault("per_dataset", tomlkit.table(is_super_table=True))
    own = own.setdefault(search.data.name, tomlkit.table())
    own["max_history"] = search.max_history
    own.setdefault("settings", tomlkit.table(is_super_table=True))[search.model] = table
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def account(search: Search, best: FrozenTrial, trials: Sequence[FrozenTrial], threads: int) -> list[str]:
    """Return how settings were found, in a few lines."""
    import importlib.metadata
    import platform

    of_best = row(search, best)
    seconds = sum(trial.duration.total_seconds() for trial in trials if trial.duration)
    states = ", ".join(f"{n} {state}" for state, n in sorted(Counter(map(state_of, trials)).items()))
    libraries = ("corecbench", "torch", "optuna")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in libraries)
    return [
        f"validation NDCG@10 {of_best['validation']} at epoch {of_best['best_epoch']} of trial {best.number} "
        f"({of_best['state']})",
        f"{len(trials)} trials ({states}) in {seconds / 60:.1f} minutes, seed {search.seed}, "
        f"{threads} thread{'s' * (threads != 1)}",
        f"python {platform.python_version()}, {versions}; {processor()}, {os.cpu_count()} cores",
    ]


def processor() -> str:
    """Return what the processor is called."""
    import platform

    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), platform.processor() or platform.machine())


def read_tuned(path: Path) -> Any:
    """Return the document of a data set's settings, a new one with a heading if there is none."""
    import tomlkit

    if path.exists():
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Written by benchmarks/tune.py; for a run's file: include = [{path.name!r}]"))
    document.add(tomlkit.nl())
    return document


def check_history(path: Path, dataset: str, max_history: int) -> None:
    """Check that the settings of one data set are found under one length of histories.

    Raises:
        UsageError: the file has another one.
    """
    earlier = read_tuned(path).get("per_dataset", {}).get(dataset, {}).get("max_history", max_history)
    if earlier != max_history:
        raise UsageError(
            f"{path} is of max_history {earlier}, asked for {max_history}; give the same, or another --out"
        )


# --- the command --------------------------------------------------------------------------------------------------


def tune(
    dataset: str,
    model: str,
    minutes: float,
    *,
    max_history: int | None = None,
    seed: int = 0,
    threads: int = 1,
    trial_minutes: float | None = None,
    max_trials: int | None = None,
    full_catalogue: bool = False,
    storage: Path,
    out: Path,
    plugins: Sequence[Path] = (),
) -> Path:
    """Search for so many minutes and return the file with the best settings; see the options of the command."""
    import optuna

    from corecbench.config import RunConfig
    from corecbench.configure import unknown
    from corecbench.host import Host
    from corecbench.plan import read_datasets

    if model not in SPACES:
        raise unknown("model with a search space in benchmarks/tune.py:", model, SPACES)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    use_threads(threads)
    host = Host.discover(plugins)
    (data,) = read_datasets(RunConfig(datasets=(dataset,)), host)
    history = max_history or MAX_HISTORY.get(data.name, DEFAULT_HISTORY)
    path = out / f"{data.name}.toml"
    check_history(path, data.name, history)
    negatives = (FULL, *NEGATIVES) if full_catalogue else NEGATIVES
    deadline_s = time.monotonic() + 60 * minutes
    trial_s = 60 * (minutes / 3 if trial_minutes is None else trial_minutes)
    search = Search(host, data, model, history, seed, negatives, deadline_s, trial_s)
    study = open_study(search, storage)

    def write(study: optuna.Study, trial: FrozenTrial | None = None) -> None:
        if trial is not None:
            click.echo(" ".join(f"{key}={value}" for key, value in list(row(search, trial).items())[3:]))
        with locked(storage):
            trials = [trial for trial in study.get_trials() if trial.intermediate_values]
            out.mkdir(parents=True, exist_ok=True)
            write_trials(out / "trials.csv", search, study.get_trials())
            if trials:
                write_best(path, search, trials, threads)

    if minutes > 0:
        study.optimize(search.objective, n_trials=max_trials, timeout=60 * minutes, callbacks=[write])
    write(study)
    if not path.exists():
        raise UsageError(f"no trial of {search.study_name} finished an epoch; give more --minutes")
    return path


def use_threads(threads: int) -> None:
    """Let torch use so many threads, and keep the memory that it frees, as in a run."""
    import torch

    from corecbench.process import keep_freed_memory

    torch.set_num_threads(threads)
    keep_freed_memory()


HERE = Path(__file__).parent
A_PATH = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--dataset", required=True, help="A name, or a folder of atomic files.")
@click.option("--model", required=True, help=f"One of {', '.join(SPACES)}.")
@click.option("--minutes", default=30.0, help="How long to search; 0 only writes what is stored.")
@click.option("--trial-minutes", type=float, help="Of one trial.  [default: a third of --minutes]")
@click.option("--max-trials", type=int, help="Stop after so many trials, too.")
@click.option("--max-history", type=click.IntRange(1), help="Items of a history.  [default: 50; ml-1m 200]")
@click.option("--seed", default=0, help="Of the model and of the search.")
@click.option("--threads", default=1, help="Of torch.")
@click.option("--full-catalogue", is_flag=True, help="Also try training without sampled negatives: slow.")
@click.option("--storage", type=A_PATH, default="results/tune.journal", help="Where a search goes on.")
@click.option("--out", type=A_PATH, default=HERE / "tuned", show_default="tuned/ beside this file", help="Folder.")
@click.option("--plugin", "plugins", multiple=True, type=A_PATH, help="Load a plugin from a file.")
@data_dir_option
def main(**options: Any) -> None:
    """Search the settings of a domain model on validation NDCG@10 within a time budget.

    The same command goes on with a search that was stopped; it may run several times at once.
    """
    try:
        click.echo(f"written: {tune(**options)}")
    except CorecbenchError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
