"""Student's t test of one mean, for many short calls. U users.

The formula and the order of its operations are those of `scipy.stats.ttest_1samp`, so the results are the same. But
only `scipy.special` is loaded, and nothing is looked up at each call.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
"""That of all intervals but those of two one-sided tests."""


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class StudentTest:
    """The t statistic of a mean, and what its p values and intervals are computed from."""

    mean: float
    standard_error: float
    t: float
    """Infinite where all values are the same and their mean is not the centre; NaN where it is the centre."""
    degrees: float
    """Degrees of freedom."""

    @property
    def p(self) -> float:
        """The two-sided p value."""
        return float(2 * _below(-abs(self.t), self.degrees))

    @property
    def p_greater(self) -> float:
        """The p value of the hypothesis that the mean is the centre or less."""
        return _below(-self.t, self.degrees)

    @property
    def p_less(self) -> float:
        """The p value of the hypothesis that the mean is the centre or more."""
        return _below(self.t, self.degrees)

    def about(self, centre: float) -> StudentTest:
        """Return the test of the same mean against another centre."""
        return replace(self, t=_divided(self.mean - centre, self.standard_error))

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """Return the interval of the mean."""
        from scipy import special

        tail = (1 - confidence) / 2
        low, high = special.stdtrit(float(self.degrees), np.array([tail, 1 - tail]))
        return Interval(*(float(end * self.standard_error + self.mean) for end in (low, high)))


def student_test(values: np.ndarray, centre: float = 0.0) -> StudentTest:
    """Test whether the mean of values is a given number: t = (mean - centre) sqrt(U) / s.

    Values 1 to 5 have the mean 3 and the standard error sqrt(1/2):

    >>> test = student_test(np.arange(1.0, 6.0))
    >>> test.mean, round(test.t, 6) == round(3 * 2**0.5, 6), test.degrees
    (3.0, True, 4)

    Args:
        values: float64 [U], at least 2.
        centre: the mean under the hypothesis.
    """
    n = len(values)
    mean = np.mean(values)
    deviation = values - mean
    variance = np.mean(deviation**2) * (n / (n - 1))
    error = np.sqrt(variance / n)
    return StudentTest(float(mean), float(error), _divided(mean - centre, error), n - 1)


def mean_test_of(mean: float, standard_error: float, degrees: float) -> StudentTest:
    """Return the test of a mean against 0, from its standard error and the degrees of freedom of that."""
    return StudentTest(mean, standard_error, _divided(mean, standard_error), degrees)


def _divided(distance: float, error: float) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(distance, error))


def _below(t: float, degrees: float) -> float:
    """Return how likely Student's distribution is at or below t."""
    from scipy import special

    return float(special.stdtr(float(degrees), t))
