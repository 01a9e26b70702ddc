"""The histories that a side is trained on, which become rows of a batch only when they are taken.

R contexts, L positions of a history, B rows of a batch, M interactions. Memory grows with R + M, not with R x L.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from corecbench.api import Batch, Interactions
from corecbench.data.ranking_task import SeenItems
from corecbench.toolkit import on_device


@dataclass(frozen=True, eq=False)
class Contexts:
    """Users with a stretch of their training items each: a window, or their latest items."""

    users: np.ndarray
    """int64 [R], user indices."""
    histories: SeenItems
    """R stretches, each of at most L items, oldest first."""
    targets: SeenItems | None
    """R stretches of the same lengths, the items after those of the history; None where there are no targets."""
    max_history: int
    """L."""
    device: str = "cpu"
    """Where batches are put."""

    def __len__(self) -> int:
        return len(self.users)

    @property
    def length(self) -> np.ndarray:
        return self.histories.length

    def of_users(self, users: np.ndarray) -> Contexts:
        """Return the contexts of some users; all contexts where each has one of these users.

        Args:
            users: int64, user indices.
        """
        wanted = np.zeros(max(self.users.max(initial=0), users.max(initial=0)) + 1, dtype=bool)
        wanted[users] = True
        kept = wanted[self.users]
        if kept.all():
            return self

        def of(stretches: SeenItems) -> SeenItems:
            return replace(stretches, start=stretches.start[kept], length=stretches.length[kept])

        targets = None if self.targets is None else of(self.targets)
        return replace(self, users=self.users[kept], histories=of(self.histories), targets=targets)

    def take(self, rows: torch.Tensor | np.ndarray) -> Batch:
        """Return some contexts as a batch, cut to the longest history among them.

        Args:
            rows: int64 [B].
        """
        chosen = np.asarray(rows)
        history = self.histories.of(chosen)
        target = None if self.targets is None else self._tensor(self.targets.of(chosen))
        times = self.histories.times_of(chosen, history.shape[1])
        time = None if times is None else self._tensor(times)
        return Batch(self._tensor(self.users[chosen]), self._tensor(history), target, time=time)

    def whole(self) -> Batch:
        batch = self.take(np.arange(len(self)))
        wider = (0, self.max_history - batch.history.shape[1])
        target, time = (
            None if each is None else torch.nn.functional.pad(each, wider) for each in (batch.target, batch.time)
        )
        return Batch(batch.user, torch.nn.functional.pad(batch.history, wider), target, time=time)

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return on_device(values, self.device)


def windows(train: Interactions, max_history: int, device: str = "cpu") -> Contexts:
    """Cut each user's training items into windows of at most `max_history` steps from an item to the next.

    >>> train = Interactions(user=np.array([1, 1, 1, 1, 2]), item=np.array([5, 6, 7, 8, 5]))
    >>> batch = windows(train, max_history=2).whole()
    >>> batch.history.tolist(), batch.target.tolist()
    ([[5, 0], [6, 7]], [[6, 0], [7, 8]])

    Users with one item give no window. The last window of a user is full when the user has enough items.
    """
    n_items = np.bincount(train.user)  # of each user
    steps = np.maximum(n_items - 1, 0)
    n_windows = -(-steps // max_history)
    user = np.repeat(np.arange(len(steps)), n_windows)  # [W]
    number = np.arange(len(user)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    missing = (n_windows * max_history - steps)[user]  # places that are left in the first window of the user
    begins = np.where(number == 0, 0, number * max_history - missing)
    length = np.where(number == 0, max_history - missing, max_history)
    start = (np.cumsum(n_items) - n_items)[user] + begins
    histories, targets = (SeenItems(train.item, start + after, length, train.time) for after in (0, 1))
    return Contexts(user, histories, targets, max_history, device)


def single_items(n_items: int, device: str = "cpu") -> Contexts:
    """Return for each item 1..N the history of that item alone, of no user.

    >>> single_items(3).whole().history.tolist()
    [[1], [2], [3]]
    """
    item, one = np.arange(1, n_items + 1), np.ones(n_items, dtype=np.int64)
    return Contexts(np.zeros(n_items, dtype=np.int64), SeenItems(item, item - 1, one), None, 1, device)


def latest(train: Interactions, n_users: int, max_history: int, device: str = "cpu") -> Contexts:
    n_items = np.bincount(train.user, minlength=n_users + 1)
    length = np.minimum(n_items, max_history)
    start = np.cumsum(n_items) - length
    recent = SeenItems(train.item, start[1:], length[1:], train.time)
    return Contexts(np.arange(1, n_users + 1), recent, None, max_history, device)
