"""The work of training: interactions split leave-one-out, and what an epoch took.

M interactions, T tested users, N items. It needs numpy alone, since every side reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from measuring.clock import Cost, peak_memory_bytes, report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

MAX_HISTORY = 50


@dataclass(frozen=True)
class SavedArrays:
    """The base of dataclasses whose fields are arrays."""

    def save(self, folder: Path) -> None:
        """Write the arrays into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for array in fields(self):
            np.save(folder / f"{array.name}.npy", getattr(self, array.name))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(**{array.name: np.load(folder / f"{array.name}.npy") for array in fields(cls)})


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


def report_epoch(training: Cost, validation: Cost, ndcg: float, libraries: Sequence[str], **facts: Any) -> None:
    """Report what an epoch and its validation took, and NDCG@10 on the validation items."""
    cost = Cost(training.cpu_s + validation.cpu_s, training.wall_s + validation.wall_s, peak_memory_bytes())
    parts = {"train_cpu_s": training.cpu_s, "validation_cpu_s": validation.cpu_s}
    report(cost, libraries, ndcg=ndcg, **parts, **facts)
