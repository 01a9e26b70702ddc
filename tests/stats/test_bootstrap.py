import numpy as np
import pytest
from scipy import stats

from corecbench.api import DataError
from corecbench.stats.bootstrap import bca, bootstrap_interval, bootstrap_p

from .conftest import paired_interval


def skewed(seed, n_users=80):
    return np.random.default_rng(seed).exponential(size=n_users) - 0.8


def test_p_counts_the_resamples_that_are_as_far_from_the_mean_as_the_mean_from_zero():
    # of 0 and 2 resamples have the mean 0, 1 or 2 with chances 1/4, 1/2 and 1/4; 0 and 2 are 1 from the mean 1
    p = bootstrap_p(np.array([0.0, 2.0]), n_resamples=20_000)
    assert p == pytest.approx(1 / 2, abs=4 * (1 / 4 / 20_000) ** 0.5)


def test_p_is_close_to_that_of_the_t_test_for_many_users():
    difference = np.random.default_rng(0).normal(0.1, size=500)
    theirs = stats.ttest_1samp(difference, 0).pvalue
    assert bootstrap_p(difference) == pytest.approx(theirs, abs=0.01)


def test_p_is_never_zero():
    assert bootstrap_p(np.full(50, 0.2), n_resamples=99) == 1 / 100


def test_no_difference_at_all_has_p_one():
    assert bootstrap_p(np.zeros(5), n_resamples=99) == 1


def test_the_interval_agrees_with_scipy_on_skewed_differences():
    difference = skewed(1)
    theirs = stats.bootstrap((difference,), np.mean, method="BCa", n_resamples=9_999, rng=0).confidence_interval
    # the ends of two bootstrap intervals differ by a few hundredths of their width
    width = theirs.high - theirs.low
    assert bootstrap_interval(difference, np.zeros(80)) == pytest.approx(tuple(theirs), abs=0.04 * width)


def test_the_acceleration_moves_the_ends_as_the_formula_says():
    # influences -1, -1 and 2: a = 6 / (6 x 6^1.5) = 1 / 6^1.5, and no bias. The replicates are 10,001 evenly spaced
    # values from 0 to 1, so that an end is its own level: Phi(z / (1 - a z)) for z = -+1 at 2 Phi(1) - 1.
    a = 6**-1.5
    phi = stats.norm.cdf
    low, high = bca(np.linspace(0, 1, 10_001), 0.5, np.array([-1.0, -1.0, 2.0]), 2 * phi(1) - 1)
    assert (low, high) == (pytest.approx(phi(-1 / (1 + a))), pytest.approx(phi(1 / (1 - a))))


def test_the_bias_moves_the_ends_as_the_formula_says():
    # Phi(1) of the replicates lie below the estimate: z0 = 1, and the ends are at Phi(2 + z) for z = -+1
    phi = stats.norm.cdf
    low, high = bca(np.linspace(0, 1, 10_001), phi(1), np.array([-1.0, 0.0, 1.0]), 2 * phi(1) - 1)
    assert (low, high) == (pytest.approx(phi(1), abs=1e-4), pytest.approx(phi(3), abs=1e-4))


def test_beyond_the_pole_of_the_formula_the_end_is_the_outermost_replicate():
    # one user of many moves the statistic: a = nearly 1/6, so beyond z = 6 there is no end
    influence = np.append(np.zeros(10_000), 1.0)
    assert bca(np.arange(11.0), 5.0, influence, 1 - 1e-10).high == 10


def test_the_interval_is_close_to_the_t_interval_for_many_users():
    rng = np.random.default_rng(3)
    own, base = rng.normal(0.1, size=2000), rng.normal(size=2000)
    assert bootstrap_interval(own, base) == pytest.approx(paired_interval(own, base), abs=0.005)


@pytest.mark.parametrize(("n_different", "known"), [(0, False), (4, False), (5, True)])
def test_fewer_than_five_users_who_differ_have_no_interval(n_different, known):
    own = np.zeros(100)
    own[:n_different] = np.arange(1.0, n_different + 1)
    assert (bootstrap_interval(own, np.zeros(100), n_resamples=99) is not None) == known


def test_users_who_all_differ_by_the_same_have_no_interval():
    assert bootstrap_interval(np.full(9, 0.3), np.full(9, 0.1)) is None


def test_values_that_do_not_pair_up_are_an_error():
    with pytest.raises(DataError, match=r"^a paired test needs the same users on both sides, got 2 and 1$"):
        bootstrap_interval(np.ones(2), np.ones(1))


@pytest.mark.parametrize(("estimate", "sign"), [(100.0, 1), (-100.0, -1)])
def test_an_estimate_beyond_all_replicates_counts_as_beyond_nine_of_ten(estimate, sign):
    # 9 of 9 replicates lie below: z0 = Phi^-1(9/10), and the ends are at Phi(2 z0 + z) for z = -+2
    levels = stats.norm.cdf(sign * 2 * stats.norm.ppf(9 / 10) + np.array([-2, 2]))
    found = bca(np.arange(9.0), estimate, np.array([-1.0, 0.0, 1.0]), 2 * stats.norm.cdf(2) - 1)
    assert found == pytest.approx(tuple(8 * levels))


def test_users_who_all_move_the_statistic_alike_have_no_acceleration():
    assert bca(np.arange(5.0), 2.0, np.full(3, 7.0), 1 / 2) == pytest.approx((1, 3))
