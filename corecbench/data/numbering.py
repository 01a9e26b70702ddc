"""Numbers users and items, and puts interactions in order, in time that grows with their number.

M interactions. General sorting and hashing of texts are several times as slow at 20 million interactions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from typing import Literal

MOST_DIGITS = 18
"""The most digits of an id that is read as a number, which int64 holds for certain."""
WIDEST = 8
"""The largest range of ids, in interactions, for which a table with a place for each id is made."""
NEARLY_ALL = 0.95
"""Times are positions if they count up by one for at least this share of the users."""


def numbered(ids: pd.Series) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return numbers from 1 in order of first appearance (int64 [M]), and the id of each number.

    >>> number, names = numbered(pd.Series(["b", "a", "b"]))
    >>> number.tolist(), names
    ([1, 2, 1], ('', 'b', 'a'))
    """
    whole = as_integers(ids)
    if whole is not None:
        codes, unique = factorize_range(whole)
        return codes + 1, ("", *map(str, unique.tolist()))
    codes, texts = pd.factorize(ids)
    return codes.astype(np.int64) + 1, ("", *texts.tolist())


def as_integers(ids: pd.Series) -> np.ndarray | None:
    """Return ids as int64 [M] where each is a number as Python writes it, in a range that is not too wide.

    >>> as_integers(pd.Series(["10", "7"])).tolist(), as_integers(pd.Series(["10", "07"])) is None
    ([10, 7], True)

    Args:
        ids: str [M], without missing values.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(ids) or not ids.iloc[0].isdecimal():
        return None
    texts = pa.array(ids, from_pandas=True)
    if pc.max(pc.binary_length(texts)).as_py() > MOST_DIGITS:
        return None
    try:
        whole = pc.cast(texts, pa.int64())
    except pa.ArrowInvalid:
        return None
    values = np.asarray(whole)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high - low >= WIDEST * len(values):
        return None
    # no text is shorter than its number, so lengths agree in sum only if there is no "07", which is not "7"
    n_digits = len(values) + sum(int((values >= 10**power).sum()) for power in range(1, len(str(high))))
    return values if pc.sum(pc.binary_length(texts)).as_py() == n_digits else None


def factorize_range(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return codes from 0 in order of first appearance (int64 [M]), and the value of each code.

    >>> [array.tolist() for array in factorize_range(np.array([7, 5, 7, 9]))]
    [[0, 1, 0, 2], [7, 5, 9]]

    Args:
        values: int64 [M], at least one, in a range that is not much wider than M.
    """
    low = values.min()
    place = values - low
    first = np.full(int(place.max()) + 1, len(values))
    first[place[::-1]] = np.arange(len(values) - 1, -1, -1)  # the last one written is the first in the file
    rows = np.sort(first[first < len(values)])
    codes = np.empty(len(first), dtype=np.int64)
    codes[place[rows]] = np.arange(len(rows))
    return codes[place], values[rows]


def in_time_order(user: np.ndarray, timestamp: np.ndarray) -> np.ndarray:
    """Return the rows by user, then time, then place in the file, int64 [M].

    >>> in_time_order(np.array([2, 1, 2, 1]), np.array([5, 9, 5, 3])).tolist()
    [3, 1, 0, 2]

    Args:
        user: int64 [M], from 0.
        timestamp: int64 or float64 [M].
    """
    if (timestamp[1:] >= timestamp[:-1]).all():
        return stable_order(user)
    by_time = np.argsort(timestamp, kind="stable")
    return np.asarray(by_time[stable_order(user[by_time])])


def stable_order(number: np.ndarray) -> np.ndarray:
    """Return the rows by number, then place, int64 [M]. numpy sorts 16 bits at a time by counting.

    >>> stable_order(np.array([70_000, 1, 70_000, 0])).tolist()
    [3, 1, 0, 2]

    Args:
        number: int64 [M], from 0.
    """
    order = np.argsort((number & 0xFFFF).astype(np.uint16), kind="stable")
    for shift in range(16, int(number.max(initial=0)).bit_length(), 16):
        digits = ((number >> shift) & 0xFFFF).astype(np.uint16)
        order = order[np.argsort(digits[order], kind="stable")]
    return order


def repeats_of(user: np.ndarray, item: np.ndarray, keep: Literal["first", "last"]) -> np.ndarray:
    """Return whether each interaction repeats a pair of a user and an item, bool [M].

    >>> repeats_of(np.array([1, 1, 1, 2]), np.array([5, 6, 5, 5]), "first").tolist()
    [False, False, True, False]

    Args:
        user: int64 [M].
        item: int64 [M].
        keep: which interaction of a pair is the one that the others repeat.
    """
    pair = user * (int(item.max(initial=0)) + 1) + item
    ordered = np.sort(pair)
    several = ordered[1:][ordered[1:] == ordered[:-1]]
    repeated = np.zeros(len(pair), dtype=bool)
    if len(several):
        places = np.searchsorted(several, pair).clip(max=len(several) - 1)
        candidates = np.flatnonzero(several[places] == pair)
        repeated[candidates] = pd.Series(pair[candidates]).duplicated(keep=keep).to_numpy()
    return repeated


def counting_up(user: np.ndarray, timestamp: np.ndarray) -> str:
    """Return in words how many users have times that count up by one from the commonest start.

    Returns "" if not nearly all have, or if there are none.

    >>> counting_up(np.array([1, 1, 1, 2, 2]), np.array([0, 1, 2, 0, 1]))
    'the times of 2 of 2 users count up by one from the same start'
    >>> counting_up(np.array([1, 1, 1, 2, 2]), np.array([0, 1, 3, 0, 1]))
    ''

    Args:
        user: int64 [M], from 1, in ascending order.
        timestamp: int64 or float64 [M], ascending within a user.
    """
    if not len(user):
        return ""
    is_first = np.concatenate([[True], user[1:] != user[:-1]])
    counts_up = np.concatenate([[True], timestamp[1:] - timestamp[:-1] == 1]) | is_first
    starts, n_starting = np.unique(timestamp[is_first], return_counts=True)
    start, n_users = starts[np.argmax(n_starting)], int(is_first.sum())
    others = np.concatenate([user[~counts_up], user[is_first & (timestamp != start)]])
    n_fitting = n_users - len(np.unique(others))
    if start % 1 or n_fitting < NEARLY_ALL * n_users:
        return ""
    return f"the times of {n_fitting:,} of {n_users:,} users count up by one from the same start"
