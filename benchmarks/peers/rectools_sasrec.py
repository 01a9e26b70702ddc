"""SASRec of RecTools, trained on what `corecbench split DATASET --out DIR` wrote; lists go to a CSV file.

Needs an environment with `rectools[torch]`. Usage: python rectools_sasrec.py SPLIT_DIR LISTS.csv [EPOCHS]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from pytorch_lightning import Trainer, seed_everything
from rectools.dataset import Dataset
from rectools.models import SASRecModel

LENGTH = 100
IDS = {"user_id": str, "item_id": str}
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}


def interactions(file: Path) -> pd.DataFrame:
    """Return a part of the split with the columns of RecTools."""
    rows = pd.read_csv(file, dtype=IDS)
    return rows.assign(datetime=pd.to_datetime(rows["timestamp"], unit="s"), weight=1.0).drop(columns="timestamp")


def main(split: Path, out: Path, epochs: int = 3, seed: int = 0) -> None:
    """Train on the training part, then list items after the history, to which the validation item belongs."""
    seed_everything(seed, workers=True)
    train, validation = (interactions(split / f"{part}.csv") for part in ("train", "validation"))
    model = SASRecModel(
        n_factors=64,
        n_blocks=2,
        n_heads=1,
        session_max_len=50,
        lr=1e-3,
        batch_size=128,
        loss="softmax",
        get_trainer_func=lambda: Trainer(max_epochs=epochs, accelerator="cpu", **QUIET),
        recommend_torch_device="cpu",
    )
    model.fit(Dataset.construct(train))
    history = Dataset.construct(pd.concat([train, validation]))
    users = pd.read_csv(split / "test.csv", dtype=IDS)["user_id"].to_numpy()
    model.recommend(users, history, k=LENGTH, filter_viewed=True).to_csv(out, index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
