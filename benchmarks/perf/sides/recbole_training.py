"""Trains a model by RecBole's own Trainer.

`recbole_training.py FOLDER MODEL EPOCHS [JOURNAL] [--no-anomaly-mode]`, with at most so many epochs. What it takes
is counted until its best validation. A run that was cut off goes on where it stood if its journal is there.
RecBole's settings are its own; histories have 50 items; validation is by NDCG@10. Importing its sequential models
switches on the search of torch for anomalies, which slows its steps; with the last option it is switched off again.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring.clock import Cost, peak_memory_bytes, timed
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer

from sides.recbole_data import LIBRARIES, configure, numbers, write_atomic
from sides.training_work import MAX_HISTORY, Journal, TrainingWork, is_stopped, report_epochs

SEQUENTIAL = ("SASRec", "GRU4Rec")
NO_ANOMALY_MODE = "--no-anomaly-mode"
USERS_PER_BATCH = 512
"""Users of LightGCN who are validated at a time. RecBole's default is a few, which is several times as slow."""


def settings_of(model: str, n_items: int, epochs: int) -> dict[str, Any]:
    """Return what differs from RecBole's defaults."""
    settings: dict[str, Any] = {"epochs": epochs, "stopping_step": 10, "eval_step": 1}
    if model in SEQUENTIAL:
        return settings | {"MAX_ITEM_LIST_LENGTH": MAX_HISTORY, "train_neg_sample_args": None}
    return settings | {"eval_batch_size": USERS_PER_BATCH * (n_items + 1)}


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


def observed(trainer: Any, journal: Journal, checkpoint: Path) -> None:
    """Make a trainer write its journal, and a checkpoint from which it can go on, after each epoch."""
    train, validate = trainer._train_epoch, trainer._valid_epoch
    costs: dict[str, Cost] = {}

    def train_epoch(data: Any, epoch: int, *rest: Any, **options: Any) -> Any:
        if epoch > trainer.start_epoch:
            trainer._save_checkpoint(epoch - 1, verbose=False, saved_model_file=str(checkpoint))
        loss, costs["train"] = timed(lambda: train(data, epoch, *rest, **options))
        return loss

    def valid_epoch(*rest: Any, **options: Any) -> Any:
        (score, result), costs["validation"] = timed(lambda: validate(*rest, **options))
        taken = {
            f"{part}_{kind}": getattr(cost, kind) for part, cost in costs.items() for kind in ("cpu_s", "wall_s")
        }
        journal.add(
            ndcg=float(result["ndcg@10"]),
            anomaly_mode=torch.is_anomaly_enabled(),
            peak_memory_bytes=peak_memory_bytes(),
            **taken,
        )
        return score, result

    trainer._train_epoch, trainer._valid_epoch = train_epoch, valid_epoch


def train(folder: Path, model_name: str, journal: Journal, epochs: int, scratch: Path, anomaly_mode: bool) -> None:
    """Train until RecBole stops, or so many epochs are over."""
    work = TrainingWork.load(folder)
    write_atomic(scratch, *work.everything(), work.n_items)
    config = configure(model_name, scratch, scratch, **settings_of(model_name, work.n_items, epochs))
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
    checkpoint = journal.path.with_suffix(".pth")
    if checkpoint.exists() and journal.read():
        trainer.resume_checkpoint(checkpoint)
    journal.keep(trainer.start_epoch)
    observed(trainer, journal, checkpoint)
    trainer.fit(training, valid, verbose=False, saved=False, show_progress=False)


def check_validation(valid: Any, work: TrainingWork, user_number: np.ndarray, item_number: np.ndarray) -> None:
    """Make sure that RecBole holds out what we hold out."""
    rows = valid._dataset.inter_feat
    held_out = dict(zip(user_number[rows["user_id"].numpy()], item_number[rows["item_id"].numpy()], strict=True))
    expected = dict(zip(work.users.tolist(), work.validation.tolist(), strict=True))
    if held_out != expected:
        raise SystemExit("RecBole validates other items than corecbench")


def main(folder: Path, model: str, epochs: int, journal: Journal, limited: bool, anomaly_mode: bool) -> None:
    """Train, or read what was trained before, and report what it took until the best validation."""
    before = journal.read()
    if not is_stopped(before) and len(before) < epochs:
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)  # RecBole writes logs where it runs
            train(folder, model, journal, epochs, Path(scratch), anomaly_mode)
    done = journal.read()
    report_epochs(
        done,
        LIBRARIES,
        limited,
        anomaly_mode=str(done[-1]["anomaly_mode"]),
        settings={**settings_of(model, 0, epochs), "eval_batch_size": None},
    )


if __name__ == "__main__":
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"  # its checkpoints, which are our own, hold its settings
    arguments = [argument for argument in sys.argv[1:] if argument != NO_ANOMALY_MODE]
    with tempfile.TemporaryDirectory() as nowhere:
        kept = Journal(Path(arguments[3]).resolve() if arguments[3:] else Path(nowhere) / "journal.jsonl")
        main(
            Path(arguments[0]).resolve(),
            arguments[1],
            int(arguments[2]),
            kept,
            limited=bool(arguments[3:]),
            anomaly_mode=NO_ANOMALY_MODE not in sys.argv,
        )
