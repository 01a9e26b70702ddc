"""The power of a paired comparison: the effects it finds, and the users and seeds it takes.

All is about two-sided t tests at .05 that find an effect with 80 % power. Effects and standard deviations are in
units of the metric; the mean difference of the other tests needs about as many users (their power on sparse metrics
is close to that of the t test). U users, S seeds.
"""

import functools
import math
from collections.abc import Callable
from statistics import NormalDist

from corecbench.api import DataError, UsageError
from corecbench.stats.components import Components, Uncertainty, uncertainty

ALPHA, POWER = 0.05, 0.8
MOST_SEEDS = 10_000
MOST_USERS = 10**9


def paired_power(effect: float, sd: float, n_users: int) -> float:
    """Return how likely a paired t test finds a true mean difference.

    It is P(|T| > t) for T of the noncentral t distribution with U - 1 degrees of freedom and noncentrality effect
    sqrt(U) / sd, and t the .975 quantile of the central one (Cohen, 1988, Statistical Power Analysis for the
    Behavioral Sciences). Without an effect that is the level:

    >>> round(paired_power(0.0, 1.0, 30), 6)
    0.05

    Raises:
        UsageError: the deviation is below 0 or not finite.
        DataError: there are fewer than 2 users.
    """
    _check(sd, n_users=n_users)
    if sd == 0:
        return 1.0 if effect else ALPHA
    return _power(effect / sd * n_users**0.5, n_users - 1)


def minimum_detectable_effect(standard_error: float, degrees: float) -> float:
    """Return the smallest true mean difference that a t test finds; state it where no difference was found.

    With many degrees of freedom it is nearly z_.975 + z_.8 = 2.8 standard errors; with the 2 of three seeds that
    vary much more than users it is 5.7:

    >>> round(minimum_detectable_effect(1.0, 10_000), 1), round(minimum_detectable_effect(1.0, 2), 1)
    (2.8, 5.7)

    Args:
        standard_error: that of the mean difference.
        degrees: its degrees of freedom, as `mean_test` gives them.

    Raises:
        UsageError: the standard error is below 0 or not finite.
    """
    _check(standard_error)
    return float(_detectable_shift(degrees) * standard_error)


def users_needed(effect: float, sd: float) -> int:
    """Return the smallest number of users with whom a paired t test finds a true mean difference.

    An effect of half a standard deviation takes 34 users (Cohen, 1988):

    >>> users_needed(0.5, 1.0)
    34

    Raises:
        UsageError: a number is not allowed.
    """
    _check(sd, effect)
    normal = NormalDist().inv_cdf(1 - ALPHA / 2) + NormalDist().inv_cdf(POWER)  # how far T must be shifted, nearly
    near = (normal * sd / effect) ** 2
    return _smallest(lambda n_users: paired_power(effect, sd, n_users) >= POWER, math.ceil(near))


def users_needed_with_seeds(effect: float, components: Components, n_seeds: int) -> int | None:
    """Return the smallest number of users with whom a difference is found over users and seeds, as `seeds_needed`.

    More users help only against the variance between users and the residual. Where all seeds tell the same, this is
    a t test over users:

    >>> users_needed_with_seeds(0.5, Components(0.0, user=1.0, seed=0.0, residual=0.0, n_users=9, n_seeds=3), 3)
    34

    Args:
        effect: the mean difference, not 0.
        components: the variances, estimated from earlier runs.
        n_seeds: S.

    Returns:
        U, or None where no number of users up to a billion is enough: it takes more seeds.

    Raises:
        UsageError: the effect is 0 or not finite.
        DataError: there are fewer than 2 seeds.
    """
    _check(0.0, effect)
    return _smallest_up_to(lambda n_users: _is_found(effect, uncertainty(components, n_users, n_seeds)), MOST_USERS)


def seeds_needed(effect: float, components: Components, n_users: int) -> int | None:
    """Return the smallest number of seeds with which a true mean difference is found, seeds and users both random.

    The test is that of `mixed_test`: a t test of the mean over users and seeds with the standard error
    sqrt(user / U + seed / S + residual / (U S)) and Satterthwaite's degrees of freedom. More seeds help only
    against the last two terms.

    Seeds alone vary, so all users tell the same; this is a t test over seeds:

    >>> seeds_needed(0.5, Components(0.0, user=0.0, seed=1.0, residual=0.0, n_users=9, n_seeds=3), 100)
    34

    Args:
        effect: the mean difference, not 0.
        components: the variances, estimated from earlier runs.
        n_users: U.

    Returns:
        S, at least 2, or None where not even 10,000 seeds are enough: it takes more users.

    Raises:
        UsageError: the effect is 0 or not finite.
        DataError: there are fewer than 2 users.
    """
    _check(0.0, effect, n_users)
    return _smallest_up_to(lambda n_seeds: _is_found(effect, uncertainty(components, n_users, n_seeds)), MOST_SEEDS)


def _is_found(effect: float, of_mean: Uncertainty) -> bool:
    """Return whether a test with such an uncertainty finds an effect."""
    error, degrees = of_mean
    return not error or _power(effect / error, degrees) >= POWER


def _power(shift: float, degrees: float) -> float:
    """Return how likely |T| exceeds its critical value when T is shifted by so many standard errors."""
    from scipy import stats

    critical = _critical(degrees)
    # by symmetry, and so never the far tail of a large noncentrality
    return float(stats.nct.sf(critical, degrees, abs(shift)) + stats.nct.sf(critical, degrees, -abs(shift)))


@functools.lru_cache(maxsize=1024)
def _critical(degrees: float) -> float:
    """Return what |T| exceeds with probability ALPHA, without a shift."""
    from scipy import stats

    return float(stats.t.ppf(1 - ALPHA / 2, degrees))


@functools.lru_cache(maxsize=1024)
def _detectable_shift(degrees: float) -> float:
    """Return by how many standard errors T must be shifted to be found."""
    from scipy import optimize

    high = 1.0
    while _power(high, degrees) < POWER:
        high *= 2
    return float(optimize.brentq(lambda shift: _power(shift, degrees) - POWER, 0.0, high, xtol=1e-12))


def _smallest(enough: Callable[[int], bool], near: int = 2) -> int:
    """Return the smallest number from 2 on that is enough, if all larger ones are.

    The search takes fewest steps if it begins near.

    >>> [_smallest(lambda number: number >= 77, near) for near in (2, 76, 77, 1000)]
    [77, 77, 77, 77]
    """
    low = high = max(near, 2)
    step = 1
    while not enough(high):
        low, high, step = high, high + step, 2 * step
    if low == high:  # all below may be enough
        while low > 1 and enough(low):
            low, high, step = max(low - step, 1), low, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _smallest_up_to(enough: Callable[[int], bool], most: int) -> int | None:
    """Return the smallest number from 2 on that is enough; None if none of 2, 4, 8 and so on up to `most` is.

    >>> _smallest_up_to(lambda number: number >= 77, 100), _smallest_up_to(lambda number: number >= 77, 76)
    (77, None)
    """
    high = 2
    while not enough(high):
        if high >= most:
            return None
        high = min(2 * high, most)
    return _smallest(enough, high)


def _check(sd: float, effect: float = 1.0, n_users: int = 2) -> None:
    if not 0 <= sd < float("inf"):
        raise UsageError(f"a standard deviation is at least 0 and finite, got {sd}")
    if not (effect and abs(effect) < float("inf")):
        raise UsageError(f"an effect to find is finite and not 0, got {effect}")
    if n_users < 2:
        raise DataError(f"a paired test needs at least 2 users, got {n_users}")
