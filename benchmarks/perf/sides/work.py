"""The work of a side: to rank held-out items by given vectors, or to train on a split for an epoch.

T tested users, N items, d the width of a vector, M interactions. It needs numpy alone, since every side reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from measuring.clock import Cost, peak_memory_bytes, report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

MAX_HISTORY = 50
K = 10
"""Length of the lists of best items."""
WARM_UP = 512
"""Users who are ranked before the clock starts, so that nothing is loaded or compiled while it runs."""


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
class RankingWork(SavedArrays):
    """Whom to rank what for. Users and items are numbered from 1."""

    user_state: np.ndarray
    """float32 [T+1, d]; row 0 belongs to no user."""
    item_state: np.ndarray
    """float32 [N+1, d]; row 0 belongs to no item."""
    seen_user: np.ndarray
    """int64 [M], ascending."""
    seen_item: np.ndarray
    """int64 [M], what the user has seen, oldest first; no candidate."""
    target: np.ndarray
    """int64 [T], the held-out item of users 1 to T."""

    @property
    def n_users(self) -> int:
        """T."""
        return len(self.target)

    @property
    def n_items(self) -> int:
        """N."""
        return len(self.item_state) - 1

    def of_first(self, n_users: int) -> RankingWork:
        """Return the work for the first users only."""
        kept = self.seen_user <= n_users
        return replace(
            self,
            user_state=self.user_state[: n_users + 1],
            seen_user=self.seen_user[kept],
            seen_item=self.seen_item[kept],
            target=self.target[:n_users],
        )

    def seen_between(self, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rows (from 0) and items, int64 each, that users first+1 to end have seen."""
        start, stop = np.searchsorted(self.seen_user, [first + 1, end + 1])
        return self.seen_user[start:stop] - 1 - first, self.seen_item[start:stop]


def save_places(folder: Path, side: str, place: np.ndarray) -> None:
    """Write at which place of a user's list the held-out item stands.

    Args:
        folder: of the work.
        side: whose lists they are.
        place: int64 [T], from 1; 0 where it is not among the K best.
    """
    np.save(folder / f"places-{side}.npy", place.astype(np.int64))


def places_in_lists(lists: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return at which place, from 1, the target stands in lists of items [T, k]; 0 where it does not.

    >>> places_in_lists(np.array([[5, 7], [5, 7]]), np.array([7, 6])).tolist()
    [2, 0]
    """
    found = lists == target[:, None]
    return np.where(found.any(axis=1), found.argmax(axis=1) + 1, 0)


def ndcg_and_hits(place: np.ndarray) -> dict[str, float]:
    """Return NDCG and the hit rate of places in lists, of one held-out item each.

    >>> ndcg_and_hits(np.array([1, 0]))
    {'ndcg': 0.5, 'hits': 0.5}
    """
    gain = np.where(place > 0, 1 / np.log2(np.maximum(place, 1) + 1), 0.0)
    return {"ndcg": float(gain.mean()), "hits": float((place > 0).mean())}


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
