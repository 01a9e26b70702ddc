"""Paired two-sided tests, over users or over users and seeds. U users, S seeds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from corecbench.api import DataError, UsageError
from corecbench.stats.bootstrap import RESAMPLES, bootstrap_p
from corecbench.stats.components import mean_test
from corecbench.stats.differences import mean_of_seeds, paired_differences
from corecbench.stats.student import student_test

MOST_ENUMERATED = 20
"""The number of users who differ up to which all choices of signs are counted."""
DRAWS = 19_999
"""The number of choices of signs drawn for more users; with the observed choice, p is a multiple of 1/20,000."""
BITS = 8
USERS_AND_SEEDS = "users-and-seeds"
"""The default test, the one that speaks of methods and not only of models as they were trained."""


@dataclass(frozen=True)
class PairedTest:
    """The outcome of one paired test."""

    name: str
    """The name of the test, as a caption states it."""
    n: int
    """Number of users."""
    mean_difference: float
    """Mean of own - base."""
    p: float
    """The two-sided p value."""


def paired_test(own: np.ndarray, base: np.ndarray, method: str = USERS_AND_SEEDS, seed: int = 0) -> PairedTest:
    """Test whether two recommenders differ on the same users.

    "users-and-seeds" is the t test of `mean_test`: over users and seeds, or over users alone where values are [U].
    Its p is 1 where fewer than 5 users differ. The others average each user over seeds first, so that they speak of
    the models as trained. "t" is the paired t test (Student, 1908, doi:10.1093/biomet/6.1.1), "permutation" the
    sign-flip test of `sign_flip_p`, "bootstrap" the shift method of `bootstrap_p`.
    "wilcoxon" is the signed-rank test (Wilcoxon, 1945, doi:10.2307/3001968). Most users of a top-k metric have no
    difference at all, so zeros are ranked and then dropped from the sums (Pratt, 1959,
    doi:10.1080/01621459.1959.10501526) rather than discarded first, which would exaggerate the rest. The p value is
    exact for a few users and from the normal approximation, corrected for ties, for more; scipy chooses.

    Of 100 pairs of identical models, with 100 to 1,000 users of whom 2 to 20 % have a hit, each calls 3 to 6
    different at .05. But "wilcoxon" asks whether the differences lie symmetrically around 0, the others whether
    their mean is 0. Where one model has 5 % of the users at place 1 and the other 16 % at places 6 to 10, with the
    same mean, it called 54 of 100 pairs different with 100 users, 84 with 200 and all with 943; the others 6 or 7.
    For a change of the mean "t" and "permutation" are the better tests, as Smucker, Allan and Carterette (2007,
    doi:10.1145/1321440.1321528) and Ihemelandu and Ekstrand (2023, arXiv 2305.02461) advise.

    If no user differs, p is 1. Two users are better, by 1 and by 2, and none is worse: of the 4 equally likely
    choices of signs 2 are as extreme:

    >>> paired_test(np.array([1.0, 2.0]), np.array([0.0, 0.0]), "permutation").p
    0.5

    Args:
        own: float64 [U] or [U, S], a metric per user, or per user and seed.
        base: the same metric of the same users and seeds in the same order.
        method: "users-and-seeds", "t", "wilcoxon", "permutation" or "bootstrap".
        seed: the seed of the draws, where the method draws.

    Raises:
        UsageError: there is no such method.
        DataError: the values do not pair up, are too few or not finite.
    """
    if method not in METHODS:
        raise UsageError(f"unknown paired test {method!r}; have: {', '.join(METHODS)}")
    if len(own) < 2:
        raise DataError(f"a paired test needs at least 2 users, got {len(own)}")
    name, p_value = METHODS[method]
    return PairedTest(name, len(own), float(np.mean(own - base)), p_value(own, base, seed))


def _users_and_seeds_p(own: np.ndarray, base: np.ndarray, seed: int) -> float:
    test = mean_test(own, base)
    return 1.0 if test is None else test.p


def _over_users(p_value: Callable[[np.ndarray, int], float]) -> Callable[[np.ndarray, np.ndarray, int], float]:
    """Return a test of users' differences, float64 [U] and not all 0, as one of values."""

    def p_of_values(own: np.ndarray, base: np.ndarray, seed: int) -> float:
        difference = paired_differences(*(mean_of_seeds(each.reshape(len(each), -1)) for each in (own, base)))
        return p_value(difference, seed) if difference.any() else 1.0

    return p_of_values


def _wilcoxon_p(difference: np.ndarray, seed: int) -> float:
    from scipy import stats

    return float(stats.wilcoxon(difference, zero_method="pratt", alternative="two-sided").pvalue)


def sign_flip_p(difference: np.ndarray, n_draws: int = DRAWS, seed: int = 0) -> float:
    """Return the two-sided p value of the sign-flip permutation test of a mean difference of 0.

    If the two recommenders are exchangeable for each user, every choice of signs of the differences is equally
    likely (Fisher, 1935, The Design of Experiments; Pitman, 1937, doi:10.2307/2984124), and p is the share of
    choices whose absolute sum is at least the observed one. Users without a difference take no part. Up to 20 who
    differ all choices are counted; for more, of m drawn ones b are as extreme and p = (1 + b) / (1 + m), which
    keeps the level (Phipson and Smyth, 2010, doi:10.2202/1544-6115.1585).

    Differences 1, 2 and 4 sum to 7, and of the 8 choices of signs only +++ and --- are as extreme:

    >>> sign_flip_p(np.array([1.0, 2.0, 4.0, 0.0])) == 2 / 8
    True

    Args:
        difference: float64 [U], per user; rounding noise removed.
        n_draws: m, where not all are counted.
        seed: the seed of the draws.
    """
    sizes = np.abs(difference[difference != 0])
    sums = _all_sums(sizes) if len(sizes) <= MOST_ENUMERATED else _drawn_sums(sizes, n_draws, seed)
    tolerance = 1e-9 * sizes.sum()  # sums that are equal but for rounding
    extreme = int(np.count_nonzero(np.abs(sums) >= abs(difference.sum()) - tolerance))
    if len(sizes) <= MOST_ENUMERATED:
        return extreme / len(sums)
    return (1 + extreme) / (1 + n_draws)


def _all_sums(sizes: np.ndarray) -> np.ndarray:
    """Return the sums under all choices of signs but the first user's, whose other half mirrors them.

    >>> _all_sums(np.array([4.0, 1.0])).tolist()
    [5.0, 3.0]
    """
    sums = sizes[:1] if len(sizes) else np.zeros(1)
    for size in sizes[1:]:
        sums = np.concatenate((sums + size, sums - size))
    return sums


def _drawn_sums(sizes: np.ndarray, n_draws: int, seed: int) -> np.ndarray:
    """Return the sums under drawn choices of signs, float64 [n_draws].

    Eight users at a time: a random byte is a choice of their signs and picks one of 256 sums. So the memory does
    not depend on the number of users.
    """
    generator = np.random.default_rng(seed)
    choices = np.arange(2**BITS, dtype=np.uint8)[:, None]
    signs = 1.0 - 2.0 * np.unpackbits(choices, axis=1)  # [256, 8]
    groups = np.append(sizes, np.zeros(-len(sizes) % BITS)).reshape(-1, BITS)
    sums = np.zeros(n_draws)
    for group in groups:
        sums += (signs @ group)[generator.integers(2**BITS, size=n_draws, dtype=np.uint8)]
    return sums


METHODS: Mapping[str, tuple[str, Callable[[np.ndarray, np.ndarray, int], float]]] = {
    USERS_AND_SEEDS: ("two-sided t test over users and seeds", _users_and_seeds_p),
    "t": ("two-sided paired t test over users", _over_users(lambda difference, seed: student_test(difference).p)),
    "wilcoxon": ("two-sided Wilcoxon signed-rank test over users, zeros ranked (Pratt)", _over_users(_wilcoxon_p)),
    "permutation": (
        f"two-sided sign-flip permutation test over users, exact up to {MOST_ENUMERATED} who differ, else "
        f"{DRAWS:,} draws",
        _over_users(lambda difference, seed: sign_flip_p(difference, seed=seed)),
    ),
    "bootstrap": (
        f"two-sided paired bootstrap test over users, shift method, {RESAMPLES:,} resamples",
        _over_users(lambda difference, seed: bootstrap_p(difference, seed=seed)),
    ),
}
"""Method -> its name in a caption, and a function: own and base, [U] or [U, S], and the seed of draws -> p."""
