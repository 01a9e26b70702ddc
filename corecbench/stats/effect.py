"""Sizes of an effect that need no unit: standardised, and counted in users. U users."""

from typing import NamedTuple

import numpy as np

from corecbench.api import DataError
from corecbench.stats.differences import paired_differences


class Shares(NamedTuple):
    """The shares of users whose metric is higher, lower or the same; they sum to 1."""

    better: float
    worse: float
    equal: float


def cohens_dz(own: np.ndarray, base: np.ndarray) -> float | None:
    """Return Cohen's d_z: the mean difference in standard deviations of the differences.

    It is what the power of a paired test depends on, besides the number of users (Cohen, 1988, Statistical Power
    Analysis for the Behavioral Sciences, 48; Lakens, 2013, doi:10.3389/fpsyg.2013.00863). t is d_z sqrt(U).

    Differences 1, 2 and 3 have the mean 2 and the standard deviation 1:

    >>> round(cohens_dz(np.array([1.0, 2.0, 3.0]), np.zeros(3)), 9) == 2 / 1
    True

    Args:
        own: float64 [U], a metric per user.
        base: float64 [U], the same metric of the same users in the same order.

    Returns:
        d_z, or None where all users differ by the same, or none does.

    Raises:
        DataError: the values do not pair up, are too few or not finite.
    """
    difference = paired_differences(own, base)
    if len(difference) < 2:
        raise DataError(f"Cohen's d_z needs at least 2 users, got {len(difference)}")
    if np.ptp(difference) == 0:
        return None
    return float(difference.mean() / difference.std(ddof=1))


def shares(own: np.ndarray, base: np.ndarray) -> Shares:
    """Return the shares of users whose metric is higher, lower and the same.

    Of four users two gain, one loses:

    >>> shares(np.array([1.0, 0.5, 0.0, 0.0]), np.array([0.5, 0.0, 0.5, 0.0]))
    Shares(better=0.5, worse=0.25, equal=0.25)

    Args:
        own: float64 [U], a metric per user, higher better.
        base: float64 [U], the same metric of the same users in the same order.

    Raises:
        DataError: the values do not pair up, are none or not finite.
    """
    difference = paired_differences(own, base)
    if not len(difference):
        raise DataError("shares of users need at least 1 user, got 0")
    better, worse = float(np.mean(difference > 0)), float(np.mean(difference < 0))
    return Shares(better, worse, float(np.mean(difference == 0)))
