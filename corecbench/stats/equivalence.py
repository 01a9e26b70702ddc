"""Whether two recommenders are alike up to a margin. U users."""

from dataclasses import dataclass

import numpy as np

from corecbench.api import UsageError
from corecbench.stats.differences import can_vary, paired_differences
from corecbench.stats.intervals import Interval
from corecbench.stats.student import student_test


@dataclass(frozen=True)
class Equivalence:
    """The outcome of a test for equivalence."""

    margin: float
    n: int
    """Number of users."""
    mean_difference: float
    """Mean over users of own - base."""
    p: float
    """The p value of the hypothesis that the means differ by the margin or more."""
    interval: Interval
    """The interval of the mean difference at 1 - 2 alpha. It lies within the margin where p is below alpha."""


def tost(own: np.ndarray, base: np.ndarray, margin: float, alpha: float = 0.05) -> Equivalence | None:
    """Test whether the means of two recommenders differ by less than a margin, by two one-sided paired t tests.

    That two models do not differ significantly does not make them alike. Here the hypothesis to reject is |mean| >=
    margin: with s the standard deviation of the differences and T Student's distribution with U - 1 degrees of
    freedom, p is the larger of P(T >= (mean + margin) sqrt(U) / s) and P(T <= (mean - margin) sqrt(U) / s)
    (Schuirmann, 1987, doi:10.1007/BF01068419; Lakens, 2017, doi:10.1177/1948550617697177). State the margin before
    looking at the results: the smallest difference that would matter.

    Differences 1 to 5 have the mean 3 and the standard error sqrt(1/2). With 4 degrees of freedom P(T <= -2 /
    sqrt(3)) is 5/32, so that is p for a margin 2 / sqrt(3) standard errors above the mean:

    >>> outcome = tost(np.arange(1.0, 6.0), np.zeros(5), 3 + 2 / 3**0.5 * 0.5**0.5)
    >>> round(outcome.p, 6) == round(5 / 32, 6)
    True

    Args:
        own: float64 [U], a metric per user.
        base: float64 [U], the same metric of the same users in the same order.
        margin: above 0, in units of the metric.
        alpha: the level that the interval belongs to, below 1/2.

    Returns:
        The outcome, or None where fewer than 5 users differ or all differ by the same: their standard deviation
        says nothing about other users.

    Raises:
        UsageError: the margin or alpha is not allowed.
        DataError: the values do not pair up or are not finite.
    """
    if not 0 < margin < np.inf:
        raise UsageError(f"an equivalence margin is above 0, got {margin}")
    if not 0 < alpha < 0.5:
        raise UsageError(f"alpha of an equivalence test lies between 0 and 1/2, got {alpha}")
    difference = paired_differences(own, base)
    if not can_vary(difference):
        return None
    above = student_test(difference, -margin).p_greater
    below = student_test(difference, margin).p_less
    interval = Interval(*student_test(difference).interval(1 - 2 * alpha))
    return Equivalence(margin, len(difference), float(difference.mean()), max(above, below), interval)
