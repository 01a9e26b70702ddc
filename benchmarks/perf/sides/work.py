"""The work of a side: to rank held-out items by given vectors, or to train on a split for an epoch.

T tested users, N items, d the width of a vector, M interactions. It needs numpy alone, since every side reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from measuring.clock import Cost, report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Self

MAX_HISTORY = 50
K = 10
"""Length of the lists of best items."""
LISTED = 100
"""Length of the lists in which ties are counted."""
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


def places_with_ties(
    users: np.ndarray, target: np.ndarray, user: np.ndarray, item: np.ndarray, score: np.ndarray
) -> np.ndarray:
    """Return at which place each user's target [T] stands, behind its equals; 0 where it is not listed.

    Users are ascending. The lists have a row for each user, item and score.

    >>> user, item, score = np.array([8, 3, 3, 3]), np.array([5, 5, 7, 4]), np.array([2, 2, 1, 1])
    >>> places_with_ties(np.array([3, 8]), np.array([7, 6]), user, item, score).tolist()
    [3, 0]
    """
    row = np.searchsorted(users, user)
    hit = item == target[row]
    own = np.full(len(users), np.inf)
    own[row[hit]] = score[hit]
    return np.bincount(row[score >= own[row]], minlength=len(users))


def ndcg_and_hits(place: np.ndarray) -> dict[str, float]:
    """Return NDCG@K and the hit rate of places in lists, of one held-out item each.

    >>> ndcg_and_hits(np.array([1, 0]))
    {'ndcg': 0.5, 'hits': 0.5}
    """
    place = np.where(place > K, 0, place)
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

    def before(self, *held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return users and items of the training part, with held-out items, int64 [T] each, behind it."""
        user = np.concatenate([self.user, *[self.users] * len(held)])
        order = np.argsort(user, kind="stable")
        return user[order], np.concatenate([self.item, *held])[order]

    def of_share(self, share: float) -> TrainingWork:
        """Return the work for a random part of the users, who alone train and are ranked."""
        chosen = np.random.default_rng(0).random(len(self.users)) < share
        kept = np.isin(self.user, self.users[chosen])
        held = {name: getattr(self, name)[chosen] for name in ("users", "validation", "test")}
        return replace(self, user=self.user[kept], item=self.item[kept], **held)


def report_parts(libraries: Sequence[str], facts: Mapping[str, Any], **parts: Cost) -> None:
    """Report what parts of a work took, together and each, such as `train_cpu_s`; quality stands in the remark."""
    whole = Cost(
        sum(part.cpu_s for part in parts.values()),
        sum(part.wall_s for part in parts.values()),
        max(part.peak_memory_bytes for part in parts.values()),
    )
    if "rank" in parts:
        epochs = f"{facts['epochs']} epochs, " if "epochs" in facts else ""
        facts = {**facts, "remark": f"{epochs}NDCG@10 {facts['ndcg']:.4f}"}
    report(whole, libraries, **facts, **{f"{name}_cpu_s": part.cpu_s for name, part in parts.items()})
