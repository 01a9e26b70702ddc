"""The relative change of a mean, with its uncertainty. U users, S seeds."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from corecbench.stats.bootstrap import RESAMPLES, bca, resampled_means
from corecbench.stats.components import mean_covariances, mean_test
from corecbench.stats.differences import can_vary, paired_differences
from corecbench.stats.student import CONFIDENCE, Interval


@dataclass(frozen=True)
class ChangeSet:
    """Which relative changes agree with the data, by Fieller's theorem."""

    shape: Literal["interval", "outside", "all"]
    """"interval": from low to high. "outside": up to low and from high on. "all": every change.

    The last two are no error: the base is then so close to 0 that a relative change means nothing."""
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        """Whether the set is an interval that ends on both sides."""
        return self.shape == "interval" and bool(np.isfinite([self.low, self.high]).all())


def relative_change(own: np.ndarray, base: np.ndarray) -> float | None:
    """Return the mean over users of own, divided by that of base, minus 1; None where the mean of base is 0.

    >>> relative_change(np.array([0.5, 1.0]), np.array([0.5, 0.5]))
    0.5

    Args:
        own: float64 [U], a metric per user.
        base: float64 [U], the same metric of the same users in the same order.

    Raises:
        DataError: the values do not pair up or are not finite.
    """
    paired_differences(own, base)
    mean = base.mean() if len(base) else 0.0
    return float(own.mean() / mean - 1) if mean else None


def fieller(own: np.ndarray, base: np.ndarray) -> ChangeSet | None:
    """Return the relative changes that a t test does not reject, over users or, for values [U, S], users and seeds.

    With y and x the means of own and base, a change r - 1 belongs to them if the mean of own - r base is no further
    from 0 than t standard errors: (y - r x)^2 <= t^2 (v_y - 2 r v_xy + r^2 v_x), with v the (co)variances divided
    by U and t the quantile with U - 1 degrees of freedom (Fieller, 1954, doi:10.1111/j.2517-6161.1954.tb00159.x).
    These lie between the roots of A r^2 - 2 B r + C, A = x^2 - t^2 v_x, B = x y - t^2 v_xy, C = y^2 - t^2 v_y, if A
    > 0: if the base differs significantly from 0. Otherwise they lie outside the roots, or there are none and no
    change is excluded. It excludes a change of 0 just where the test of the difference is significant.

    Over users and seeds the (co)variances are those of `mean_covariances`, with the degrees of freedom of the
    difference (Satterthwaite, 1946, doi:10.2307/3002019), as in `mean_test`. Fieller's theorem is about one mean
    square, not about a sum of several; our tests show by simulation that the set keeps its level.

    Where the base is 1 for everyone, the change is the difference. Differences 1 to 5 have the mean 3 and the
    standard error sqrt(1/2), and t is 2.776, so it lies between 3 -+ 2.776 sqrt(1/2):

    >>> change = fieller(np.arange(2.0, 7.0), np.ones(5))
    >>> change.shape, round(change.low, 3), round(change.high, 3)
    ('interval', 1.037, 4.963)

    Args:
        own: float64 [U] or [U, S], a metric per user, or per user and seed.
        base: the same metric of the same users and seeds in the same order.

    Returns:
        The set, or None where fewer than 5 users differ or nothing varies.

    Raises:
        DataError: the values do not pair up or are not finite.
    """
    from scipy import stats

    test = mean_test(own, base)
    if test is None:
        return None
    t_square = stats.t.ppf((1 + CONFIDENCE) / 2, test.degrees) ** 2
    (v_y, v_xy), (_, v_x) = np.cov(own, base) / len(own) if own.ndim == 1 else mean_covariances(own, base)
    y, x = own.mean(), base.mean()
    return _solve(x * x - t_square * v_x, x * y - t_square * v_xy, y * y - t_square * v_y)


def _solve(a: float, b: float, c: float) -> ChangeSet:
    """Return where a r^2 - 2 b r + c <= 0, as changes r - 1.

    >>> _solve(1.0, 2.0, 3.0)  # (r - 1) (r - 3)
    ChangeSet(shape='interval', low=0.0, high=2.0)
    >>> _solve(-1.0, -2.0, -3.0)
    ChangeSet(shape='outside', low=0.0, high=2.0)
    >>> _solve(0.0, 1.0, 2.0)  # r >= 1
    ChangeSet(shape='interval', low=0.0, high=inf)
    >>> _solve(0.0, 2.0, 4.0)  # r >= 0
    ChangeSet(shape='interval', low=0.0, high=inf)
    >>> _solve(-1.0, 0.0, -1.0)
    ChangeSet(shape='all', low=-inf, high=inf)
    """
    if a == 0 and b != 0:
        bound = float(c / (2 * b) - 1)
        return ChangeSet("interval", *((bound, np.inf) if b > 0 else (-np.inf, bound)))
    discriminant = b * b - a * c
    if a == 0 or (a < 0 and discriminant <= 0):
        return ChangeSet("all", -np.inf, np.inf)
    root = np.sqrt(max(discriminant, 0.0))  # below 0 by rounding only: own / base is always in the set
    low, high = sorted(((b - root) / a - 1, (b + root) / a - 1))
    return ChangeSet("interval" if a > 0 else "outside", float(low), float(high))


def bootstrap_change(
    own: np.ndarray, base: np.ndarray, n_resamples: int = RESAMPLES, seed: int = 0
) -> Interval | None:
    """Return the BCa bootstrap interval (`bca`) of the relative change of the mean.

    A resample takes both metrics of each drawn user, so the correlation between them stays.

    Args:
        own: float64 [U], a metric per user.
        base: float64 [U], the same metric of the same users in the same order.
        n_resamples: how many resamples of the users.
        seed: the seed of the resamples.

    Returns:
        The interval, or None where fewer than 5 users differ, all differ by the same, or the base of a resample is
        0, which has no relative change; `fieller` gives an answer then.

    Raises:
        DataError: the values do not pair up or are not finite.
    """
    if not can_vary(paired_differences(own, base)):
        return None
    means = resampled_means(own + 1j * base, n_resamples, seed)
    if (means.imag == 0).any() or base.mean() == 0:
        return None
    ratio = own.mean() / base.mean()
    # without a user of values y and x the ratio moves by (ratio x - y) / (sum of the other users' x)
    others = base.sum() - base
    if (others == 0).any():
        return None
    influence = (own - ratio * base) / others
    return bca(means.real / means.imag - 1, float(ratio - 1), influence)
