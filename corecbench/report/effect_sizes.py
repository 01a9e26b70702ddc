"""How large the difference between two rows is, for whom, and how well it is known. U users, S seeds."""

from dataclasses import dataclass

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
"""In standard deviations of the differences; what is smaller may be rounding, and takes more users than exist."""


@dataclass(frozen=True)
class OverSeeds:
    """What several seeds tell."""

    variance: VarianceShares | None
    """Of the difference of one user under one seed; None if nothing varies."""
    interval: Interval | None = None
    """Of the mean difference for other users *and* seeds, at 95 %."""
    needed: int | None = None
    """Seeds with which the observed difference is found with 80 % power; None where more seeds do not help."""


@dataclass(frozen=True)
class Needed:
    """What it takes to find a given change with 80 % power."""

    users: int
    seeds: int | None
    """Among as many users; None for one seed, and where more seeds do not help."""


@dataclass(frozen=True)
class EffectSizes:
    """Of a difference between two rows.

    All but `change` and `shares` are None where fewer than 5 users differ or all differ by the same: their spread
    says nothing about other users.
    """

    change: float | None
    """The difference relative to the base; None where that is 0."""
    shares: Shares
    interval: Interval | None = None
    """Of the mean difference, at 95 %."""
    changes: ChangeSet | None = None
    """Those that agree with the data at 95 %."""
    dz: float | None = None
    """Cohen's d_z."""
    detectable: float | None = None
    """The smallest true difference that a t test at .05 over as many users finds with 80 % power."""
    users_needed: int | None = None
    """With whom such a test finds the observed difference with that power; None where there is none."""
    equivalence: Equivalence | None = None
    """None also where the base is 0."""
    seeds: OverSeeds | None = None
    """None also for one seed."""
    wanted: Needed | None = None
    """To find the change that was given; None also where none was, or the base is 0."""


def measure(
    own: np.ndarray,
    base: np.ndarray,
    margin: float,
    higher_is_better: bool = True,
    find: float | None = None,
    resampled: bool = False,
) -> EffectSizes:
    """Return the effect sizes of own against base, each user first averaged over seeds.

    Args:
        own: float64 [U, S], a metric per user and seed.
        base: float64 [U, S], the same metric of the same users and seeds in the same order.
        margin: of equivalence, as a share of the mean of base.
        higher_is_better: which users are the better ones.
        find: a change, as a share of the mean of base, for which users and seeds are wanted.
        resampled: whether intervals are BCa ones from the bootstrap, else they are of the t distribution.

    Raises:
        DataError: values are missing or not finite, or there are fewer than 2 users.
    """
    averaged = own.mean(axis=1), base.mean(axis=1)
    change = relative_change(*averaged)
    of_users = shares(*(averaged if higher_is_better else reversed(averaged)))
    interval = (bootstrap_interval if resampled else paired_interval)(*averaged)
    if interval is None:
        return EffectSizes(change, of_users)
    difference = paired_differences(*averaged)
    mean, sd, of = float(difference.mean()), float(difference.std(ddof=1)), float(abs(averaged[1].mean()))
    is_seen = abs(mean) > SMALLEST_EFFECT * sd
    return EffectSizes(
        change,
        of_users,
        interval=interval,
        changes=_resampled_changes(*averaged) if resampled else fieller(*averaged),
        dz=cohens_dz(*averaged),
        detectable=minimum_detectable_effect(sd, len(own)),
        users_needed=users_needed(mean, sd) if is_seen else None,
        equivalence=tost(*averaged, margin * of) if of else None,
        seeds=_over_seeds(own - base, is_seen) if own.shape[1] > 1 else None,
        wanted=_needed(find * of, sd, own - base) if find and of else None,
    )


def _resampled_changes(own: np.ndarray, base: np.ndarray) -> ChangeSet:
    found = bootstrap_change(own, base)
    return ChangeSet("all", -np.inf, np.inf) if found is None else ChangeSet("interval", *found)


def _over_seeds(difference: np.ndarray, is_seen: bool) -> OverSeeds:
    components = variance_components(difference)
    needed = seeds_needed(components.mean, components, len(difference)) if is_seen else None
    return OverSeeds(components.shares, mixed_interval(difference), needed)


def _needed(effect: float, sd: float, difference: np.ndarray) -> Needed:
    """Return what it takes to find an effect, from the differences [U, S] and the deviation of their means."""
    n_users, n_seeds = difference.shape
    seeds = seeds_needed(effect, variance_components(difference), n_users) if n_seeds > 1 else None
    return Needed(users_needed(effect, sd), seeds)
