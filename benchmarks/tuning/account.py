"""What is written: every trial in a table, and the best settings of a data set in a file for runs."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.experiment.process import processor
from tuning.search import IN_PAIRS
from tuning.space import FINAL_EPOCHS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from optuna.trial import FrozenTrial

    from tuning.search import Search

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


def write_trials(path: Path, search: Search, trials: Iterable[FrozenTrial]) -> list[dict[str, str]]:
    """Put the trials of a study into the table of all, in place of its earlier rows, and return those of others."""
    others = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            others = [row for row in csv.DictReader(file) if row["study"] != search.study_name]
    rows = others + [row(search, trial) for trial in trials if trial.state.name != "WAITING"]
    rows.sort(key=lambda row: (row["dataset"], row["model"], row["study"], int(row["trial"])))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return others


def write_best(
    path: Path, search: Search, trials: Sequence[FrozenTrial], others: Iterable[Mapping[str, str]], threads: int
) -> None:
    """Put the best settings into the file of the data set; the tables of other models stay as they are.

    So does the model's where one of the `others`, rows of other searches, is no worse on the same data. What was
    searched in pairs stands apart from what was searched alone, and only where it differs.
    """
    import tomlkit

    best = max(trials, key=lambda trial: (best_of(trial), -trial.number))
    same = {"dataset": search.data.name, "model": search.model}
    rivals = [
        float(other["validation"] or -1)
        for other in others
        if other.items() >= same.items() and (IN_PAIRS in other["study"]) == (search.partners is not None)
    ]
    if best_of(best) <= max(rivals, default=-1.0):
        return
    final = {"epochs": FINAL_EPOCHS, "patience": search.space.final_patience}
    config = search.select({**best.user_attrs["settings"], **final}).config
    table = tomlkit.table()
    for line in account(search, best, trials, threads):
        table.add(tomlkit.comment(line))
    known = (search.best_alone or {}) if search.partners is not None else {}
    for key, value in dataclasses.asdict(config).items():
        if known.get(key) != value:
            table.add(key, value)
    document = read_tuned(path)
    own = document.setdefault("per_dataset", tomlkit.table(is_super_table=True))
    own = own.setdefault(search.data.name, tomlkit.table())
    own["max_history"] = search.max_history
    kind = "settings" if search.partners is None else "in_pairs"
    own.setdefault(kind, tomlkit.table(is_super_table=True))[search.model] = table
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


def read_tuned(path: Path) -> Any:
    """Return the document of a data set's settings, a new one with a heading if there is none."""
    import tomlkit

    if path.exists():
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Written by benchmarks/tune.py; for a run file: include = [{path.name!r}]"))
    document.add(tomlkit.nl())
    return document


def settings_alone(path: Path, dataset: str, model: str) -> dict[str, Any] | None:
    """Return what was found for a model alone; None if it was not searched."""
    return read_tuned(path).unwrap().get("per_dataset", {}).get(dataset, {}).get("settings", {}).get(model)


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
