"""Trains a domain model by corecbench for an epoch, and validates it: `corecbench_training.py FOLDER MODEL`.

It trains the class of RecBole under corecbench's own settings.
"""

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from measuring.clock import timed

from corecbench.api import Catalog, Interactions, Setup
from corecbench.data.split import HeldItems, Split
from corecbench.experiment.process import keep_freed_memory
from corecbench.plugin.host import Host
from corecbench.training.cell import CellTraining
from corecbench.training.frozen import evaluate
from sides.work import MAX_HISTORY, TrainingWork, report_epoch

LIBRARIES = ("corecbench", "torch", "recbole", "numpy", "scipy")
NAMES = {"SASRec": "sasrec", "GRU4Rec": "gru4rec", "LightGCN": "lightgcn"}


def cell_training_of(work: TrainingWork, host: Host, cache: Path) -> CellTraining:
    """Return a place to train on the work."""
    n_users, n_items = work.sizes.tolist()
    user_ids, item_ids = (("", *map(str, range(1, n + 1))) for n in (n_users, n_items))
    catalog = Catalog("work", user_ids, item_ids, item_texts=("",) * (n_items + 1))
    train = Interactions(work.user, work.item)
    split = Split(train, {"validation": HeldItems.after(train, work.users, work.validation)}, "")
    metric = host.build(host.select("metrics", "NDCG@10", {}))
    return CellTraining(host, Setup(catalog, MAX_HISTORY, seed=0, cache=cache), split, "work", metric)


def main(folder: Path, model: str) -> None:
    """Train, and report what it took."""
    keep_freed_memory()  # as every run of corecbench does
    work, host = TrainingWork.load(folder), Host.discover()
    selected = host.select("models", NAMES[model], {})
    with tempfile.TemporaryDirectory() as cache:
        cell = cell_training_of(work, host, Path(cache))
        built, _ = cell.build_solo("domain", selected)
        side = cell.side_training("domain", selected, built, selected.config.epochs)
        _ = cell.tasks  # laid out before the clock starts, as the loaders of the peers are
        cell.seed("training")
        _, training = timed(lambda: side.train_epoch(None, None))
        evaluate(side.model)
        ndcg, validation = timed(lambda: side.validate(side.model))
    report_epoch(training, validation, ndcg, LIBRARIES, settings=asdict(selected.config))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
