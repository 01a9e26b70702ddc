"""When what is more complex takes the place of what is simpler: only if it is clearly better on validation.

T users of a task.
"""

from __future__ import annotations

import numpy as np


def is_clearly_better(values: np.ndarray, base: np.ndarray) -> bool:
    """Return whether the mean of paired values is higher by more than one standard error of the difference.

    One standard error is the margin by which Breiman et al. (Classification and Regression Trees, 1984) let a more
    complex model win. Of one user it is not known, so that one user shows nothing.

    Args:
        values: float [T], of each user.
        base: float [T], of the same users.

    >>> is_clearly_better(np.array([0.5, 0.6, 0.4]), np.array([0.4, 0.4, 0.1]))
    True
    >>> is_clearly_better(np.array([0.5, 0.6, 0.1]), np.array([0.4, 0.4, 0.4]))
    False
    """
    gain = values - base
    return len(gain) > 1 and bool(gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)))


def in_first_half(row: np.ndarray) -> np.ndarray:
    """Return which users are in the first half of a task, bool [T]: every other one, by their rows int64 [T].

    >>> in_first_half(np.arange(4)).tolist()
    [True, False, True, False]
    """
    return np.asarray(row % 2 == 0)
