"""The task to rank an item of each user, given what is known of the user.

Shapes: T tested users, B of them, L positions of a history, S seen items, M interactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class SeenItems:
    """The items that each tested user has seen, as stretches of one array.

    Memory grows with the interactions. A table with a row for each user would be as wide as the longest history.
    """

    items: np.ndarray
    """int64 [M], item indices."""
    start: np.ndarray
    """int64 [T], where the stretch of each user begins."""
    length: np.ndarray
    """int64 [T], the number of items in it."""
    times: np.ndarray | None = None
    """[M], when each of them happened; None where the data set has no real times."""

    def __len__(self) -> int:
        return len(self.start)

    def pairs(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs of a place in `rows` and an item that this user has seen, int64 [S] each.

        >>> seen = SeenItems(np.array([5, 6, 7]), start=np.array([0, 2]), length=np.array([2, 1]))
        >>> [array.tolist() for array in seen.pairs(np.array([1, 0]))]
        [[0, 1, 1], [7, 5, 6]]

        Args:
            rows: int64 [B], row numbers of the users in the task.
        """
        row, place = self.places(rows)
        return row, self.items[place]

    def places(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        row, column = row_and_column(self.length[rows])
        return row, self.start[rows][row] + column

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return the items of some users, oldest first, int64 [B, S], right-padded with 0 to the longest of them.

        >>> seen = SeenItems(np.array([5, 6, 7]), start=np.array([0, 2]), length=np.array([2, 1]))
        >>> seen.of(np.array([1, 0])).tolist()
        [[7, 0], [5, 6]]

        Args:
            rows: int64 [B], row numbers of the users in the task.
        """
        length = self.length[rows]
        return pad(self.items, self.start[rows], length, max(int(length.max(initial=0)), 1))

    def times_of(self, rows: np.ndarray, width: int) -> np.ndarray | None:
        if self.times is None:
            return None
        return pad(self.times, self.start[rows], np.minimum(self.length[rows], width), width)


@dataclass(frozen=True, eq=False)
class Histories:
    """The most recent items of each tested user, which become rows of the same width for some users at a time."""

    recent: SeenItems
    """The last items of each user, no more than the width."""
    width: int
    """L."""

    def __len__(self) -> int:
        return len(self.recent)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.width

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows of some users, int64 [B, L], right-padded with 0.

        >>> recent = SeenItems(np.array([5, 6, 7]), start=np.array([0, 2]), length=np.array([2, 1]))
        >>> Histories(recent, width=3)[np.array([1, 0])].tolist()
        [[7, 0, 0], [5, 6, 0]]

        Args:
            rows: int64 [B], row numbers of the users in the task.
        """
        return pad(self.recent.items, self.recent.start[rows], self.recent.length[rows], self.width)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[np.arange(len(self))].astype(dtype or np.int64, copy=False)


@dataclass(frozen=True, eq=False)
class Existence:
    """Which items exist at the time of each target: those with which anybody has interacted by then.

    Times are counted, so that they can be compared quickly.
    """

    since: np.ndarray
    """int32 [N+1], the time of the first interaction with each item, and that of the first of all for padding."""
    until: np.ndarray
    """int32 [T], the time of each target."""

    def of(self, chosen: np.ndarray) -> Existence:
        return Existence(self.since, self.until[chosen])

    @property
    def n_items(self) -> np.ndarray:
        return np.searchsorted(np.sort(self.since[1:]), self.until, side="right")

    def has(self, row: np.ndarray, item: np.ndarray) -> np.ndarray:
        """Return whether items exist for rows of the task, bool [S].

        >>> exists = Existence(since=np.array([0, 0, 5], dtype=np.int32), until=np.array([4, 5], dtype=np.int32))
        >>> exists.has(np.array([0, 0, 1]), np.array([1, 2, 2])).tolist(), exists.n_items.tolist()
        ([True, False, True], [1, 2])
        """
        return np.asarray(self.since[item] <= self.until[row])


@dataclass(frozen=True, eq=False)
class RankingTask:
    """The task to rank a target for each tested user, given the interactions before it."""

    users: np.ndarray
    """int64 [T], user indices, ascending."""
    target: np.ndarray
    """int64 [T], item indices."""
    history: Histories | np.ndarray
    """int64 [T, L], the most recent L items before the target, oldest first, right-padded with 0. The rows of some
    users are had by `history[rows]`, of all of them by `np.asarray(history)`."""
    seen: SeenItems
    """All items that are no candidates. They can include the target where repeated pairs are kept; the target is a
    candidate nevertheless."""
    exists: Existence | None = None
    """Which items are candidates at all; None for all."""

    def times(self, rows: np.ndarray, width: int) -> np.ndarray | None:
        return self.history.recent.times_of(rows, width) if isinstance(self.history, Histories) else None


def pad(values: np.ndarray, start: np.ndarray, length: np.ndarray, width: int) -> np.ndarray:
    rows = np.zeros((len(start), width), dtype=values.dtype)
    row, column = row_and_column(length)
    rows[row, column] = values[start[row] + column]
    return rows


def row_and_column(length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    row = np.repeat(np.arange(len(length)), length)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
