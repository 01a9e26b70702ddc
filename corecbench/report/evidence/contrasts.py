"""One row minus another one: its test, the family of tests that it is in, and how large it is. U users, S seeds."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np

from corecbench.report.evidence.rows import AT_LIMIT, Row
from corecbench.report.evidence.users import EVERYONE, UserGroup
from corecbench.stats.correction import adjust
from corecbench.stats.differences import clustered, mean_of_seeds
from corecbench.stats.effect_sizes import EffectSizes
from corecbench.stats.effect_sizes import Method as Method

if TYPE_CHECKING:
    from corecbench.results.rows import RowKey
    from corecbench.stats.paired import PairedTest

ALPHA = 0.05
FEWEST_USERS = 2
FEWEST_SEEDS = 3
"""With fewer seeds nothing is said of methods: the variance between two seeds is hardly known."""
FEWEST_DATASETS, FEWEST_ROWS = 2, 3
"""The fewest data sets and rows whose average ranks are tested."""
Place = TypeVar("Place", bound=Hashable)
Family = Literal["row", "ablation", "control"]
"""A family of tests, each of which asks one question: does it help, which part does, and does anything else."""


Verdict = Literal["gain", "loss", "nothing", "open", "few seeds"]
"""What is found: a gain or loss, nothing beyond the margin, or none of it; "few seeds" say nothing of methods."""


STANDARD = Method()


@dataclass(frozen=True)
class Contrast:
    """A row minus another one on a group of users, over the seeds that both have.

    What takes long is computed when it is first asked for.
    """

    row: RowKey
    other: RowKey
    group: UserGroup
    seeds: tuple[int, ...]
    n_users: int
    """The number of users in the group under any of the seeds."""
    own: float
    """Mean over users of the metric, each user first averaged over the seeds."""
    base: float
    """The same mean of the row compared with, or of the one that changes are said of: `own` is then as far from it
    as the two rows are from each other."""
    change: float | None
    """The difference relative to `base`; None where that is 0."""
    family: Family
    """The family of tests that it belongs to."""
    lacks_seeds: bool
    """Whether too few seeds were trained to speak of methods: p then holds for these trained models."""
    means: tuple[float, float]
    """The means of the row and of the one compared with."""
    sizes: EffectSizes = field(repr=False, compare=False)
    """The test and the size of the difference, the users it concerns, and its uncertainty."""
    adjusted: tuple[FamilyOfTests, Hashable] | None = field(default=None, repr=False, compare=False)
    """All tests of the family, and the place of this one among them; None before the family is known."""

    @property
    def test(self) -> PairedTest:
        return self.sizes.test

    @property
    def detectable_change(self) -> float | None:
        least = self.sizes.detectable
        return least / abs(self.base) if least is not None and self.base else None

    @property
    def p_adjusted(self) -> float:
        return self.adjusted[0].p[self.adjusted[1]] if self.adjusted else self.test.p

    @property
    def p_equivalence(self) -> float | None:
        return self.adjusted[0].equivalence.get(self.adjusted[1]) if self.adjusted else None

    @property
    def is_significant(self) -> bool:
        return self.p_adjusted < ALPHA and not self.lacks_seeds

    @property
    def verdict(self) -> Verdict:
        if self.lacks_seeds:
            return "few seeds"
        if self.is_significant:
            return "gain" if (self.difference > 0) == self.sizes.higher_is_better else "loss"
        return "nothing" if self.p_equivalence is not None and self.p_equivalence < ALPHA else "open"

    @property
    def difference(self) -> float:
        return self.own - self.base


def why_untested(row: Row, solo: Row | None, metric: str) -> str | None:
    if solo is None:
        return "not compared: no solo row"
    if solo.at_limit:
        return f"not compared: its solo row was {AT_LIMIT}"
    return why_not(row, solo, metric, "its solo row")


def why_not(row: Row, base: Row, metric: str, base_name: str, group: UserGroup = EVERYONE) -> str | None:
    """Return why a row cannot be compared with another one, which a note calls by a name; None if it can."""
    if not common_seeds(row, base):
        return f"not compared: no seed that succeeded here and in {base_name}"
    if not row.has(metric):
        return f"not compared: no {metric} here"
    if not base.has(metric):
        return f"not compared: no {metric} in {base_name}"
    if (row if group is EVERYONE else group).n_users < FEWEST_USERS:
        return f"not compared: a paired test needs {FEWEST_USERS} users"
    return None


def common_seeds(row: Row, base: Row) -> tuple[int, ...]:
    if row.is_deterministic and row.values and base.values:
        return tuple(sorted(base.values))
    if base.is_deterministic and row.values and base.values:
        return tuple(sorted(row.values))
    return tuple(sorted(row.values.keys() & base.values.keys()))


def of_users(row: Row, metric: str, seeds: tuple[int, ...], group: UserGroup = EVERYONE) -> np.ndarray:
    """Return a metric of each user of a group under some seeds, float64 [U, S], with the mean of all their tests.

    Users who return in several windows are one observation each: what they do in one says something of the others.
    """
    values = group.within(row.per_seed(metric, seeds), seeds)
    if row.returning is None:
        return values
    users = np.repeat(row.returning[:, None].astype(np.float64), len(seeds), axis=1)
    return clustered(values, group.within(users, seeds)[:, 0])


@dataclass(frozen=True)
class Yardstick:
    """By what all contrasts of a benchmark are made."""

    metric: str
    higher_is_better: bool = True
    method: Method = STANDARD

    def contrast(
        self,
        row: Row,
        other: Row,
        family: Family = "row",
        group: UserGroup = EVERYONE,
        unit: Row | None = None,
        seeds: tuple[int, ...] | None = None,
    ) -> Contrast:
        """Return a row minus another one that `why_not` has no reason not to compare; p is not adjusted yet.

        Changes are relative to `unit`, or to `other` without one. The seeds are those that both have, unless some
        of them are given.
        """
        within = group.seeds_within(common_seeds(row, other) if seeds is None else seeds)
        method = self.method

        def values_of(each: Row) -> np.ndarray:
            return of_users(each, self.metric, within, group)  # [U, S]

        def values() -> tuple[np.ndarray, np.ndarray]:
            own, base = values_of(row), values_of(other)
            if unit is None:
                return own, base
            of_unit = values_of(unit)
            return of_unit + own - base, of_unit

        own, base = values()
        with_seeds = method.speaks_of_methods and own.shape[1] >= FEWEST_SEEDS
        means = float(mean_of_seeds(own).mean()), float(mean_of_seeds(base).mean())
        sizes = EffectSizes(values, method, self.higher_is_better, with_seeds)
        can_vary_with_seed = not (row.is_deterministic and other.is_deterministic)
        return Contrast(
            row=row.key,
            other=other.key,
            group=group,
            seeds=within,
            n_users=len(own),
            own=means[0],
            base=means[1],
            change=sizes.change,
            family=family,
            lacks_seeds=method.speaks_of_methods and can_vary_with_seed and not with_seeds,
            means=means if unit is None else (float(values_of(row).mean()), float(values_of(other).mean())),
            sizes=sizes,
        )


def adjust_families(contrasts: Mapping[Place, Contrast], method: Method) -> dict[Place, Contrast]:
    """Return contrasts with p adjusted over each of the families.

    Controls and ablations are asked other questions, whether a gain is one from knowledge, and from which part. In
    one family with the pairs, each of them that is added would make it harder for a pair to be found significant.
    """
    adjusted: dict[Place, Contrast] = {}
    for kind in get_args(Family):
        family = FamilyOfTests({place: each for place, each in contrasts.items() if each.family == kind}, method)
        adjusted |= {place: replace(each, adjusted=(family, place)) for place, each in family.contrasts.items()}
    return {place: adjusted[place] for place in contrasts}


@dataclass(frozen=True, eq=False)
class FamilyOfTests:
    """The p values of a family of tests, adjusted when they are first asked for."""

    contrasts: Mapping[Any, Contrast]
    method: Method

    @functools.cached_property
    def p(self) -> Mapping[Hashable, float]:
        return self._adjusted({place: each.test.p for place, each in self.contrasts.items()})

    @functools.cached_property
    def equivalence(self) -> Mapping[Hashable, float]:
        found = {place: each.sizes.equivalence for place, each in self.contrasts.items()}
        return self._adjusted({place: outcome.p for place, outcome in found.items() if outcome})

    def _adjusted(self, p: Mapping[Hashable, float]) -> Mapping[Hashable, float]:
        return dict(zip(p, adjust(list(p.values()), self.method.correction).tolist(), strict=True))
