"""One row against another: its test, the family of tests that it is in, and how large it is. U users, S seeds."""

import functools
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar, get_args

import numpy as np

from corecbench.api import UsageError
from corecbench.report.effect_sizes import EffectSizes, measure
from corecbench.report.stored_rows import StoredRow
from corecbench.stats.correction import adjust
from corecbench.stats.paired import USERS_AND_SEEDS, PairedTest, paired_test
from corecbench.stats.relative import relative_change

ALPHA = 0.05
FEWEST_USERS = 2
FEWEST_SEEDS = 3
"""With fewer seeds nothing is said of methods: the variance between two seeds is hardly known."""
Place = TypeVar("Place", bound=Hashable)
Family = Literal["row", "ablation", "control"]
"""A family of tests, each of which asks one question: does it help, which part does, and does anything else."""


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

    def takes_seeds(self, values: np.ndarray) -> bool:
        """Return whether values [U, S] are tested over users and seeds, or else over users averaged over seeds."""
        return self.speaks_of_methods and values.shape[1] >= FEWEST_SEEDS

    def as_tested(self, own: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return two tables of values [U, S] as they are tested: whole, or averaged over seeds, [U]."""
        return (own, base) if self.takes_seeds(own) else (own.mean(axis=1), base.mean(axis=1))

    @property
    def is_resampled(self) -> bool:
        """Whether intervals come from the bootstrap."""
        return self.test == "bootstrap"


STANDARD = Method()


@dataclass(frozen=True)
class Comparison:
    """A row against another, over the seeds that both have."""

    own: float
    """Mean over users of the metric, each user first averaged over those seeds."""
    base: float
    """The same mean of the row that it is compared with."""
    seeds: tuple[int, ...]
    test: PairedTest
    change: float | None
    """The difference relative to the row compared with; None where the mean of that row is 0."""
    family: Family
    """The family of tests that it belongs to."""
    p_adjusted: float
    """The p value of the test, adjusted over its family. It is that of the test until it is adjusted."""
    measured: Callable[[], EffectSizes] = field(repr=False, compare=False)
    """Returns the effect sizes, which are computed when they are first asked for."""
    equivalent: Callable[[], float | None] = field(default=lambda: None, repr=False, compare=False)
    """Returns the p value of equivalence, in the same way."""
    lacks_seeds: bool = False
    """Whether too few seeds were trained to speak of methods: p then holds for these trained models."""

    @property
    def is_significant(self) -> bool:
        """Whether the rows are called different."""
        return self.p_adjusted < ALPHA and not self.lacks_seeds

    @property
    def difference(self) -> float:
        """The mean of the row minus that of the row compared with."""
        return self.own - self.base

    @property
    def sizes(self) -> EffectSizes:
        """The size of the difference, the users it concerns, and its uncertainty."""
        return self.measured()

    @property
    def p_equivalence(self) -> float | None:
        """The p value of equivalence, adjusted over its family; None where equivalence cannot be tested."""
        return self.equivalent()


def why_not(row: StoredRow, base: StoredRow, metric: str, base_name: str) -> str | None:
    """Return why a row cannot be compared with another one, which a note calls by a name; None if it can."""
    common = common_seeds(row, base)
    if not common:
        return f"not compared: no seed that succeeded here and in {base_name}"
    if not row.has(metric):
        return f"not compared: no {metric} here"
    if not base.has(metric):
        return f"not compared: no {metric} in {base_name}"
    if row.n_users < FEWEST_USERS:
        return f"not compared: a paired test needs {FEWEST_USERS} users"
    return None


def common_seeds(row: StoredRow, base: StoredRow) -> tuple[int, ...]:
    """Return the seeds that both rows have, in order; a row that no seed can change has those of the other one."""
    if row.is_deterministic and row.values and base.values:
        return tuple(sorted(base.values))
    if base.is_deterministic and row.values and base.values:
        return tuple(sorted(row.values))
    return tuple(sorted(row.values.keys() & base.values.keys()))


def compare(
    row: StoredRow, base: StoredRow, metric: str, higher_is_better: bool, family: Family, method: Method
) -> Comparison:
    """Return the comparison of two rows that `why_not` has no reason not to compare; p is not adjusted yet."""
    seeds = common_seeds(row, base)

    def values() -> tuple[np.ndarray, np.ndarray]:
        return row.per_seed(metric, seeds), base.per_seed(metric, seeds)

    return compare_values(values, seeds, higher_is_better, family, method, can_vary_with_seed(row, base))


def can_vary_with_seed(row: StoredRow, base: StoredRow) -> bool:
    """Return whether a difference can be another one under another seed."""
    return not (row.is_deterministic and base.is_deterministic)


def compare_values(
    values: Callable[[], tuple[np.ndarray, np.ndarray]],
    seeds: tuple[int, ...],
    higher_is_better: bool,
    family: Family,
    method: Method,
    can_vary: bool = True,
) -> Comparison:
    """Return the comparison of two tables of values; p is not adjusted yet.

    Args:
        values: returns the metric of a row and that of the row compared with, float64 [U, S] each.
        seeds: the seeds of the S columns.
        higher_is_better: whether a user with a higher value is better off.
        family: the family of tests that the comparison belongs to.
        method: the method of the test.
        can_vary: whether the difference can be another one under another seed.
    """
    own, other = values()
    averaged = own.mean(axis=1), other.mean(axis=1)
    test = paired_test(*method.as_tested(own, other), method.test)
    with_seeds = method.takes_seeds(own)
    own_mean, base_mean = (float(each.mean()) for each in averaged)

    @functools.cache
    def measured() -> EffectSizes:
        # reads the values again, to keep no second copy of them
        return measure(values, method.margin, higher_is_better, method.find, method.is_resampled, with_seeds)

    change = relative_change(*averaged)
    lacks_seeds = method.speaks_of_methods and can_vary and not with_seeds
    return Comparison(own_mean, base_mean, seeds, test, change, family, test.p, measured, lacks_seeds=lacks_seeds)


def adjust_families(comparisons: Mapping[Place, Comparison], method: Method) -> dict[Place, Comparison]:
    """Return comparisons with p adjusted over each of the families.

    Controls and ablations are asked other questions, whether a gain is one from knowledge, and from which part. In
    one family with the pairs, each of them that is added would make it harder for a pair to be found significant.
    """
    adjusted = dict(comparisons)
    for name in get_args(Family):
        family = {place: each for place, each in comparisons.items() if each.family == name}
        p = _adjust({place: each.test.p for place, each in family.items()}, method)
        equivalences = functools.cache(functools.partial(_equivalences, family, method))
        adjusted |= {
            place: replace(each, p_adjusted=p[place], equivalent=functools.partial(_of_place, equivalences, place))
            for place, each in family.items()
        }
    return adjusted


def _of_place(equivalences: Callable[[], Mapping[Place, float]], place: Place) -> float | None:
    return equivalences().get(place)


def _equivalences(family: Mapping[Place, Comparison], method: Method) -> dict[Place, float]:
    """Return the adjusted p values of equivalence, where equivalence can be tested."""
    tests = {place: each.sizes.equivalence for place, each in family.items()}
    return _adjust({place: test.p for place, test in tests.items() if test}, method)


def _adjust(p: Mapping[Place, float], method: Method) -> dict[Place, float]:
    return dict(zip(p, adjust(list(p.values()), method.correction).tolist(), strict=True))
