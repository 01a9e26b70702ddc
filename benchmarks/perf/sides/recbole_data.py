"""Interactions as a data set of RecBole, and RecBole's own configuration for it."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "work"
LIBRARIES = ("recbole", "torch", "numpy", "pandas", "scipy")


def write_atomic(folder: Path, user: np.ndarray, item: np.ndarray, n_items: int) -> None:
    """Write interactions, in the order in which they happened, as RecBole's atomic files.

    A timestamp is the number of the user's interaction, small enough for RecBole's float32 to be exact.

    Args:
        folder: where the folder of the data set is made.
        user: int64 [M], ascending.
        item: int64 [M], oldest first within a user.
        n_items: items are 1 to N, and all of them are listed, also those without interactions.
    """
    place = folder / NAME
    place.mkdir(parents=True, exist_ok=True)
    number = np.arange(len(user)) - np.searchsorted(user, user)
    with (place / f"{NAME}.inter").open("w", encoding="utf-8") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        rows = zip(user.tolist(), item.tolist(), number.tolist(), strict=True)
        file.writelines(f"{u}\t{i}\t{n}\n" for u, i, n in rows)
    with (place / f"{NAME}.item").open("w", encoding="utf-8") as file:
        file.write("item_id:token\n")
        file.writelines(f"{i}\n" for i in range(1, n_items + 1))


def configure(model: Any, folder: Path, scratch: Path, **settings: Any) -> Any:
    """Return RecBole's configuration: leave-one-out, the whole catalogue, NDCG@10, its defaults for the rest.

    Args:
        model: a name or a class.
        folder: what `write_atomic` was given.
        scratch: where RecBole writes what it wants to write.
        settings: of RecBole, which win.
    """
    from recbole.config import Config
    from recbole.utils import init_seed

    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    sys.argv = sys.argv[:1]  # RecBole would read settings there
    chosen: Mapping[str, Any] = {
        "data_path": str(folder),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"], "item": ["item_id"]},
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full", "group_by": "user"},
        "metrics": ["Hit", "NDCG"],
        "topk": [10],
        "valid_metric": "NDCG@10",
        "metric_decimal_place": 10,
        "use_gpu": False,
        "show_progress": False,
        "checkpoint_dir": str(scratch),
        "log_wandb": False,
        "seed": 0,
        **settings,
    }
    config = Config(model=model, dataset=NAME, config_dict=dict(chosen))
    init_seed(config["seed"], config["reproducibility"])
    return config


def numbers(dataset: Any, field: str) -> np.ndarray:
    """Return for each internal number of RecBole, int64 [n], the number that the token of the atomic files has."""
    tokens = dataset.field2id_token[field]
    return np.array([0 if token == "[PAD]" else int(token) for token in tokens])  # noqa: S105
