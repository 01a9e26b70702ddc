"""Trains a model by corecbench: `corecbench_model.py FOLDER MODEL SETTINGS epoch|whole`. The settings are JSON.

An epoch ends with its validation; the whole goes on while validation improves, and ends with the ranks of the test.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from measuring.clock import Cost, timed

from corecbench.api import Catalog, Interactions, Setup
from corecbench.data.split import HeldItems, Split
from corecbench.experiment.process import keep_freed_memory
from corecbench.plugin.host import Host
from corecbench.plugin.selected import Selected
from corecbench.training.cell import CellTraining
from corecbench.training.frozen import evaluate
from sides.work import LISTED, MAX_HISTORY, TrainingWork, ndcg_and_hits, report_parts

LIBRARIES = ("corecbench", "torch", "recbole", "numpy", "scipy")


def cell_training_of(work: TrainingWork, host: Host, cache: Path) -> CellTraining:
    """Return a place to train on the work."""
    n_users, n_items = work.sizes.tolist()
    user_ids, item_ids = (("", *map(str, range(1, n + 1))) for n in (n_users, n_items))
    catalog = Catalog("work", user_ids, item_ids, item_texts=("",) * (n_items + 1))
    train, history = (Interactions(*work.before(*held)) for held in ((), (work.validation,)))
    validation = HeldItems.after(train, work.users, work.validation)
    test = HeldItems.after(history, work.users, work.test)
    split = Split(train, {"validation": validation, "test": test}, "")
    metric = host.build(host.select("metrics", "NDCG@10", {}))
    return CellTraining(host, Setup(catalog, MAX_HISTORY, seed=0, cache=cache), split, "work", metric)


def epoch(cell: CellTraining, selected: Selected) -> tuple[dict[str, float], dict[str, Cost]]:
    """Train for an epoch, and validate it. Return facts, and what each part took."""
    built, _ = cell.build_solo("domain", selected)
    side = cell.side_training("domain", selected, built, selected.config.epochs)
    _ = cell.tasks  # laid out before the clock starts, as the loaders of the peers are
    cell.seed("training")
    _, training = timed(lambda: side.train_epoch(None, None))
    evaluate(side.model)
    ndcg, validation = timed(lambda: side.validate(side.model))
    return {"ndcg": ndcg}, {"train": training, "validation": validation}


def whole(cell: CellTraining, selected: Selected) -> tuple[dict[str, float], dict[str, Cost]]:
    """Train, or count what is not trained, and rank the test."""
    facts: dict[str, float] = {}
    if hasattr(selected.config, "epochs"):
        side, training = timed(lambda: cell.train_solo("domain", selected, lambda epoch: None))
        facts |= {"epochs": side.epochs, "epoch_cpu_s": training.cpu_s / side.epochs}
        model = side.model
    else:
        (model, _), training = timed(lambda: cell.build_solo("domain", selected))
    ranks, ranking = timed(lambda: cell.rank(model, "test", top_k=LISTED))
    return facts | ndcg_and_hits(ranks.rank), {"train": training, "rank": ranking}


def main(folder: Path, name: str, settings: str, part: str) -> None:
    """Train, and report what it took."""
    keep_freed_memory()  # as every run of corecbench does
    host = Host.discover()
    selected = host.select("models", name, {name: json.loads(settings)})
    with tempfile.TemporaryDirectory() as cache:
        cell = cell_training_of(TrainingWork.load(folder), host, Path(cache))
        facts, parts = {"epoch": epoch, "whole": whole}[part](cell, selected)
    report_parts(LIBRARIES, {**facts, "settings": asdict(selected.config)}, **parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
