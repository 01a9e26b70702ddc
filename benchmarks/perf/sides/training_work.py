"""The work of training: interactions split leave-one-out, and a journal of what each epoch took and reached.

M interactions, T tested users, N items. It needs numpy alone, since every side reads it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from measuring.clock import Cost, report

from sides.arrays import SavedArrays

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_HISTORY = 50
FEWEST_TO_ESTIMATE = 5
"""Epochs below which a curve says nothing."""
PATIENCE = 10
"""Epochs without a better validation NDCG@10 after which a training stops: RecBole's default."""
SHARES = (1.0, 0.98, 0.95)
"""Shares of a peer's best validation up to which both sides are timed. The best of many epochs is the luckiest: on
ml-100k epochs of a trained model differ by 5 %."""


@dataclass(frozen=True)
class TrainingWork(SavedArrays):
    """Interactions for training, and the items held out for validation and test. All numbers begin at 1."""

    user: np.ndarray
    """int64 [M], ascending."""
    item: np.ndarray
    """int64 [M], oldest first within a user."""
    users: np.ndarray
    """int64 [T], ascending, those with held-out items."""
    validation: np.ndarray
    """int64 [T]."""
    test: np.ndarray
    """int64 [T]."""
    sizes: np.ndarray
    """int64 [2], the numbers of users and items."""

    @property
    def n_items(self) -> int:
        """N."""
        return int(self.sizes[1])

    def everything(self) -> tuple[np.ndarray, np.ndarray]:
        """Return users and items of all interactions, held-out ones behind the others of their user."""
        user = np.concatenate([self.user, self.users, self.users])
        order = np.argsort(user, kind="stable")
        return user[order], np.concatenate([self.item, self.validation, self.test])[order]


class Journal:
    """One line of JSON for each epoch, written when it ends, so that a run that is cut off is not lost."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """Return the epochs so far."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        return [json.loads(line) for line in lines]

    def add(self, **epoch: Any) -> None:
        """Add an epoch: `ndcg`, and `train_cpu_s`, `train_wall_s`, `validation_cpu_s`, `validation_wall_s`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(epoch) + "\n")

    def keep(self, n_epochs: int) -> None:
        """Forget all but the first epochs."""
        kept = "".join(json.dumps(epoch) + "\n" for epoch in self.read()[:n_epochs])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(kept, encoding="utf-8")


def best_of(epochs: Sequence[dict[str, Any]]) -> float:
    """Return the best validation."""
    return float(max(epoch["ndcg"] for epoch in epochs))


def epoch_at(epochs: Sequence[dict[str, Any]], level: float) -> int | None:
    """Return the number, from 1, of the first epoch whose validation is as good as a level; None without one.

    >>> epochs = [{"ndcg": 0.1}, {"ndcg": 0.29}, {"ndcg": 0.3}, {"ndcg": 0.3}]
    >>> epoch_at(epochs, 0.3), epoch_at(epochs, 0.2), epoch_at(epochs, 0.4)
    (3, 2, None)
    """
    return next((number for number, epoch in enumerate(epochs, 1) if epoch["ndcg"] >= level), None)


def quantity_to(share: float) -> str:
    """Return the name of the seconds until a share of a peer's best validation.

    >>> quantity_to(0.98)
    'to_98_cpu_s'
    """
    return f"to_{round(100 * share)}_cpu_s"


def seconds_to(epochs: Sequence[dict[str, Any]], best: float) -> dict[str, float]:
    """Return the processor seconds until each of `SHARES` of a best validation that was reached."""
    ends = {share: epoch_at(epochs, share * best) for share in SHARES}
    return {quantity_to(share): seconds_of(epochs[:end], "cpu_s") for share, end in ends.items() if end}


def is_stopped(epochs: Sequence[dict[str, Any]], patience: int = PATIENCE) -> bool:
    """Return whether early stopping ends the training after these epochs, as RecBole counts.

    >>> is_stopped([{"ndcg": 0.3}, {"ndcg": 0.1}], patience=1)
    False
    >>> is_stopped([{"ndcg": 0.3}, {"ndcg": 0.1}, {"ndcg": 0.2}], patience=1)
    True
    """
    if not epochs:
        return False
    values = [epoch["ndcg"] for epoch in epochs]
    return values[::-1].index(max(values)) > patience


def seconds_of(epochs: Sequence[dict[str, Any]], kind: str) -> float:
    """Return the seconds of some epochs, of training and validation together; `kind` is "cpu_s" or "wall_s"."""
    return float(sum(epoch[f"train_{kind}"] + epoch[f"validation_{kind}"] for epoch in epochs))


def middle(epochs: Sequence[dict[str, Any]], name: str) -> float:
    """Return the median of what the epochs have under a name."""
    return float(np.median([epoch[name] for epoch in epochs]))


def report_epochs(epochs: Sequence[dict[str, Any]], libraries: Sequence[str], limited: bool, **facts: Any) -> None:
    """Report what a peer took until its best validation.

    Args:
        epochs: of its journal.
        libraries: whose versions matter.
        limited: whether it was given fewer epochs than early stopping may need. What it would have reached is then
            estimated.
        facts: what else is worth knowing.
    """
    best, stopped = best_of(epochs), is_stopped(epochs)
    best_epoch = epoch_at(epochs, best)
    cost = Cost(
        seconds_of(epochs[:best_epoch], "cpu_s"),
        seconds_of(epochs[:best_epoch], "wall_s"),
        max(epoch["peak_memory_bytes"] for epoch in epochs),
    )
    if limited and not stopped:
        facts["remark"] = f"it had not stopped after {len(epochs)} epochs"
        facts |= estimate(epochs)
    report(
        cost,
        libraries,
        ndcg=best,
        best_epoch=best_epoch,
        epochs=len(epochs),
        stopped=str(stopped),
        **seconds_to(epochs, best),
        to_stop_cpu_s=seconds_of(epochs, "cpu_s"),
        train_cpu_s=middle(epochs, "train_cpu_s"),
        validation_cpu_s=middle(epochs, "validation_cpu_s"),
        **facts,
    )


def estimate(epochs: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return what validation is going to reach, and when, by a curve a (1 - exp(-c (e - s))) through the epochs e.

    The curve is fitted by least squares. Its time is that of the epoch in which it has 99 % of its end. It is an
    estimate and no measurement: a curve that has hardly bent may end anywhere.

    >>> took = {"train_cpu_s": 2, "validation_cpu_s": 1}
    >>> found = estimate([{"ndcg": 0.1 * (1 - np.exp(-0.2 * epoch)), **took} for epoch in range(1, 9)])
    >>> round(found["estimated_ndcg"], 2), round(found["estimated_epochs"])
    (0.1, 23)
    """
    if len(epochs) < FEWEST_TO_ESTIMATE:
        return {}
    number = np.arange(1, len(epochs) + 1)
    values = np.array([epoch["ndcg"] for epoch in epochs])
    fits = []
    for rate in np.geomspace(0.005, 2, 200):
        columns = np.stack([np.ones(len(number)), -np.exp(-rate * number)], axis=1)
        (end, height), *_ = np.linalg.lstsq(columns, values, rcond=None)
        fits.append(
            (float(((columns @ [end, height] - values) ** 2).sum()), float(end), float(height), float(rate))
        )
    _, end, height, rate = min(fits)
    n_epochs = float(np.log(max(height / (0.01 * end), 1.0)) / rate)
    seconds = middle(epochs, "train_cpu_s") + middle(epochs, "validation_cpu_s")
    return {"estimated_ndcg": end, "estimated_epochs": n_epochs, "estimated_cpu_s": n_epochs * seconds}
