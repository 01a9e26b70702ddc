import numpy as np
import pytest
from scipy import stats

from corecbench.api import DataError

from .conftest import paired_interval


def ndcg(rng, n_users, hits):
    """Return NDCG@10 of users of whom a share `hits` has the target at a place from 1 to 10, each as likely."""
    return (rng.random(n_users) < hits) / np.log2(rng.integers(1, 11, n_users) + 1)


MEAN_OF_A_HIT = (1 / np.log2(np.arange(1, 11) + 1)).mean()


def test_the_interval_agrees_with_its_formula():
    # With 4 degrees of freedom the two-sided p of t is 1 - x (3 - x^2) / 2 for x = t / sqrt(t^2 + 4). x = 1/2
    # belongs to t = 2 / sqrt(3) and p = 5/16. Differences 1 to 5: mean 3, standard error sqrt(5/2 / 5).
    low, high = paired_interval(np.arange(1.0, 6.0), np.zeros(5), confidence=11 / 16)
    margin = 2 / 3**0.5 * 0.5**0.5
    assert (low, high) == (pytest.approx(3 - margin), pytest.approx(3 + margin))


def test_the_interval_agrees_with_scipy():
    rng = np.random.default_rng(1)
    own, base = ndcg(rng, 300, 0.2), ndcg(rng, 300, 0.1)
    assert paired_interval(own, base) == pytest.approx(tuple(stats.ttest_rel(own, base).confidence_interval(0.95)))


def test_the_interval_is_close_to_that_of_the_bootstrap():
    rng = np.random.default_rng(2)
    own, base = ndcg(rng, 2000, 0.2), ndcg(rng, 2000, 0.1)
    theirs = stats.bootstrap((own - base,), np.mean, n_resamples=2000, random_state=0).confidence_interval
    assert paired_interval(own, base) == pytest.approx(tuple(theirs), rel=0.05)


def test_it_excludes_zero_where_the_t_test_is_significant():
    rng = np.random.default_rng(3)
    for _ in range(50):
        own, base = ndcg(rng, 100, 0.3), ndcg(rng, 100, 0.2)
        low, high = paired_interval(own, base)
        assert (low > 0 or high < 0) == (stats.ttest_rel(own, base).pvalue < 0.05)


@pytest.mark.parametrize(("n_users", "hits"), [(190, 0.2), (190, 0.05), (1000, 0.02)])
def test_95_of_100_intervals_hold_the_true_difference(n_users, hits):
    # The joint model hits 1.3 times as often, and half of the users keep what they had. Of 1,000 intervals 950 hold
    # the truth, with a standard deviation of sqrt(1000 * .95 * .05) < 7; the differences are far from normal, so
    # 2 points more are allowed.
    rng = np.random.default_rng(4)
    truth = 0.5 * 0.3 * hits * MEAN_OF_A_HIT
    held = 0
    for _ in range(1000):
        base = ndcg(rng, n_users, hits)
        own = np.where(rng.random(n_users) < 0.5, base, ndcg(rng, n_users, 1.3 * hits))
        low, high = paired_interval(own, base) or (-1.0, 1.0)
        held += low <= truth <= high
    assert 950 - 3 * 7 - 20 < held < 950 + 3 * 7 + 20


@pytest.mark.parametrize("n_users", [0, 1, 9])
def test_there_is_no_interval_where_nobody_differs(n_users):
    assert paired_interval(np.full(n_users, 0.5), np.full(n_users, 0.5)) is None


@pytest.mark.parametrize(("n_different", "known"), [(4, False), (5, True)])
def test_fewer_than_five_users_who_differ_have_no_interval(n_different, known):
    own = np.zeros(100)
    own[:n_different] = np.arange(1.0, n_different + 1)
    assert (paired_interval(own, np.zeros(100)) is not None) == known


def test_users_who_all_differ_by_the_same_have_no_interval():
    assert paired_interval(np.full(9, 0.3), np.full(9, 0.1)) is None


def test_rounding_noise_is_no_difference():
    own, base = np.full(9, (0.1 + 0.2) + 0.3), np.full(9, 0.1 + (0.2 + 0.3))
    assert own[0] != base[0]
    assert paired_interval(own, base) is None


@pytest.mark.parametrize(
    ("base", "message"),
    [([1.0], "the same users on both sides, got 2 and 1"), ([1.0, np.nan], "finite values, got NaN")],
)
def test_values_that_do_not_pair_up_are_an_error(base, message):
    with pytest.raises(DataError, match=message):
        paired_interval(np.array([1.0, 2.0]), np.array(base))
