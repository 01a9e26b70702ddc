"""Per-user differences between two recommenders, the unit of every paired statistic. U users."""

import numpy as np

from corecbench.api import DataError

FEWEST_DIFFERENT = 5
"""Users who must differ. With fewer the interval tells more about which users were drawn than about the models: in
simulations with 50 users of whom on average one differed, 67 of 100 intervals at 95 % held the true mean."""


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


def can_vary(difference: np.ndarray) -> bool:
    """Return whether differences tell something about other users: 5 users differ, and not all by the same.

    >>> can_vary(np.array([1.0, 1.0, 1.0, 1.0, 2.0])), can_vary(np.ones(5)), can_vary(np.arange(5.0))
    (True, False, False)

    Args:
        difference: float64 [U], rounding noise removed.
    """
    return bool(np.count_nonzero(difference) >= FEWEST_DIFFERENT and np.ptp(difference) > 0)
