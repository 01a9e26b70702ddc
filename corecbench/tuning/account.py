"""What is told of a search: a row for each trial, and the account of how the best settings were found."""

from __future__ import annotations

import csv
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from corecbench.evaluation.protocol import split_words
from corecbench.toolkit import ordinary_file
from corecbench.tuning.space import edges
from corecbench.tuning.study import best_of, best_trial, is_finished, searched_s, state_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from optuna.trial import FrozenTrial

    from corecbench.tuning.search import Search

TRIALS = "trials.csv"
COLUMNS = ("study", "trial", "validation", "epochs", "best_epoch", "seconds", "state", "settings")
LIBRARIES = ("corecbench", "torch", "optuna")


def row(search: Search, trial: FrozenTrial) -> dict[str, str]:
    """Return a trial as it stands in `trials.csv`."""
    curve, duration, best = trial.intermediate_values, trial.duration, best_of(trial)
    return {
        "study": search.name,
        "trial": str(trial.number),
        "validation": f"{best:.6f}" if curve else "",
        "epochs": str(max(curve, default=0)),
        "best_epoch": str(min((epoch for epoch, value in curve.items() if value == best), default=0)),
        "seconds": f"{duration.total_seconds():.0f}" if duration else "",
        "state": state_of(trial),
        "settings": " ".join(
            f"{label}.{key}={value}"
            for label, settings in trial.user_attrs.get("settings", {}).items()
            for key, value in settings.items()
        ),
    }


def write_trials(path: Path, search: Search, trials: Iterable[FrozenTrial]) -> None:
    """Put the trials of a study into the table of all, in place of its earlier rows."""
    rows = []
    if path.exists():
        with ordinary_file(path).open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["study"] != search.name]
    rows += [row(search, trial) for trial in trials if trial.state.name != "WAITING"]
    rows.sort(key=lambda row: (row["study"], int(row["trial"])))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def account(search: Search, trials: Sequence[FrozenTrial], jobs: int) -> dict[str, Any]:
    """Return how settings were found, as it stands in the file of settings."""
    from corecbench.experiment.process import processor, versions

    best = best_trial(trials)
    if best is None:
        return {}
    ended = Counter(state_of(trial) for trial in trials if trial.state.name not in ("WAITING", "RUNNING"))
    of_best = row(search, best)
    parts, found = search.parts, best.user_attrs["settings"]
    edge = [
        text for label, space in search.spaces.items() for text in edges(parts[label], label, space, found[label])
    ]
    return {
        "with": [label for _, label in search.labels[1:]],
        "finished_trials": sum(map(is_finished, trials)),
        "trials": dict(sorted(ended.items())),
        "minutes": round(searched_s(trials) / 60, 1),
        "jobs": jobs,
        "seed": search.seed,
        **search.data.reduction.fields(),
        "protocol": split_words(search.config, search.data.reduction.train_share),
        "validation": float(of_best["validation"]),
        "best_trial": best.number,
        "best_epoch": int(of_best["best_epoch"]),
        "best_ended": of_best["state"],
        "settings": found,
        "on_edge": edge,
        "data": search.data.fingerprint,
        "versions": versions(LIBRARIES),
        "machine": f"{processor()}, {os.cpu_count()} cores",
    }
