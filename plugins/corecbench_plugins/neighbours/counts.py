"""How often items stand together in histories, and the nearest neighbours of each item by these counts.

All counts of a large catalogue would not fit into memory. So rows are counted in blocks, and of each row only the
nearest neighbours are kept. U users, N items, M interactions, n items of a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, diags_array, vstack

from corecbench.api import Interactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRODUCTS = 2**24
"""Pairs of interactions that are counted at a time; a block has one item at least."""


def latest(train: Interactions, most: int) -> Interactions:
    """Return the latest interactions of each user, at most so many, without their times.

    >>> latest(Interactions(np.array([1, 2, 2, 2]), np.array([5, 6, 7, 8])), most=2).item.tolist()
    [5, 7, 8]
    """
    end = np.cumsum(np.bincount(train.user))[train.user]  # [M], where each one's user ends
    kept = end - np.arange(len(end)) <= most
    return Interactions(train.user[kept], train.item[kept])


def users_and_items(train: Interactions, n_items: int) -> csr_array:
    """Return 1 for each item that a user has, however often, float32 [U+1, N+1]."""
    shape = (int(train.user.max(initial=0)) + 1, n_items + 1)
    has = csr_array((np.ones(len(train.user), dtype=np.float32), (train.user, train.item)), shape=shape)
    has.data[:] = 1
    return has


def history_weights(history: np.ndarray, n_items: int, decay: float) -> csr_array:
    """Return the weight of each item in each of B histories, float32 [B, N+1]; the last item has 1.

    >>> history_weights(np.array([[2, 3], [1, 0]]), n_items=3, decay=0.5).toarray().tolist()
    [[0.0, 0.0, 0.5, 1.0], [0.0, 1.0, 0.0, 0.0]]

    Args:
        history: int64 [B, L], right-padded with 0.
        n_items: N.
        decay: a factor by which an item of a history counts less than the next one.
    """
    is_item = history != 0
    user, position = np.nonzero(is_item)
    age = is_item.sum(axis=1)[user] - 1 - position
    weight = np.float32(decay) ** age.astype(np.float32)
    return csr_array((weight, (user, history[is_item])), shape=(len(history), n_items + 1))


class Together:
    """Counts the users that two items share, each weighed by a power of the number of the user's items.

    Weighing users so is of Deshpande and Karypis, 2004, DOI 10.1145/963770.963776.
    """

    def __init__(self, train: Interactions, n_items: int, user_power: float) -> None:
        has = users_and_items(train, n_items)
        length = has.sum(axis=1)  # [U+1]
        weight = np.maximum(length, 1).astype(np.float32) ** np.float32(-user_power)
        self.users: csr_array = has.T.tocsr()
        """float32 [N+1, U+1]."""
        self.items: csr_array = (diags_array(weight) @ has).tocsr()
        """float32 [U+1, N+1]."""
        self.n_users: np.ndarray = self.users.sum(axis=1)
        """float32 [N+1], the number of users of each item."""
        self.products: np.ndarray = np.rint(self.users @ length).astype(np.int64)
        """int64 [N+1], the pairs of interactions that the row of each item counts."""

    def __call__(self, rows: slice) -> csr_array:
        """Return the counts of a block of items with all items, float32 [n, N+1]."""
        return self.users[rows] @ self.items


class Following:
    """Counts how often an item comes after another one within some steps, k steps later as 1/k.

    Source: the sequential rules of Ludewig and Jannach, 2018, arXiv 1803.09587.
    """

    def __init__(self, train: Interactions, n_items: int, steps: int) -> None:
        self.train, self.n_items, self.steps = train, n_items, steps
        self.places = np.argsort(train.item, kind="stable")
        self.start = np.searchsorted(train.item, np.arange(n_items + 2), sorter=self.places)  # [N+2]

    def __call__(self, rows: slice) -> csr_array:
        """Return the counts of what comes after each item of a block, float32 [n, N+1]."""
        user, item = self.train.user, self.train.item
        place = self.places[self.start[rows.start] : self.start[rows.stop]]
        before, after, weight = [], [], []
        for k in range(1, self.steps + 1):
            place = place[place < len(user) - k]
            place = place[user[place] == user[place + k]]
            before.append(item[place] - rows.start)
            after.append(item[place + k])
            weight.append(np.full(len(place), 1 / k, dtype=np.float32))
        pairs = (np.concatenate(weight), (np.concatenate(before), np.concatenate(after)))
        return csr_array(pairs, shape=(rows.stop - rows.start, self.n_items + 1))


def blocks(products: np.ndarray) -> Iterator[slice]:
    """Yield the rows of all items in blocks of at most `PRODUCTS` pairs, or of one item.

    >>> [(rows.start, rows.stop) for rows in blocks(np.array([0, PRODUCTS, 1, 1]))]
    [(0, 2), (2, 4)]
    """
    total, start = np.cumsum(products), 0
    while start < len(products):
        done = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + PRODUCTS, side="right")))
        yield slice(start, stop)
        start = stop


def nearest_neighbours(
    together: Together, count: Callable[[slice], csr_array], shrinkage: float, neighbours: int
) -> csr_array:
    """Return the similarity of each item to its nearest neighbours, float32 [N+1, N+1]; an item is not its own.

    The similarity of items that m and m' users have is c / (sqrt(m m') + shrinkage), where c is their count.

    Args:
        together: says how many users each item has, and how much there is to count.
        count: gives the counts c of a block of items with all items, float32 [n, N+1].
        shrinkage: what pairs with few users are divided by beside the cosine's denominator.
        neighbours: most neighbours of an item.
    """
    root, found = np.sqrt(together.n_users), []
    for rows in blocks(together.products):
        block = count(rows)
        block.sort_indices()
        item = np.repeat(np.arange(rows.start, rows.stop), np.diff(block.indptr))
        block.data /= root[item] * root[block.indices] + np.float32(shrinkage)
        block.data[block.indices == item] = 0
        keep_nearest(block, neighbours)
        found.append(block)
    return vstack(found, format="csr")


def keep_nearest(block: csr_array, neighbours: int) -> None:
    """Leave only the largest numbers of each row, of equal ones those of the lower items."""
    for row in np.flatnonzero(np.diff(block.indptr) > neighbours):
        values = block.data[block.indptr[row] : block.indptr[row + 1]]  # a view
        least = np.partition(values, -neighbours)[-neighbours]
        equal = np.flatnonzero(values == least)
        n_larger = int((values > least).sum())
        values[values < least] = 0
        values[equal[neighbours - n_larger :]] = 0
    block.eliminate_zeros()
