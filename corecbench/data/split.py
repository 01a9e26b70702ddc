"""Leave-one-out: a user's last interaction is for test, the one before it for validation, the rest for training.

Shapes: T tested users, L positions of a history, S seen items, M interactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from corecbench.api import Interactions, UsageError
from corecbench.data.dataset import FEWEST_INTERACTIONS, fingerprint

if TYPE_CHECKING:
    from corecbench.data.dataset import Dataset

Stage = Literal["validation", "test"]


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
        row, column = _row_and_column(self.length[rows])
        return row, self.items[self.start[rows][row] + column]

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return the items of some users, oldest first, int64 [B, S], right-padded with 0 to the longest of them.

        >>> seen = SeenItems(np.array([5, 6, 7]), start=np.array([0, 2]), length=np.array([2, 1]))
        >>> seen.of(np.array([1, 0])).tolist()
        [[7, 0], [5, 6]]

        Args:
            rows: int64 [B], row numbers of the users in the task.
        """
        length = self.length[rows]
        return _pad(self.items, self.start[rows], length, max(int(length.max(initial=0)), 1))


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
        """The shape of the rows of all users, [T, L]."""
        return len(self), self.width

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows of some users, int64 [B, L], right-padded with 0.

        >>> recent = SeenItems(np.array([5, 6, 7]), start=np.array([0, 2]), length=np.array([2, 1]))
        >>> Histories(recent, width=3)[np.array([1, 0])].tolist()
        [[7, 0, 0], [5, 6, 0]]

        Args:
            rows: int64 [B], row numbers of the users in the task.
        """
        return _pad(self.recent.items, self.recent.start[rows], self.recent.length[rows], self.width)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return the rows of all users."""
        return self[np.arange(len(self))].astype(dtype or np.int64, copy=False)


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
    """All items before the target. They can include the target where repeated pairs are kept; the target is a
    candidate nevertheless."""


@dataclass(frozen=True, eq=False)
class Split:
    """The parts of a data set. Models see only `train` in training."""

    train: Interactions
    """All interactions of users with fewer than 3, and all but the last two of every other user; a part of these
    under a `Reduction`."""
    users: np.ndarray
    """int64 [T], the tested users, ascending."""
    validation: np.ndarray
    """int64 [T], the second to last items of the tested users."""
    test: np.ndarray
    """int64 [T], the last items of the tested users."""
    fingerprint: str
    """sha256, in hex, of ids and parts, before any reduction."""
    known: Interactions | None = None
    """What `train` was before a reduction, of which histories and seen items are made; None for `train` itself."""
    trains: np.ndarray | None = None
    """bool [U+1], whether a user is among those who train; None where all are."""
    cold: np.ndarray | None = None
    """bool [N+1], whether an item is left out of training; None where none is."""
    tied: np.ndarray | None = None
    """bool [T], whether the two items that are held out have the same time, so that the file decides their order;
    None where that is not known."""

    @property
    def before(self) -> Interactions:
        """The interactions of all users before the two that are held out."""
        return self.train if self.known is None else self.known

    def task(self, stage: Stage, max_history: int) -> RankingTask:
        """Return the ranking task of a stage. At test time the validation item belongs to the history.

        Args:
            stage: "validation" or "test".
            max_history: L, at least 1.

        Raises:
            UsageError: An argument is not allowed.
        """
        if stage not in get_args(Stage):
            raise UsageError(f"unknown stage {stage!r}; have: {', '.join(get_args(Stage))}")
        if max_history < 1:
            raise UsageError(f"max_history is {max_history}, at least 1 is needed")
        items, target = self.before.item, self.validation
        start = np.searchsorted(self.before.user, self.users, side="left")
        length = np.searchsorted(self.before.user, self.users, side="right") - start
        if stage == "test":
            items, target = np.insert(items, start + length, self.validation), self.test
            start, length = start + np.arange(len(start)), length + 1
        recent = np.minimum(length, max_history)
        history = Histories(SeenItems(items, start + length - recent, recent), max_history)
        return RankingTask(self.users, target, history, SeenItems(items, start, length))


def leave_one_out(dataset: Dataset) -> Split:
    """Split a data set by the order of each user's interactions.

    Ann saw w, x, y and z in this order. Bob has two interactions, so he trains and is not tested.

    >>> from types import SimpleNamespace
    >>> import pandas as pd
    >>> from corecbench.data.dataset import load_dataset
    >>> rows = {"user_id": ["Ann"] * 4 + ["Bob"] * 2, "item_id": list("wxyzzw"), "timestamp": [1, 2, 3, 4, 1, 2]}
    >>> nothing = pd.DataFrame({"item_id": [], "title": []}, dtype=str)
    >>> source = SimpleNamespace(interactions=lambda: pd.DataFrame(rows), items=lambda: nothing)
    >>> split = leave_one_out(load_dataset("toy", source))
    >>> split.train.user.tolist(), split.train.item.tolist()
    ([1, 1, 2, 2], [1, 2, 4, 1])
    >>> split.users.tolist(), split.validation.tolist(), split.test.tolist()
    ([1], [3], [4])
    >>> np.asarray(split.task("validation", max_history=3).history).tolist()
    [[1, 2, 0]]
    >>> task = split.task("test", max_history=2)
    >>> task.history[np.array([0])].tolist(), task.seen.of(np.array([0])).tolist()
    ([[2, 3]], [[1, 2, 3]])
    """
    counts = np.bincount(dataset.user, minlength=dataset.catalog.n_users + 1)  # [U+1]
    users = np.flatnonzero(counts >= FEWEST_INTERACTIONS)  # [T]
    last = np.cumsum(counts)[users] - 1  # [T]
    in_train = np.ones(len(dataset.user), dtype=bool)
    in_train[last] = in_train[last - 1] = False
    train = Interactions(dataset.user[in_train], dataset.item[in_train])
    validation, test = dataset.item[last - 1], dataset.item[last]
    ids = dataset.catalog.user_ids, dataset.catalog.item_ids
    split_fingerprint = fingerprint(*ids, train.user, train.item, users, validation, test)
    tied = dataset.timestamp[last] == dataset.timestamp[last - 1]
    return Split(train, users, validation, test, split_fingerprint, tied=tied)


def _pad(values: np.ndarray, start: np.ndarray, length: np.ndarray, width: int) -> np.ndarray:
    """Return the stretches values[start : start + length] as rows of int64 [T, width], right-padded with 0."""
    rows = np.zeros((len(start), width), dtype=np.int64)
    row, column = _row_and_column(length)
    rows[row, column] = values[start[row] + column]
    return rows


def _row_and_column(length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row and the column of every entry of rows of these lengths, int64 each, row by row."""
    row = np.repeat(np.arange(len(length)), length)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
