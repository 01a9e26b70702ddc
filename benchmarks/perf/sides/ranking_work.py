"""The work of ranking: users and items with vectors, what each user has seen, and a held-out item for each.

T users, N items, d the width of a vector, M interactions. It needs numpy alone, since every side reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sides.training_work import SavedArrays

if TYPE_CHECKING:
    from pathlib import Path

K = 10
"""Length of the lists of best items."""
WARM_UP = 512
"""Users who are ranked before the clock starts, so that nothing is loaded or compiled while it runs."""


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
