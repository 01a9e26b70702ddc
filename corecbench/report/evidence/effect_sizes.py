"""The size of the difference between two rows, the users it concerns, and its uncertainty. U users, S seeds."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from corecbench.stats.bootstrap import bootstrap_interval
from corecbench.stats.components import VarianceShares, variance_components
from corecbench.stats.differences import paired_differences
from corecbench.stats.effect import Shares, cohens_dz, shares
from corecbench.stats.equivalence import Equivalence, tost
from corecbench.stats.intervals import Interval
from corecbench.stats.mean import mean_test
from corecbench.stats.power import (
    minimum_detectable_effect,
    seeds_needed,
    users_needed,
    users_needed_with_seeds,
)
from corecbench.stats.relative import ChangeSet, bootstrap_change, fieller, relative_change

SMALLEST_EFFECT = 1e-6
"""An effect below this, in standard deviations of the differences, may be a rounding error."""


@dataclass(frozen=True)
class OverSeeds:
    """The effect sizes that need several seeds."""

    variance: VarianceShares | None
    """The shares of the variance of the difference of one user under one seed; None if nothing varies."""
    needed: int | None = None
    """The number of seeds that find the observed difference with 80 % power; None where more seeds do not help."""


@dataclass(frozen=True)
class Needed:
    """The users and seeds that it takes to find a given change with 80 % power."""

    users: int | None
    """The number of users; None where more users do not help."""
    seeds: int | None
    """The number of seeds among as many users; None for one seed, and where more seeds do not help."""


@dataclass(frozen=True)
class Outlook:
    """What other users and seeds would show."""

    users_needed: int | None = None
    """The number of users with whom the observed difference is found; None if there is none or more do not help."""
    seeds: OverSeeds | None = None
    """The effect sizes over seeds; None also for one seed."""
    wanted: Needed | None = None
    """The users and seeds that find the given change; None also where no change was given, or the base is 0."""


@dataclass(frozen=True)
class EffectSizes:
    """The effect sizes of a difference between two rows.

    All but `change` and `shares` are None where fewer than 5 users differ or nothing varies: that says
    nothing about other users.
    """

    change: float | None
    """The difference relative to the base; None where that is 0."""
    shares: Shares
    interval: Interval | None = None
    """The interval of the mean difference at 95 %."""
    changes: ChangeSet | None = None
    """The relative changes that agree with the data at 95 %."""
    dz: float | None = None
    """Cohen's d_z."""
    detectable: float | None = None
    """The smallest true difference that the test at .05 finds with as many users and seeds, with 80 % power."""
    equivalence: Equivalence | None = None
    """The test for equivalence; None also where the base is 0."""
    look_ahead: Callable[[], Outlook] = field(default=Outlook, repr=False, compare=False)
    """Returns the outlook, which takes as long as all the rest and is computed when it is first asked for."""

    @property
    def users_needed(self) -> int | None:
        """Return the users that the outlook says are needed."""
        return self.look_ahead().users_needed

    @property
    def seeds(self) -> OverSeeds | None:
        """Return what the outlook says over seeds."""
        return self.look_ahead().seeds

    @property
    def wanted(self) -> Needed | None:
        """Return the users and seeds that the outlook says find the given change."""
        return self.look_ahead().wanted


def measure(
    values: Callable[[], tuple[np.ndarray, np.ndarray]],
    margin: float,
    higher_is_better: bool = True,
    find: float | None = None,
    resampled: bool = False,
    with_seeds: bool = False,
) -> EffectSizes:
    """Return the effect sizes of one row against another.

    Args:
        values: returns a metric of both, float64 [U, S] each, of the same users and seeds in the same order. It is
            called again for the outlook, so that no copy of the values is kept.
        margin: the margin of equivalence, as a share of the mean of base.
        higher_is_better: whether a user with a higher value is better off.
        find: a change, as a share of the mean of base, for which users and seeds are wanted.
        resampled: whether intervals are BCa intervals of the bootstrap, or else of the t distribution.
        with_seeds: whether intervals, equivalence and power are for other users and seeds, or else for other users,
            each first averaged over seeds.

    Raises:
        DataError: values are missing or not finite, or there are fewer than 2 users.
    """
    own, base = values()
    averaged = own.mean(axis=1), base.mean(axis=1)
    tested: tuple[np.ndarray, np.ndarray] = (own, base) if with_seeds else averaged
    change = relative_change(*averaged)
    user_shares = shares(*(averaged if higher_is_better else reversed(averaged)))
    test = mean_test(*tested)
    if test is None:
        return EffectSizes(change, user_shares)
    difference = paired_differences(*averaged)
    mean, sd = float(difference.mean()), float(difference.std(ddof=1))
    base_mean = float(abs(averaged[1].mean()))

    @functools.cache
    def look_ahead() -> Outlook:
        own, base = values()
        is_seen = abs(mean) > SMALLEST_EFFECT * sd
        return Outlook(
            users_needed=_users_needed(mean, sd, own - base, with_seeds) if is_seen else None,
            seeds=_over_seeds(own - base, is_seen) if own.shape[1] > 1 else None,
            wanted=_needed(find * base_mean, sd, own - base, with_seeds) if find and base_mean else None,
        )

    return EffectSizes(
        change,
        user_shares,
        interval=bootstrap_interval(*averaged) if resampled else Interval(*test.interval(0.95)),
        changes=_resampled_changes(*averaged) if resampled else fieller(*tested),
        dz=cohens_dz(*averaged),
        detectable=minimum_detectable_effect(test.standard_error, test.degrees),
        equivalence=tost(*tested, margin * base_mean) if base_mean else None,
        look_ahead=look_ahead,
    )


def _resampled_changes(own: np.ndarray, base: np.ndarray) -> ChangeSet:
    ends = bootstrap_change(own, base)
    return ChangeSet("all", -np.inf, np.inf) if ends is None else ChangeSet("interval", *ends)


def _over_seeds(difference: np.ndarray, is_seen: bool) -> OverSeeds:
    components = variance_components(difference)
    needed = seeds_needed(components.mean, components, len(difference)) if is_seen else None
    return OverSeeds(components.shares, needed)


def _users_needed(effect: float, sd: float, difference: np.ndarray, with_seeds: bool) -> int | None:
    if with_seeds:
        return users_needed_with_seeds(effect, variance_components(difference), difference.shape[1])
    return users_needed(effect, sd)


def _needed(effect: float, sd: float, difference: np.ndarray, with_seeds: bool) -> Needed:
    """Return what it takes to find an effect, from the differences [U, S] and the deviation of their means."""
    n_users, n_seeds = difference.shape
    seeds = seeds_needed(effect, variance_components(difference), n_users) if n_seeds > 1 else None
    return Needed(_users_needed(effect, sd, difference, with_seeds), seeds)
