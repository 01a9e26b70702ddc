"""Whether two recommenders are alike up to a margin. U users, S seeds."""

from typing import NamedTuple

import numpy as np

from corecbench.api import UsageError
from corecbench.stats.components import mean_test
from corecbench.stats.student import Interval

ALPHA = 0.05


class Equivalence(NamedTuple):
    """The outcome of a test for equivalence."""

    p: float
    """The p value of the hypothesis that the means differ by the margin or more."""
    interval: Interval
    """The interval of the mean difference at 90 %. It lies within the margin where p is below .05."""


def tost(own: np.ndarray, base: np.ndarray, margin: float) -> Equivalence | None:
    """Test whether the means of two recommenders differ by less than a margin, by two one-sided t tests.

    That two models do not differ significantly does not make them alike. Here the hypothesis to reject is |mean| >=
    margin: with s the standard deviation of the differences and T Student's distribution with U - 1 degrees of
    freedom, p is the larger of P(T >= (mean + margin) sqrt(U) / s) and P(T <= (mean - margin) sqrt(U) / s)
    (Schuirmann, 1987, doi:10.1007/BF01068419; Lakens, 2017, doi:10.1177/1948550617697177). State the margin before
    looking at the results: the smallest difference that would matter. For values [U, S], standard error and degrees
    of freedom are those over users and seeds, as in `mean_test`.

    Differences 1 to 5 have the mean 3 and the standard error sqrt(1/2). With 4 degrees of freedom P(T <= -2 /
    sqrt(3)) is 5/32, so that is p for a margin 2 / sqrt(3) standard errors above the mean:

    >>> outcome = tost(np.arange(1.0, 6.0), np.zeros(5), 3 + 2 / 3**0.5 * 0.5**0.5)
    >>> round(outcome.p, 6) == round(5 / 32, 6)
    True

    Args:
        own: float64 [U] or [U, S], a metric per user, or per user and seed.
        base: the same metric of the same users and seeds in the same order.
        margin: above 0, in units of the metric.

    Returns:
        The outcome, or None where fewer than 5 users differ or nothing varies: that says nothing about other users.

    Raises:
        UsageError: the margin is not above 0 and finite.
        DataError: the values do not pair up or are not finite.
    """
    if not 0 < margin < np.inf:
        raise UsageError(f"an equivalence margin is above 0, got {margin}")
    test = mean_test(own, base)
    if test is None:
        return None
    p = max(test.about(-margin).p_greater, test.about(margin).p_less)
    return Equivalence(p, test.interval(1 - 2 * ALPHA))
