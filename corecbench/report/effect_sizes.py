"""The size of the difference between two rows, the users it concerns, and its uncertainty. U users, S seeds."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from corecbench.stats.bootstrap import bootstrap_interval
from corecbench.stats.components import VarianceShares, mixed_interval, variance_components
from corecbench.stats.differences import paired_differences
from corecbench.stats.effect import Shares, cohens_dz, shares
from corecbench.stats.equivalence import Equivalence, tost
from corecbench.stats.intervals import Interval, paired_interval
from corecbench.stats.power import minimum_detectable_effect, seeds_needed, users_needed
from corecbench.stats.relative import ChangeSet, bootstrap_change, fieller, relative_change

SMALLEST_EFFECT = 1e-6
"""An effect below this, in standard deviations of the differences, may be a rounding error."""


@dataclass(frozen=True)
class OverSeeds:
    """The effect sizes that need several seeds."""

    variance: VarianceShares | None
    """The shares of the variance of the difference of one user under one seed; None if nothing varies."""
    interval: Interval | None = None
    """The interval of the mean difference for other users *and* seeds, at 95 %."""
    needed: int | None = None
    """The number of seeds that find the observed difference with 80 % power; None where more seeds do not help."""


@dataclass(frozen=True)
class Needed:
    """The users and seeds that it takes to find a given change with 80 % power."""

    users: int
    seeds: int | None
    """The number of seeds among as many users; None for one seed, and where more seeds do not help."""


@dataclass(frozen=True)
class Outlook:
    """What other users and seeds would show."""

    users_needed: int | None = None
    """The number of users with whom a t test finds the observed difference; None if there is none."""
    seeds: OverSeeds | None = None
    """The effect sizes over seeds; None also for one seed."""
    wanted: Needed | None = None
    """The users and seeds that find the given change; None also where no change was given, or the base is 0."""


@dataclass(frozen=True)
class EffectSizes:
    """The effect sizes of a difference between two rows.

    All but `change` and `shares` are None where fewer than 5 users differ or all differ by the same: their spread
    says nothing about other users.
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
    """The smallest true difference that a t test at .05 over as many users finds with 80 % power."""
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
) -> EffectSizes:
    """Return the effect sizes of one row against another, each user first averaged over seeds.

    Args:
        values: returns a metric of both, float64 [U, S] each, of the same users and seeds in the same order. It is
            called again for the outlook, so that no copy of the values is kept.
        margin: the margin of equivalence, as a share of the mean of base.
        higher_is_better: whether a user with a higher value is better off.
        find: a change, as a share of the mean of base, for which users and seeds are wanted.
        resampled: whether intervals are BCa intervals of the bootstrap, or else of the t distribution.

    Raises:
        DataError: values are missing or not finite, or there are fewer than 2 users.
    """
    own, base = values()
    averaged = own.mean(axis=1), base.mean(axis=1)
    change = relative_change(*averaged)
    user_shares = shares(*(averaged if higher_is_better else reversed(averaged)))
    interval = (bootstrap_interval if resampled else paired_interval)(*averaged)
    if interval is None:
        return EffectSizes(change, user_shares)
    difference = paired_differences(*averaged)
    mean, sd = float(difference.mean()), float(difference.std(ddof=1))
    base_mean = float(abs(averaged[1].mean()))

    @functools.cache
    def look_ahead() -> Outlook:
        own, base = values()
        is_seen = abs(mean) > SMALLEST_EFFECT * sd
        return Outlook(
            users_needed=users_needed(mean, sd) if is_seen else None,
            seeds=_over_seeds(own - base, is_seen) if own.shape[1] > 1 else None,
            wanted=_needed(find * base_mean, sd, own - base) if find and base_mean else None,
        )

    return EffectSizes(
        change,
        user_shares,
        interval=interval,
        changes=_resampled_changes(*averaged) if resampled else fieller(*averaged),
        dz=cohens_dz(*averaged),
        detectable=minimum_detectable_effect(sd, len(own)),
        equivalence=tost(*averaged, margin * base_mean) if base_mean else None,
        look_ahead=look_ahead,
    )


def _resampled_changes(own: np.ndarray, base: np.ndarray) -> ChangeSet:
    ends = bootstrap_change(own, base)
    return ChangeSet("all", -np.inf, np.inf) if ends is None else ChangeSet("interval", *ends)


def _over_seeds(difference: np.ndarray, is_seen: bool) -> OverSeeds:
    components = variance_components(difference)
    needed = seeds_needed(components.mean, components, len(difference)) if is_seen else None
    return OverSeeds(components.shares, mixed_interval(difference), needed)


def _needed(effect: float, sd: float, difference: np.ndarray) -> Needed:
    """Return what it takes to find an effect, from the differences [U, S] and the deviation of their means."""
    n_users, n_seeds = difference.shape
    seeds = seeds_needed(effect, variance_components(difference), n_users) if n_seeds > 1 else None
    return Needed(users_needed(effect, sd), seeds)
