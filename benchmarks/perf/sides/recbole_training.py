"""Trains a model by RecBole's own Trainer for an epoch, and validates it.

`recbole_training.py FOLDER MODEL [--no-anomaly-mode]`. RecBole's settings are its own; histories have 50 items;
validation is by NDCG@10. Importing its sequential models switches on the search of torch for anomalies, which slows
its steps; with the last option it is switched off again.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring.clock import timed
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer

from sides.recbole_data import LIBRARIES, configure, numbers, write_atomic
from sides.work import MAX_HISTORY, TrainingWork, report_parts

SEQUENTIAL = ("SASRec", "GRU4Rec")
NO_ANOMALY_MODE = "--no-anomaly-mode"
USERS_PER_BATCH = 512
"""Users of LightGCN who are validated at a time. RecBole's default is a few, which is several times as slow."""


def settings_of(model: str, n_items: int) -> dict[str, Any]:
    """Return what differs from RecBole's defaults."""
    if model in SEQUENTIAL:
        return {"MAX_ITEM_LIST_LENGTH": MAX_HISTORY, "train_neg_sample_args": None}
    return {"eval_batch_size": USERS_PER_BATCH * (n_items + 1)}


def leave_out_seen(valid: Any, work: TrainingWork, user_number: np.ndarray, item_number: np.ndarray) -> None:
    """Make the loader of a sequential model name the items of the training part, which RecBole does for others."""
    internal = np.argsort(item_number)  # our number -> RecBole's
    collate = valid.collate_fn

    def with_seen(index: Any) -> Any:
        rows, _, user_row, item = collate(index)
        users = user_number[rows["user_id"].numpy()]
        start, end = (np.searchsorted(work.user, users, side=side) for side in ("left", "right"))
        seen = np.concatenate([internal[work.item[a:b]] for a, b in zip(start, end, strict=True)])
        row = np.repeat(np.arange(len(users)), end - start)
        return rows, (torch.from_numpy(row), torch.from_numpy(seen)), user_row, item

    valid.collate_fn = with_seen


def check_validation(valid: Any, work: TrainingWork, user_number: np.ndarray, item_number: np.ndarray) -> None:
    """Make sure that RecBole holds out what we hold out."""
    rows = valid._dataset.inter_feat
    held_out = dict(zip(user_number[rows["user_id"].numpy()], item_number[rows["item_id"].numpy()], strict=True))
    expected = dict(zip(work.users.tolist(), work.validation.tolist(), strict=True))
    if held_out != expected:
        raise SystemExit("RecBole validates other items than corecbench")


def main(folder: Path, model_name: str, anomaly_mode: bool) -> None:
    """Train, and report what it took."""
    work = TrainingWork.load(folder)
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)  # RecBole writes logs where it runs
        scratch = Path(place)
        write_atomic(scratch, *work.before(work.validation, work.test), work.n_items)
        config = configure(model_name, scratch, scratch, **settings_of(model_name, work.n_items))
        dataset = create_dataset(config)
        training, valid, _ = data_preparation(config, dataset)
        user_number, item_number = numbers(dataset, "user_id"), numbers(dataset, "item_id")
        check_validation(valid, work, user_number, item_number)
        if model_name in SEQUENTIAL:
            leave_out_seen(valid, work, user_number, item_number)
        model = get_model(model_name)(config, training.dataset)
        if not anomaly_mode:
            torch.autograd.set_detect_anomaly(False)
        trainer = get_trainer(config["MODEL_TYPE"], model_name)(config, model)
        _, epoch = timed(lambda: trainer._train_epoch(training, 0))
        (_, result), validation = timed(lambda: trainer._valid_epoch(valid))
    facts = {"ndcg": float(result["ndcg@10"]), "anomaly_mode": str(torch.is_anomaly_enabled())}
    report_parts(LIBRARIES, facts, train=epoch, validation=validation)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2], NO_ANOMALY_MODE not in sys.argv)
