"""Trains RecTools' SASRec and validates it after each epoch.

`rectools_training.py FOLDER LOSS EPOCHS [JOURNAL]`, LOSS is softmax or sampled_softmax. Width, layers, heads and
length of histories are those of corecbench's SASRec, all else is RecTools' own.
"""

import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring.clock import peak_memory_bytes, timed

from sides.training_work import MAX_HISTORY, Journal, TrainingWork, is_stopped, report_epochs

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


def train(work: TrainingWork, loss: str, journal: Journal, epochs: int) -> None:
    """Train until validation no longer improves, or so many epochs are over."""
    from pytorch_lightning import seed_everything
    from rectools.dataset import Dataset
    from rectools.models import SASRecModel

    seed_everything(0)
    dataset = Dataset.construct(table_of(work))
    model = SASRecModel(
        n_factors=64,
        n_blocks=2,
        n_heads=2,
        session_max_len=MAX_HISTORY,
        loss=loss,
        recommend_torch_device="cpu",
        **({"n_negatives": NEGATIVES} if loss == "sampled_softmax" else {}),
    )
    journal.keep(0)
    while len(done := journal.read()) < epochs and not is_stopped(done):
        _, training = timed(lambda: model.fit_partial(dataset, min_epochs=1, max_epochs=1))
        value, validation = timed(lambda: ndcg(model, dataset, work))
        journal.add(
            ndcg=value,
            train_cpu_s=training.cpu_s,
            train_wall_s=training.wall_s,
            validation_cpu_s=validation.cpu_s,
            validation_wall_s=validation.wall_s,
            peak_memory_bytes=peak_memory_bytes(),
        )


def main(folder: Path, loss: str, epochs: int, journal: Journal, limited: bool) -> None:
    """Train, or read what was trained before, and report what it took until the best validation."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    done = journal.read()
    if not is_stopped(done) and len(done) < epochs:
        train(TrainingWork.load(folder), loss, journal, epochs)
        done = journal.read()
    report_epochs(done, LIBRARIES, limited)


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    given = sys.argv[4:]
    with tempfile.TemporaryDirectory() as nowhere:
        kept = Journal(Path(given[0]) if given else Path(nowhere) / "journal.jsonl")
        main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), kept, limited=bool(given))
