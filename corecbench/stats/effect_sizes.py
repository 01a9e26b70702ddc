"""The size of the difference between two rows, the users it concerns, and its uncertainty. U users, S seeds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from corecbench.api import UsageError
from corecbench.stats.bootstrap import bootstrap_interval
from corecbench.stats.components import Components, Parts, mean_test, variance_components
from corecbench.stats.differences import Shares, cohens_dz, mean_of_seeds, paired_differences, shares
from corecbench.stats.equivalence import Equivalence, tost
from corecbench.stats.paired import USERS_AND_SEEDS, PairedTest, paired_test
from corecbench.stats.power import (
    minimum_detectable_effect,
    seeds_needed,
    users_needed,
    users_needed_with_seeds,
)
from corecbench.stats.relative import ChangeSet, bootstrap_change, fieller, relative_change

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench.stats.student import Interval, StudentTest

SMALLEST_EFFECT = 1e-6
"""An effect below this, in standard deviations of the differences, may be a rounding error."""


@dataclass(frozen=True)
class Method:
    """How rows are compared."""

    test: str = USERS_AND_SEEDS
    """The method of `paired_test`."""
    correction: str = "holm"
    """The method of `adjust`, which is applied within each family of tests."""
    margin: float = 0.05
    """The margin of equivalence, as a share of the mean of the row compared with."""
    find: float | None = None
    """A change, as such a share. The table states how many users and seeds it takes to find it."""

    def __post_init__(self) -> None:
        for setting, share in (("margin", self.margin), ("change to find", self.find)):
            if share is not None and not 0 < share < float("inf"):
                raise UsageError(
                    f"a {setting} is a share above 0 of the mean compared with, such as 0.05; got {share}"
                )

    @property
    def speaks_of_methods(self) -> bool:
        """Whether what is found should hold for other seeds, too."""
        return self.test == USERS_AND_SEEDS

    @property
    def is_resampled(self) -> bool:
        """Whether intervals come from the bootstrap."""
        return self.test == "bootstrap"


@dataclass(frozen=True, eq=False)
class EffectSizes:
    """The effect sizes of one row against another, each computed when it is first asked for.

    All but `change` and `shares` are None where fewer than 5 users differ or nothing varies: that says nothing
    about other users.
    """

    values: Callable[[], tuple[np.ndarray, np.ndarray]]
    """Returns a metric of both, float64 [U, S] each, of the same users and seeds in the same order. It is called
    again and again, so that no copy of the values is kept."""
    method: Method
    higher_is_better: bool = True
    """Whether a user with a higher value is better off."""
    with_seeds: bool = False
    """Whether test, intervals, equivalence and power are for other users and seeds, or else for other users, each
    first averaged over seeds."""

    def _averaged(self) -> tuple[np.ndarray, np.ndarray]:
        own, base = self.values()
        return mean_of_seeds(own), mean_of_seeds(base)

    def _tested(self) -> tuple[np.ndarray, np.ndarray]:
        return self.values() if self.with_seeds else self._averaged()

    @cached_property
    def test(self) -> PairedTest:
        """The paired test."""
        return paired_test(*self._tested(), self.method.test)

    @cached_property
    def _test(self) -> StudentTest | None:
        return mean_test(*self._tested())

    @cached_property
    def _base_mean(self) -> float:
        return float(abs(self._averaged()[1].mean()))

    @cached_property
    def change(self) -> float | None:
        """The difference relative to the base; None where that is 0."""
        return relative_change(*self._averaged())

    @cached_property
    def shares(self) -> Shares:
        """The shares of the users who are better off, worse off, and neither."""
        own, base = self._averaged()
        return shares(own, base) if self.higher_is_better else shares(base, own)

    @cached_property
    def interval(self) -> Interval | None:
        """The interval of the mean difference at 95 %."""
        if self._test is None:
            return None
        return bootstrap_interval(*self._averaged()) if self.method.is_resampled else self._test.interval()

    @cached_property
    def changes(self) -> ChangeSet | None:
        """The relative changes that agree with the data at 95 %."""
        if self._test is None:
            return None
        if not self.method.is_resampled:
            return fieller(*self._tested())
        ends = bootstrap_change(*self._averaged())
        return ChangeSet("all", -np.inf, np.inf) if ends is None else ChangeSet("interval", *ends)

    @property
    def change_ends(self) -> tuple[float, float] | None:
        """The lower and the upper end of `changes`; None where there is no interval, or one without an end."""
        changes = self.changes
        return (changes.low, changes.high) if changes is not None and changes.bounded else None

    @cached_property
    def dz(self) -> float | None:
        """Cohen's d_z."""
        return None if self._test is None else cohens_dz(*self._averaged())

    @cached_property
    def detectable(self) -> float | None:
        """The smallest true difference that the test at .05 finds with as many users and seeds, with 80 % power."""
        test = self._test
        return None if test is None else minimum_detectable_effect(test.standard_error, test.degrees)

    @cached_property
    def equivalence(self) -> Equivalence | None:
        """The test for equivalence; None also where the base is 0."""
        if self._test is None or not self._base_mean:
            return None
        return tost(*self._tested(), self.method.margin * self._base_mean)

    # --- what other users and seeds would show ------------------------------------------------------------------

    @cached_property
    def _spread(self) -> tuple[float, float]:
        """The mean of the users' differences, and their standard deviation."""
        difference = paired_differences(*self._averaged())
        return float(difference.mean()), float(difference.std(ddof=1))

    @cached_property
    def _components(self) -> Components | None:
        """The variances of users and seeds; None for one seed."""
        own, base = self.values()
        return variance_components(own - base) if own.shape[1] > 1 else None

    def _users_for(self, effect: float | None) -> int | None:
        if not effect:
            return None
        if self.with_seeds and self._components is not None:
            return users_needed_with_seeds(effect, self._components, self._components.n_seeds)
        return users_needed(effect, self._spread[1])

    @property
    def _seen(self) -> float | None:
        """The observed difference; None where nothing varies or it may be a rounding error."""
        if self._test is None:
            return None
        mean, deviation = self._spread
        return mean if abs(mean) > SMALLEST_EFFECT * deviation else None

    @cached_property
    def users_needed(self) -> int | None:
        """The number of users with whom the observed difference is found; None if none helps."""
        return self._users_for(self._seen)

    @cached_property
    def variance(self) -> Parts | None:
        """The shares of the variance of the difference of one user under one seed; None also for one seed."""
        return None if self._test is None or self._components is None else self._components.shares

    @cached_property
    def seeds_needed(self) -> int | None:
        """The number of seeds that find the observed difference with 80 % power; None where more do not help."""
        return self._seeds_for(self._seen)

    def _seeds_for(self, effect: float | None) -> int | None:
        parts = self._components
        return seeds_needed(effect, parts, parts.n_users) if effect and parts else None

    @property
    def _wanted(self) -> float | None:
        """The difference of the given change; None where none was given, the base is 0, or nothing varies."""
        if self._test is None or not self.method.find or not self._base_mean:
            return None
        return self.method.find * self._base_mean

    @cached_property
    def users_wanted(self) -> int | None:
        """The number of users with whom the given change is found; None where more do not help."""
        return self._users_for(self._wanted)

    @cached_property
    def seeds_wanted(self) -> int | None:
        """The number of seeds, of as many users, with which the given change is found; None for one seed, too."""
        return self._seeds_for(self._wanted)
