"""Measures the training of domain models: corecbench beside RecBole's own Trainer and RecTools.

    python benchmarks/perf/domain_training.py

All sides train for an epoch on the same split, corecbench and RecBole the same class of RecBole. They leave out
what was seen when they validate. Each library runs under its own defaults.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from measuring.comparison import Comparison, Target
from measuring.environments import peer_side
from measuring.options import Options, measuring_options
from measuring.record import measure_all
from measuring.sides import own_side
from sides.work import TrainingWork

if TYPE_CHECKING:
    from corecbench.data.loaded import SplitDataset

AT_LEAST = {"SASRec": 20.0, "GRU4Rec": 20.0, "LightGCN": 5.0}
"""How many times as fast as RecBole's Trainer each model is to be."""
NO_ANOMALY_MODE = "--no-anomaly-mode"
QUICKER = "RecBole, anomaly mode off"
SIZES = {"n_factors": 64, "n_blocks": 2, "n_heads": 2}
"""Those of corecbench's SASRec, in the words of RecTools."""
NOTES = (
    "Seconds of a side are those of an epoch and its validation.",
    "Importing RecBole's sequential models switches on torch's search for anomalies for the whole process. "
    "RecBole's Trainer runs so, and once with it switched off.",
    "RecBole trains SASRec and GRU4Rec on a row for each prefix of a history, corecbench at every position of a "
    "window; so an epoch of both sees the same targets. RecTools trains on the latest items of each user alone, as "
    "many as a history has.",
)


def work_of(data: SplitDataset) -> TrainingWork:
    """Return the split of a data set."""
    train, held, sizes = data.split.train, data.split.held, np.array([data.catalog.n_users, data.catalog.n_items])
    return TrainingWork(
        train.user, train.item, held["test"].users, held["validation"].target, held["test"].target, sizes
    )


def epoch(dataset: str, model: str, folder: Path, options: Options) -> Comparison:
    """Compare one epoch of a model, with its validation, on the split in a folder."""
    sides = [
        own_side("corecbench", "corecbench_model.py", folder, model.lower(), "{}", "epoch"),
        peer_side("RecBole", "recbole", options, "recbole_training.py", folder, model),
    ]
    targets = [
        Target("RecBole", "corecbench", at_least=AT_LEAST[model], quantity="train_cpu_s"),
        Target("RecBole", "corecbench", quantity="validation_cpu_s"),
    ]
    if model != "LightGCN":
        sides.append(peer_side(QUICKER, "recbole", options, "recbole_training.py", folder, model, NO_ANOMALY_MODE))
        targets.append(Target(QUICKER, "corecbench", quantity="train_cpu_s"))
    for loss in ("softmax", "sampled_softmax") if model == "SASRec" else ():
        name = f"RecTools, {loss}"
        settings = json.dumps(SIZES | {"loss": loss} | ({"n_negatives": 256} if loss == "sampled_softmax" else {}))
        sides.append(peer_side(name, "rectools", options, "rectools_model.py", folder, settings))
        targets.append(Target(name, "corecbench", quantity="train_cpu_s"))
    return Comparison(f"{dataset}, {model}: an epoch", sides, targets, NOTES, most_rounds=3)


@click.command()
@click.option("--datasets", default="ml-100k,amazon-beauty", show_default=True)
@click.option("--models", default="SASRec,GRU4Rec,LightGCN", show_default=True)
@measuring_options
def main(options: Options, datasets: str, models: str) -> None:
    """Measure training beside peers."""
    with tempfile.TemporaryDirectory() as scratch:
        comparisons: list[Comparison] = []
        for data in options.data(datasets, Path(scratch) / "data"):
            folder = Path(scratch) / data.name
            work_of(data).save(folder)
            comparisons += [epoch(data.name, model, folder, options) for model in models.split(",")]
        measure_all("domain_training", comparisons, options)


if __name__ == "__main__":
    main()
