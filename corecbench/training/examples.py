"""Training examples made of the training part: windows of a history, or pairs of a user and an item.

B examples, L positions, W windows, M interactions, U users.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from corecbench.api import Batch, Catalog, DataError, Interactions

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = 16
"""Batches that are sorted by length together, so that short histories are not padded to long ones."""


@dataclass(frozen=True)
class Examples:
    """Training examples, and the contexts for which the other side's states are computed once per turn."""

    kind: Literal["windows", "pairs"]
    contexts: Batch
    """One row per window [W, L], or one per user with the latest L training items [U, L]."""
    user: np.ndarray
    """int64 [W] or [M]."""
    item: np.ndarray
    """int64 [M]; empty for windows."""
    n_items: int

    def __len__(self) -> int:
        return len(self.user)

    def batches(
        self, batch_size: int, generator: np.random.Generator, n_negatives: int = 0, max_examples: int = 0
    ) -> Iterator[tuple[torch.Tensor, Batch]]:
        """Yield the examples of an epoch in random order, each batch with the rows of its contexts (int64 [B]).

        Args:
            batch_size: B, the last batch may be smaller.
            generator: of the order and the negatives.
            n_negatives: K, sampled for each batch, at most all items. With 0 windows have none, since they are told
                apart from the whole catalogue, and each pair has one of its own.
            max_examples: drawn anew for each epoch; 0 for all of them.
        """
        order = generator.permutation(len(self))[: max_examples or None]
        if self.kind == "windows":
            batches = self._window_batches(order, batch_size, generator)
        else:
            batches = self._pair_batches(
                order, batch_size, self._sample_negatives(generator) if not n_negatives else None
            )
        for rows, batch in batches:
            if n_negatives:
                size = min(n_negatives, self.n_items)
                sampled = 1 + generator.choice(self.n_items, size, replace=False, shuffle=False)
                batch = replace(batch, sampled=torch.as_tensor(sampled, device=batch.user.device))
            yield rows, batch

    def _window_batches(
        self, order: np.ndarray, batch_size: int, generator: np.random.Generator
    ) -> Iterator[tuple[torch.Tensor, Batch]]:
        length = (self.contexts.history != 0).sum(dim=1).cpu().numpy()
        blocks = np.array_split(order, np.arange(batch_size * BUCKET, len(order), batch_size * BUCKET))
        order = np.concatenate([block[np.argsort(length[block], kind="stable")] for block in blocks])
        chunks = np.array_split(order, np.arange(batch_size, len(order), batch_size))
        for chunk in generator.permutation(np.arange(len(chunks))):
            rows = torch.as_tensor(chunks[chunk])
            yield rows, take(self.contexts, rows)

    def _pair_batches(
        self, order: np.ndarray, batch_size: int, negatives: np.ndarray | None
    ) -> Iterator[tuple[torch.Tensor, Batch]]:
        for chunk in np.array_split(order, np.arange(batch_size, len(order), batch_size)):
            rows = torch.as_tensor(self.user[chunk] - 1)
            target, negative = (
                None if array is None else torch.as_tensor(array[chunk], device=self.contexts.user.device)
                for array in (self.item, negatives)
            )
            yield rows, replace(take(self.contexts, rows), target=target, negatives=negative)

    def _sample_negatives(self, generator: np.random.Generator) -> np.ndarray:
        """Return int64 [M]: for each pair an item, drawn uniformly, that its user has not interacted with.

        A user who has interacted with every item keeps the last draw.
        """
        width = self.n_items + 1
        seen = np.unique(self.user * width + self.item)
        negatives = np.zeros(len(self), dtype=np.int64)
        open_rows = np.arange(len(self))
        for _ in range(100):
            negatives[open_rows] = generator.integers(1, width, size=len(open_rows))
            key = self.user[open_rows] * width + negatives[open_rows]
            position = np.searchsorted(seen, key).clip(max=len(seen) - 1)
            open_rows = open_rows[seen[position] == key]
            if not len(open_rows):
                break
        return negatives


def take(batch: Batch, rows: torch.Tensor) -> Batch:
    """Return some rows of a batch, cut to the longest history among them."""
    history = batch.history[rows]
    longest = max(int((history != 0).sum(dim=1).max()), 1)
    target = None if batch.target is None else batch.target[rows, :longest]
    return Batch(user=batch.user[rows], history=history[:, :longest], target=target)


def windows(train: Interactions, max_history: int, device: str = "cpu") -> Batch:
    """Cut each user's training items into windows of at most `max_history` steps from an item to the next.

    >>> train = Interactions(user=np.array([1, 1, 1, 1, 2]), item=np.array([5, 6, 7, 8, 5]))
    >>> batch = windows(train, max_history=2)
    >>> batch.history.tolist(), batch.target.tolist()
    ([[5, 0], [6, 7]], [[6, 0], [7, 8]])

    Users with one item give no window. The last window of a user is full when the user has enough items.
    """
    same_user = train.user[1:] == train.user[:-1]
    user, source, target = train.user[:-1][same_user], train.item[:-1][same_user], train.item[1:][same_user]
    steps = np.bincount(user)[user] if len(user) else user  # steps of the row's user
    position = np.arange(len(user)) - np.searchsorted(user, user)
    shift = -steps % max_history  # so that the last window is the full one
    window_of_user, column = np.divmod(position + shift, max_history)
    column = np.where(window_of_user == 0, position, column)
    starts = np.concatenate([[True], (np.diff(user) != 0) | (np.diff(window_of_user) != 0)])[: len(user)]
    window = np.cumsum(starts) - 1
    n_windows = int(starts.sum())
    history, targets = np.zeros((2, n_windows, max_history), dtype=np.int64)
    history[window, column], targets[window, column] = source, target
    return Batch(*(torch.as_tensor(array, device=device) for array in (user[starts], history, targets)))


def latest(train: Interactions, n_users: int, max_history: int, device: str = "cpu") -> Batch:
    """Return for each user 1..U the latest `max_history` training items, oldest first."""
    count = np.bincount(train.user, minlength=n_users + 1)
    position = np.arange(len(train.user)) - np.searchsorted(train.user, train.user)
    column = position - np.maximum(count[train.user] - max_history, 0)
    kept = column >= 0
    history = np.zeros((n_users, max_history), dtype=np.int64)
    history[train.user[kept] - 1, column[kept]] = train.item[kept]
    return Batch(torch.arange(1, n_users + 1, device=device), torch.as_tensor(history, device=device))


def make_examples(
    kind: Literal["windows", "pairs"],
    train: Interactions,
    catalog: Catalog,
    max_history: int,
    device: str = "cpu",
) -> Examples:
    """Make the examples of one side from the training part.

    Raises:
        DataError: there are none.
    """
    if kind == "pairs":
        contexts = latest(train, catalog.n_users, max_history, device)
        return Examples(kind, contexts, train.user, train.item, catalog.n_items)
    contexts = windows(train, max_history, device)
    if not len(contexts.user):
        raise DataError("no user has two training items in a row; a model of histories needs users with 4 or more")
    return Examples(kind, contexts, contexts.user.cpu().numpy(), np.empty(0, dtype=np.int64), catalog.n_items)
