"""Pairs of items that follow each other, held out or in training, and items that match the second of a pair.

S pairs, N items, M matched items of each pair, C candidates for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from corecbench.toolkit import word_vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from corecbench.data.loaded import SplitDataset

MOST_PAIRS = 4000
"""Pairs of each kind that are looked at."""
NEAR = 150
"""Items before and behind an item, in the order of popularity, that match it."""
MATCHED = 5
"""Items that a pair is compared with: those of like popularity whose text is as near to the first item's."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of items, one of each user. Nobody in training has both, but for the user of a training pair."""

    user: np.ndarray
    """int64 [S]."""
    first: np.ndarray
    """int64 [S], the item before."""
    second: np.ndarray
    """int64 [S], the item behind it."""
    matched: np.ndarray
    """int64 [S, M], items like the second that this user and no other has beside the first."""

    def __len__(self) -> int:
        return len(self.user)


class Matching:
    """Draws the pairs of a data set, and what they are compared with."""

    def __init__(self, data: SplitDataset, seed: int = 0) -> None:
        from scipy.sparse import csr_array

        train, catalog = data.split.before, data.catalog
        self.data, self.random = data, np.random.default_rng(seed)
        shape = catalog.n_items + 1, catalog.n_users + 1
        has = csr_array((np.ones(len(train.user), dtype=np.float32), (train.item, train.user)), shape=shape)
        has.data[:] = 1
        self.has: csr_array = has
        self.texts = word_vectors(catalog.item_texts)
        frequency = np.bincount(train.item, minlength=catalog.n_items + 1)
        known = np.flatnonzero(frequency)
        self.by_popularity = known[np.lexsort((self.random.random(len(known)), frequency[known]))]
        self.place = np.full(catalog.n_items + 1, -1)
        self.place[self.by_popularity] = np.arange(len(known))

    @cached_property
    def held_out(self) -> Pairs:
        test = self.data.split.held["test"]
        last = test.known.items[test.known.start + test.known.length - 1]
        return self.matched(test.users, last, test.target, together=0)

    @cached_property
    def in_training(self) -> Pairs:
        train = self.data.split.before
        rows = np.flatnonzero(train.user[1:] == train.user[:-1])
        rows = self.random.permutation(rows)
        _, first = np.unique(train.user[rows], return_index=True)
        rows = rows[first]
        return self.matched(train.user[rows], train.item[rows], train.item[rows + 1], together=1)

    def matched(self, user: np.ndarray, first: np.ndarray, second: np.ndarray, together: int) -> Pairs:
        """Return pairs that so many users of training have together, and what matches their second items."""
        fit = (self.place[first] >= 0) & (self.place[second] >= 0) & (first != second)
        fit &= self.n_together(first, second) == together
        rows = self.random.permutation(np.flatnonzero(fit))[:MOST_PAIRS]
        user, first, second = user[rows], first[rows], second[rows]
        places = self.place[second][:, None] + np.concatenate([np.arange(-NEAR, 0), np.arange(1, NEAR + 1)])
        there = (places >= 0) & (places < len(self.by_popularity))
        candidates = self.by_popularity[places.clip(0, len(self.by_popularity) - 1)]  # [S, C]
        flat = np.repeat(first, candidates.shape[1])
        apart = self.n_together(flat, candidates.ravel()).reshape(candidates.shape) == 0
        usable = there & apart & (candidates != first[:, None])
        wanted = self.cosine(first, second)
        off = np.abs(self.cosine(flat, candidates.ravel()).reshape(candidates.shape) - wanted[:, None])
        off = np.where(usable, off + 1e-6 * self.random.random(off.shape), np.inf)
        best = np.argsort(off, axis=1)[:, :MATCHED]
        enough = np.isfinite(np.take_along_axis(off, best, axis=1)).all(axis=1)
        chosen = np.take_along_axis(candidates, best, axis=1)
        return Pairs(user[enough], first[enough], second[enough], chosen[enough])

    def n_together(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return products(self.has, first, second).round().astype(np.int64)

    def cosine(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return products(self.texts, first, second)


def products(rows: csr_array, first: np.ndarray, second: np.ndarray, block: int = 2**16) -> np.ndarray:
    found = [
        np.asarray(rows[first[start : start + block]].multiply(rows[second[start : start + block]]).sum(axis=1))
        for start in range(0, len(first), block)
    ]
    return np.concatenate([part.ravel() for part in found] or [np.zeros(0)])
