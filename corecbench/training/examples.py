"""Training examples made of the training part: windows of a history, or pairs of a user and an item.

B examples, L positions, W windows, M interactions, U users.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from corecbench.api import Batch, Catalog, DataError, Interactions
from corecbench.toolkit import on_device
from corecbench.training.contexts import Contexts, latest, windows

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = 16
"""Batches that are sorted by length together, so that short histories are not padded to long ones."""


@dataclass(frozen=True)
class Examples:
    """Training examples, and the contexts for which the other side's states are computed once per turn."""

    kind: Literal["windows", "pairs"]
    contexts: Contexts
    """One per window, or one per user who trains, with the latest L training items."""
    user: np.ndarray
    """int64 [W] or [M]."""
    item: np.ndarray
    """int64 [M]; empty for windows."""
    n_items: int
    n_known: int
    """The number of items, the first ones, that exist in training; no other is drawn."""
    frequency: np.ndarray
    """int64 [n_known], how often each of them, from the first, occurs in training."""

    def __len__(self) -> int:
        return len(self.user)

    def batches(
        self,
        batch_size: int,
        generator: np.random.Generator,
        n_negatives: int = 0,
        max_examples: int = 0,
        by_popularity: bool = False,
    ) -> Iterator[tuple[torch.Tensor, Batch]]:
        """Yield the examples of an epoch in random order, each batch with the rows of its contexts (int64 [B]).

        Args:
            batch_size: B, the last batch may be smaller.
            generator: of the order and the negatives.
            n_negatives: K, sampled for each batch, at most all items. With 0 windows have none, since they are told
                apart from the whole catalogue, and each pair has one of its own.
            max_examples: drawn anew for each epoch; 0 for all of them.
            by_popularity: whether half of the K are drawn by popularity, with replacement.
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
                batch = replace(batch, **self._sampled(min(n_negatives, self.n_known), generator, by_popularity))
            yield rows, batch

    def _sampled(self, size: int, generator: np.random.Generator, by_popularity: bool) -> dict[str, Any]:
        """Return items drawn for a batch and, of those drawn by popularity, how often each is expected."""
        device = self.contexts.device
        if not by_popularity:
            sampled = 1 + generator.choice(self.n_known, size, replace=False, shuffle=False)
            return {"sampled": on_device(sampled, device)}
        cumulative, log_share = self._popularity
        popular = cumulative.searchsorted(generator.integers(cumulative[-1], size=size // 2), side="right")
        item = np.concatenate([popular, generator.integers(self.n_known, size=size - len(popular))])
        log_expected = np.log(size) + log_share[item]
        return {
            "sampled": on_device(1 + item, device),
            "log_expected": on_device(log_expected.astype(np.float32), device),
        }

    @cached_property
    def _popularity(self) -> tuple[np.ndarray, np.ndarray]:
        of_popular = self.frequency / self.frequency.sum()
        return np.cumsum(self.frequency), np.log((of_popular + 1 / self.n_known) / 2)

    def _window_batches(
        self, order: np.ndarray, batch_size: int, generator: np.random.Generator
    ) -> Iterator[tuple[torch.Tensor, Batch]]:
        length = self.contexts.length
        blocks = np.array_split(order, np.arange(batch_size * BUCKET, len(order), batch_size * BUCKET))
        order = np.concatenate([block[np.argsort(length[block], kind="stable")] for block in blocks])
        chunks = np.array_split(order, np.arange(batch_size, len(order), batch_size))
        for chunk in generator.permutation(np.arange(len(chunks))):
            rows = torch.as_tensor(chunks[chunk])
            yield rows, self.contexts.take(rows)

    def _pair_batches(
        self, order: np.ndarray, batch_size: int, negatives: np.ndarray | None
    ) -> Iterator[tuple[torch.Tensor, Batch]]:
        for chunk in np.array_split(order, np.arange(batch_size, len(order), batch_size)):
            rows = torch.as_tensor(self.contexts.users.searchsorted(self.user[chunk]))
            target, negative = (
                None if array is None else on_device(array[chunk], self.contexts.device)
                for array in (self.item, negatives)
            )
            yield rows, replace(self.contexts.take(rows), target=target, negatives=negative)

    @cached_property
    def _seen_pairs(self) -> np.ndarray:
        return np.sort(self.user * (self.n_items + 1) + self.item)

    def _sample_negatives(self, generator: np.random.Generator) -> np.ndarray:
        """Return int64 [M]: for each pair an item, drawn uniformly, that its user has not interacted with.

        A user who has interacted with every item keeps the last draw.
        """
        width, seen = self.n_items + 1, self._seen_pairs
        negatives = np.zeros(len(self), dtype=np.int64)
        open_rows = np.arange(len(self))
        for _ in range(100):
            negatives[open_rows] = generator.integers(1, self.n_known + 1, size=len(open_rows))
            key = self.user[open_rows] * width + negatives[open_rows]
            position = np.searchsorted(seen, key).clip(max=len(seen) - 1)
            open_rows = open_rows[seen[position] == key]
            if not len(open_rows):
                break
        return negatives


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
    frequency = np.bincount(train.item, minlength=catalog.n_items + 1)[1 : catalog.n_known_items + 1]
    items = catalog.n_items, catalog.n_known_items, frequency
    if kind == "pairs":
        contexts = latest(train, catalog.n_users, max_history, device).of_users(train.user)
        return Examples(kind, contexts, train.user, train.item, *items)
    contexts = windows(train, max_history, device)
    if not len(contexts):
        raise DataError("no user has two training items in a row; a model of histories needs users with 4 or more")
    nothing = np.empty(0, dtype=np.int64)
    return Examples(kind, contexts, contexts.users, nothing, *items)
