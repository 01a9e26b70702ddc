"""Per-user differences between two recommenders, the unit of every paired statistic. U users."""

import numpy as np

from corecbench.api import DataError


def paired_differences(own: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return own - base, float64 [U], without rounding noise.

    Means over seeds carry such noise; it would pass for a difference, or break a tie.

    >>> paired_differences(np.array([0.1 + 0.2, 1.0]), np.array([0.3, 0.5])).tolist()
    [0.0, 0.5]

    Args:
        own: float64 [U], a metric per user, each first averaged over seeds.
        base: float64 [U], the same metric of the same users in the same order.

    Raises:
        DataError: the values do not pair up or are not finite.
    """
    if own.shape != base.shape:
        raise DataError(f"a paired test needs the same users on both sides, got {len(own)} and {len(base)}")
    if own.ndim != 1:
        raise DataError(f"a paired test needs one value per user, got shape {own.shape}; average over seeds first")
    if not (np.isfinite(own).all() and np.isfinite(base).all()):
        raise DataError("a paired test needs finite values, got NaN or infinity")
    scale = max(np.abs(values).max(initial=np.finfo(np.float64).tiny) for values in (own, base))
    return np.asarray(np.round((own - base) / scale, 12) * scale)
