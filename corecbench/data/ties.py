"""Interactions of a user at the same time, which have no order: one is made, and what speaks against it is said.

M interactions, U users, N items, P neighbours: an interaction and the next one, of the same user and time.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

import numpy as np

from corecbench.data.dataset import FEWEST_INTERACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.data.dataset import Dataset

Ties = Literal["file", "random", "exclude"]
"""What decides the order of interactions of the same user and time: the file, or a hash of user and item. Under
"exclude" the file decides, and users whose held-out items it would decide are not ranked."""

KEY = b"corecbench ties"
"""The seed of the hash. It is the same for all seeds of a run, so that all of them rank the same items."""
MOST_TIED = 0.05
"""The largest share of tested users with held-out items of equal times of which nothing is said."""
LEAST_Z, LEAST_ASCENDING = 6.0, 0.6
"""Item ids follow the file's order beyond chance above so many standard deviations, and above this share."""
DECIDED_BY = {
    "file": "the order of the file decides which item is held out (ties file)",
    "random": "a hash decides which item is held out (ties random)",
    "exclude": "these users are not ranked (ties exclude)",
}


def same_time(dataset: Dataset) -> np.ndarray:
    user, time = dataset.user, dataset.timestamp
    return np.concatenate([[False], (user[1:] == user[:-1]) & (time[1:] == time[:-1])])


def held_out_tie(dataset: Dataset) -> np.ndarray:
    """Return whether the file would decide the held-out items of each user with at least 3 interactions, bool [T].

    It would where the test and the validation item, or the validation item and the one before it, have equal times.
    """
    counts, tied = np.bincount(dataset.user), same_time(dataset)
    last = np.cumsum(counts)[counts >= FEWEST_INTERACTIONS] - 1
    return np.asarray(tied[last] | tied[last - 1])


def in_random_order(dataset: Dataset, tied: np.ndarray) -> np.ndarray:
    """Return the items of all interactions, int64 [M], those of the same user and time in the order of a hash.

    The order depends on the ids of users and items only, so that the rows of a file may stand in any order.

    Args:
        dataset: the data set.
        tied: bool [M], what `same_time` returns.
    """
    rows = np.flatnonzero(tied | np.append(tied[1:], False))
    group = np.cumsum(~tied[rows])
    items = dataset.item.copy()
    items[rows] = items[rows][np.lexsort((hashes(dataset, rows, items), group))]
    return items


def hashes(dataset: Dataset, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return a seeded hash of the ids of user and item of some rows, uint64 [rows].

    Args:
        dataset: the data set.
        rows: int64 [rows].
        items: int64 [M], the item of each row.
    """
    catalog = dataset.catalog
    users_, items_ = _digests(catalog.user_ids), _digests(catalog.item_ids)
    return _mixed(users_[dataset.user[rows]] ^ _mixed(items_[items[rows]]))


def began(tied: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return the place of the first interaction of the same user and time, int64 [T].

    >>> began(np.array([False, True, True, False]), np.array([0, 2, 3])).tolist()
    [0, 0, 3]
    """
    firsts = np.flatnonzero(~tied)
    return np.asarray(firsts[np.searchsorted(firsts, place, side="right") - 1])


def _digests(ids: Sequence[str]) -> np.ndarray:
    each = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=KEY) for text in ids)
    return np.frombuffer(b"".join(digest.digest() for digest in each), dtype="<u8").astype(np.uint64)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Return uint64 values whose bits are mixed.

    This is the finalizer of SplitMix64 (Steele, Lea and Flood, 2014, DOI 10.1145/2660193.2660195), a bijection.
    """
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(values ^ (values >> np.uint64(31)))


def warnings(dataset: Dataset, ties: Ties) -> Iterator[str]:
    """Yield what speaks against the order of a data set, a line each.

    Args:
        dataset: the data set.
        ties: what decides the order of equal times.
    """
    name, tie = dataset.catalog.name, held_out_tie(dataset)
    n_tied, n_tested = int(tie.sum()), len(tie)
    if n_tied > MOST_TIED * n_tested:
        users = f"{n_tied:,} of {n_tested:,} users ({n_tied / n_tested:.1%})"
        yield f"{name}: the held-out items of {users} have equal times; {DECIDED_BY[ties]}"
    n_pairs, n_ascending = ascending(dataset)
    z = (2 * n_ascending - n_pairs) / max(n_pairs, 1) ** 0.5
    if z > LEAST_Z and n_ascending > LEAST_ASCENDING * n_pairs:
        yield (
            f"{name}: item ids ascend in {n_ascending:,} of {n_pairs:,} neighbouring rows of equal times "
            f"({n_ascending / n_pairs:.1%}); their order in the file follows the ids, not time"
        )
    if dataset.positions:
        yield (
            f"{name}: {dataset.positions}; they are positions, so nobody knows which interactions had equal times"
        )


def ascending(dataset: Dataset) -> tuple[int, int]:
    """Return the number P of neighbours with different items, and of those whose item ids ascend.

    Ids are compared as whole numbers where all are, else as text. Without a reason, half of them ascend; ascents
    beside each other exclude each other more often than not, so a binomial test is on the safe side.
    """
    ids = dataset.catalog.item_ids[1:]
    keys = np.array(ids, dtype=object)
    if all(item_id.isdecimal() for item_id in ids):
        keys = np.array([int(item_id) for item_id in ids], dtype=object)
    place = np.empty(len(ids) + 1, dtype=np.int64)
    place[1 + np.argsort(keys, kind="stable")] = np.arange(len(ids))
    rows = np.flatnonzero(same_time(dataset))
    step = place[dataset.item[rows]] - place[dataset.item[rows - 1]]
    return int(np.count_nonzero(step)), int(np.count_nonzero(step > 0))
