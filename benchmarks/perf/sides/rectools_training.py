"""Trains RecTools' SASRec for an epoch, and validates it: `rectools_training.py FOLDER LOSS`.

LOSS is softmax or sampled_softmax. Width, layers, heads and length of histories are those of corecbench's SASRec,
all else is RecTools' own.
"""

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring.clock import timed

from sides.work import MAX_HISTORY, TrainingWork, report_epoch

K = 10
LIBRARIES = ("rectools", "pytorch-lightning", "torch", "numpy", "pandas")
NEGATIVES = 256
"""Of the sampled softmax."""


def table_of(work: TrainingWork) -> pd.DataFrame:
    """Return the training part as RecTools reads it; the time is the number of the user's interaction."""
    number = np.arange(len(work.user)) - np.searchsorted(work.user, work.user)
    time = pd.Timestamp("2020-01-01") + pd.to_timedelta(number, unit="D")
    return pd.DataFrame({"user_id": work.user, "item_id": work.item, "weight": 1.0, "datetime": time})


def ndcg(model: Any, dataset: Any, work: TrainingWork) -> float:
    """Return NDCG@10 on the validation items, seen items left out."""
    lists = model.recommend(users=work.users, dataset=dataset, k=K, filter_viewed=True)
    target = pd.Series(work.validation, index=work.users)
    rank = lists.loc[lists["item_id"].to_numpy() == target[lists["user_id"]].to_numpy(), "rank"].to_numpy()
    return float((1 / np.log2(rank + 1)).sum() / len(work.users))


def main(folder: Path, loss: str) -> None:
    """Train, and report what it took."""
    from pytorch_lightning import seed_everything
    from rectools.dataset import Dataset
    from rectools.models import SASRecModel

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    work = TrainingWork.load(folder)
    seed_everything(0)
    dataset = Dataset.construct(table_of(work))
    sizes = {"n_factors": 64, "n_blocks": 2, "n_heads": 2, "session_max_len": MAX_HISTORY}
    sampled = {"n_negatives": NEGATIVES} if loss == "sampled_softmax" else {}
    model = SASRecModel(**sizes, loss=loss, recommend_torch_device="cpu", **sampled)
    _, training = timed(lambda: model.fit_partial(dataset, min_epochs=1, max_epochs=1))
    value, validation = timed(lambda: ndcg(model, dataset, work))
    report_epoch(training, validation, value, LIBRARIES)


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    main(Path(sys.argv[1]), sys.argv[2])
