import numpy as np
import pytest
from scipy import stats

from corecbench.api import DataError
from corecbench.stats.components import mean_test
from corecbench.stats.equivalence import tost
from corecbench.stats.paired import paired_test

from .conftest import paired_interval


def drawn(seed, n_users=60, n_seeds=3, shift=0.0):
    """Return values [U, S] of two models, whose seeds vary about as much as their users."""
    rng = np.random.default_rng(seed)
    return [
        each + rng.normal(size=(n_users, n_seeds)) + 0.2 * rng.normal(size=(1, n_seeds)) for each in (shift, 0.0)
    ]


def test_values_over_users_are_tested_by_the_paired_t_test():
    own, base = (each.mean(axis=1) for each in drawn(0))
    assert mean_test(own, base).p == pytest.approx(stats.ttest_rel(own, base).pvalue)


def test_seeds_that_tell_the_same_leave_the_paired_t_test():
    # user + seed + rest: all seeds are alike, so that MS_seed and MS_rest are 0
    own, base = (np.repeat(each[:, :1], 3, axis=1) for each in drawn(0))
    assert mean_test(own, base).p == pytest.approx(stats.ttest_rel(own[:, 0], base[:, 0]).pvalue)


def test_seeds_that_alone_vary_leave_a_t_test_over_seeds():
    # each of 5 users differs by 1, 2 and 3 under the three seeds, but for 1/1000 that lets the users vary
    own = np.tile([1.0, 2.0, 3.0], (5, 1)) + np.array([[-2], [-1], [0], [1], [2]]) / 1000
    theirs = stats.ttest_1samp([1.0, 2.0, 3.0], 0).pvalue
    assert mean_test(own, np.zeros((5, 3))).p == pytest.approx(theirs, rel=1e-3)


def test_star_and_interval_never_disagree():
    excluded = []
    for seed in range(100):
        own, base = drawn(seed, shift=0.5)
        low, high = paired_interval(own, base)
        excluded.append(low > 0 or high < 0)
        assert excluded[-1] == (paired_test(own, base).p < 0.05)
    assert 0 < sum(excluded) < 100


def test_p_of_equivalence_is_that_of_the_same_standard_error():
    own, base = drawn(1, n_seeds=5)
    test, outcome = mean_test(own, base), tost(own, base, margin=1.0)
    below, above = ((test.mean + side) / test.standard_error for side in (-1.0, 1.0))
    assert outcome.p == pytest.approx(max(stats.t.cdf(below, test.degrees), stats.t.sf(above, test.degrees)))
    assert outcome.interval == pytest.approx(test.interval(0.9))


def test_the_same_method_under_other_seeds_is_called_different_in_5_of_100_cases():
    # of 600 about 30, with a standard deviation of sqrt(600 x .05 x .95) < 6; averaged over seeds it is far more
    alarms = {"users-and-seeds": 0, "t": 0}
    for seed in range(600):
        values = drawn(seed)
        for method in alarms:
            alarms[method] += paired_test(*values, method).p < 0.05
    assert alarms["users-and-seeds"] < 30 + 3 * 6
    assert alarms["t"] > 100


@pytest.mark.parametrize("own", [np.zeros((9, 3)), np.ones((9, 3)), np.repeat(np.eye(9)[:, :1], 3, axis=1)])
def test_what_varies_too_little_is_no_test_and_no_difference(own):
    base = np.zeros((9, 3))
    assert mean_test(own, base) is None
    assert paired_interval(own, base) is None
    assert tost(own, base, 0.1) is None
    assert paired_test(own, base).p == 1


def test_values_of_one_user_or_that_do_not_pair_up_are_an_error():
    with pytest.raises(DataError, match=r"^a paired test needs the same users on both sides, got 9 and 8$"):
        mean_test(np.ones((9, 3)), np.ones((8, 3)))
