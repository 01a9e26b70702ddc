"""Slices of the tested users, by what is known of the user or of the held-out item.

T tested users.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

QUINTILES = 5


@dataclass(frozen=True, eq=False)
class Slices:
    """A partition of the tested users. Slices are in the order of their counts, which do not overlap."""

    labels: tuple[str, ...]
    """The range of counts of each slice, such as "3" or "5-6"."""
    of_user: np.ndarray
    """int64 [T], the slice of each user: an index into `labels`."""


def by_history_length(history_length: np.ndarray) -> Slices:
    """Slice users into fifths by the number of their training interactions, as `quintiles` does.

    Ten users, half of whom have 3 interactions. Two borders between fifths fall among these, after the second and
    the fourth of them; one moves to the front and the other to the end, so four slices are left:

    >>> slices = by_history_length(np.array([3, 9, 3, 4, 3, 5, 3, 40, 3, 6]))
    >>> slices.labels
    ('3', '4', '5-6', '9-40')
    >>> slices.of_user.tolist()
    [0, 3, 0, 1, 0, 2, 0, 3, 0, 2]

    Args:
        history_length: int64 [T].
    """
    return _labelled(history_length, quintiles(history_length))


def by_target_frequency(target_frequency: np.ndarray) -> Slices:
    """Slice users by the number of training interactions of their held-out item.

    Users whose item is never in training are a slice of their own. The others are sliced as `quintiles` does: into
    fifths of the users, not of the items.

    >>> by_target_frequency(np.array([0, 1, 2, 3, 4, 50, 0])).labels
    ('0 (never in training)', '1', '2', '3', '4', '50')

    Args:
        target_frequency: int64 [T].
    """
    number = np.zeros(len(target_frequency), dtype=np.int64)
    known = target_frequency > 0
    number[known] = 1 + quintiles(target_frequency[known])
    return _labelled(target_frequency, number)


def by_frequency_bins(target_frequency: np.ndarray) -> Slices:
    """Slice users by the number of training interactions of their held-out item, in bins that are always the same.

    >>> slices = by_frequency_bins(np.array([0, 3, 1, 10, 500]))
    >>> slices.labels, slices.of_user.tolist()
    (('0 (never in training)', '1-3', '10 or more'), [0, 1, 1, 2, 2])

    Args:
        target_frequency: int64 [T].
    """
    return _binned(target_frequency, {"0 (never in training)": 0, "1-3": 1, "4-9": 4, "10 or more": 10})


def by_word_overlap(text_similarity: np.ndarray) -> Slices:
    """Slice users by what the text of the held-out item has in common with a text of the history.

    >>> by_word_overlap(np.array([0, 0.01, 0.5])).labels
    ('none', 'some', 'cosine .2 or more')

    Args:
        text_similarity: float32 [T], as `target_similarity` gives it.
    """
    above_0, a_fifth = float(np.nextafter(np.float32(0), np.float32(1))), float(np.float32(0.2))
    return _binned(text_similarity, {"none": 0, "some": above_0, "cosine .2 or more": a_fifth})


def quintiles(count: np.ndarray) -> np.ndarray:
    """Number the users' fifths from 0, those with the lowest counts; users with equal counts are never split.

    A group of equal counts goes where its middle falls: each border between fifths moves to the nearer end of the
    group that it cuts, to the lower end if both are as near. Data with few distinct counts so have slices of
    different sizes, and fewer than five of them where borders meet; numbers are then left out.

    Args:
        count: int64 [T].

    Returns:
        int64 [T], from 0 to 4.
    """
    _, group, size = np.unique(count, return_inverse=True, return_counts=True)
    twice_the_middle = 2 * np.cumsum(size) - size  # of each group, in users; doubled, it is an integer
    return (QUINTILES * twice_the_middle // (2 * max(len(count), 1)))[group]


def _binned(values: np.ndarray, least: Mapping[str, float]) -> Slices:
    number = np.searchsorted(list(least.values()), values, side="right") - 1
    present, of_user = np.unique(number, return_inverse=True)
    return Slices(tuple(list(least)[each] for each in present), of_user)


def _labelled(count: np.ndarray, number: np.ndarray) -> Slices:
    present, of_user = np.unique(number, return_inverse=True)
    return Slices(tuple(_range(count[of_user == each]) for each in range(len(present))), of_user)


def _range(count: np.ndarray) -> str:
    low, high = int(count.min()), int(count.max())
    if high == 0:
        return "0 (never in training)"
    return f"{low}-{high}" if low < high else f"{low}"


def by_flag(without: str, having: str) -> Callable[[np.ndarray], Slices]:
    """Return a function that slices users by whether something is true of them.

    >>> slices = by_flag("warm", "cold")(np.array([False, True, False]))
    >>> slices.labels, slices.of_user.tolist()
    (('warm', 'cold'), [0, 1, 0])

    Args:
        without: the label of the users of whom it is not true.
        having: the label of those of whom it is.
    """

    def slice_users(flag: np.ndarray) -> Slices:
        present, of_user = np.unique(flag.astype(np.int64), return_inverse=True)
        return Slices(tuple((without, having)[each] for each in present), of_user)

    return slice_users


SLICINGS: Mapping[str, tuple[str, Callable[[np.ndarray], Slices]]] = {
    "history length": ("history_length", by_history_length),
    "target frequency": ("target_frequency", by_target_frequency),
    "target frequency in bins": ("target_frequency", by_frequency_bins),
    "word overlap": ("text_similarity", by_word_overlap),
    "user": ("user_trains", by_flag("does not train", "trains")),
    "new users": ("user_is_new", by_flag("known in training", "new")),
    "last two items": ("target_is_tied", by_flag("in order", "at the same time")),
    "target item": ("target_is_cold", by_flag("warm", "cold")),
    "new items": ("target_is_new", by_flag("known in training", "new")),
}
"""How a table names a slicing -> the column of stored ranks that it needs, and the function."""
