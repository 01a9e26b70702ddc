"""Trains RecTools' SASRec: `rectools_model.py FOLDER SETTINGS [EPOCHS PATIENCE]`. The settings are JSON.

Without EPOCHS it trains for one, and validates it. With them it trains until validation has not improved for
PATIENCE epochs, and ranks the test by the best weights, as corecbench does. What is not given is RecTools' own.
"""

import copy
import json
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring.clock import timed
from pytorch_lightning import seed_everything
from rectools.dataset import Dataset
from rectools.models import SASRecModel

from sides.work import LISTED, MAX_HISTORY, TrainingWork, ndcg_and_hits, places_with_ties, report_parts

LIBRARIES = ("rectools", "pytorch-lightning", "torch", "numpy", "pandas")


def dataset_of(user: np.ndarray, item: np.ndarray) -> Dataset:
    """Return interactions as RecTools reads them; the time is the number of the user's interaction."""
    number = np.arange(len(user)) - np.searchsorted(user, user)
    time = pd.Timestamp("2020-01-01") + pd.to_timedelta(number, unit="D")
    return Dataset.construct(pd.DataFrame({"user_id": user, "item_id": item, "weight": 1.0, "datetime": time}))


def ndcg(model: SASRecModel, history: Dataset, users: np.ndarray, target: np.ndarray) -> float:
    """Return NDCG@10 on held-out items; those of the history are left out."""
    lists = model.recommend(users=users, dataset=history, k=LISTED, filter_viewed=True)
    columns = (lists[name].to_numpy() for name in ("user_id", "item_id", "score"))
    return ndcg_and_hits(places_with_ties(users, target, *columns))["ndcg"]


def train(model: SASRecModel, work: TrainingWork, epochs: int, patience: int) -> int:
    """Train, put the best weights back, and return how many epochs it took."""
    dataset = dataset_of(work.user, work.item)
    best_value, best_epoch, weights, epoch = -1.0, 0, {}, 0
    while epoch < epochs and epoch - best_epoch < patience:
        epoch += 1
        model.fit_partial(dataset, min_epochs=1, max_epochs=1)
        value = ndcg(model, dataset, work.users, work.validation)
        if value > best_value:
            best_value, best_epoch, weights = value, epoch, copy.deepcopy(model.torch_model.state_dict())
    model.torch_model.load_state_dict(weights)
    return epoch


def main(folder: Path, settings: dict[str, Any], *ends: int) -> None:
    """Train, and report what it took."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    seed_everything(0)
    work = TrainingWork.load(folder)
    model = SASRecModel.from_config({"session_max_len": MAX_HISTORY, "recommend_torch_device": "cpu", **settings})
    if ends:
        epochs, training = timed(lambda: train(model, work, *ends))
        history = dataset_of(*work.before(work.validation))
        value, ranking = timed(lambda: ndcg(model, history, work.users, work.test))
        facts = {"ndcg": value, "epochs": epochs, "epoch_cpu_s": training.cpu_s / epochs}
        report_parts(LIBRARIES, facts, train=training, rank=ranking)
        return
    dataset = dataset_of(work.user, work.item)
    _, training = timed(lambda: model.fit_partial(dataset, min_epochs=1, max_epochs=1))
    value, validation = timed(lambda: ndcg(model, dataset, work.users, work.validation))
    report_parts(LIBRARIES, {"ndcg": value}, train=training, validation=validation)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]), *map(int, sys.argv[3:]))
