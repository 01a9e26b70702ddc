"""Corrections for making several tests at once."""

from collections.abc import Sequence

import numpy as np

from corecbench.api import DataError


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Adjust p values so that calling those below a level significant errs at most that often, in any of them.

    The i-th smallest of m values becomes the largest of (m - j + 1) p_(j) over j <= i, at most 1 (Holm, 1979,
    Scandinavian Journal of Statistics 6, 65-70). The tests may depend on each other.

    Three tests; the smallest is tripled, the next doubled, and the last keeps its place behind it:

    >>> holm([0.25, 0.125, 0.2]).tolist()
    [0.4, 0.375, 0.4]

    Args:
        p: float [m], in any order.

    Returns:
        float64 [m], in the same order.

    Raises:
        DataError: a value is not between 0 and 1.
    """
    values = np.asarray(p, dtype=np.float64)
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise DataError(f"a p value lies between 0 and 1, got {wrong[0]}")
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
