import numpy as np
import pytest
from scipy import stats

from corecbench.api import DataError
from corecbench.stats.bootstrap import resampled_means
from corecbench.stats.components import mixed_test
from corecbench.stats.paired import paired_test
from corecbench.stats.relative import ChangeSet, _solve, bootstrap_change, fieller, relative_change


def ndcg(rng, n_users, hits):
    """Return NDCG@10 of users of whom a share `hits` has the target at a place from 1 to 10, each as likely."""
    return (rng.random(n_users) < hits) / np.log2(rng.integers(1, 11, n_users) + 1)


def test_the_change_is_that_of_the_means():
    # means 1/2 and 2/5
    assert relative_change(np.array([1.0, 0.0]), np.array([0.4, 0.4])) == pytest.approx(1 / 4)


@pytest.mark.parametrize("n_users", [0, 3])
def test_there_is_no_change_from_a_base_of_zero(n_users):
    assert relative_change(np.ones(n_users), np.zeros(n_users)) is None


def test_the_ends_of_fiellers_set_are_where_the_t_test_is_at_its_level():
    rng = np.random.default_rng(0)
    own, base = ndcg(rng, 500, 0.3), ndcg(rng, 500, 0.2)
    change = fieller(own, base)
    assert change.shape == "interval"
    for end in (change.low, change.high):
        assert stats.ttest_1samp(own - (1 + end) * base, 0).pvalue == pytest.approx(0.05)


def test_outside_its_ends_lie_the_accepted_changes_of_a_base_that_may_be_zero():
    # base 1, -1, ... has the mean 0, own differs from 0 everywhere: only a large change either way explains it
    base = np.tile([1.0, -1.0], 20)
    own = 2 + np.tile([0.1, 0.1, -0.1, -0.1], 10)
    change = fieller(own, base)
    assert change.shape == "outside"
    assert not change.bounded
    assert stats.ttest_1samp(own - (1 + change.high) * base, 0).pvalue == pytest.approx(0.05)
    assert stats.ttest_1samp(own - (2 + change.high) * base, 0).pvalue > 0.05
    assert stats.ttest_1samp(own - base * (1 + change.low + change.high) / 2, 0).pvalue < 0.05


def test_nothing_is_excluded_where_both_may_be_zero():
    own, base = np.tile([1.0, -1.0], 20), np.tile([1.0, 1.0, -1.0, -1.0], 10)
    assert fieller(own, base) == ChangeSet("all", -np.inf, np.inf)
    assert not fieller(own, base).bounded


def test_no_change_is_excluded_just_where_the_t_test_is_significant():
    rng = np.random.default_rng(1)
    for _ in range(50):
        own, base = ndcg(rng, 200, 0.3), ndcg(rng, 200, 0.2)
        change = fieller(own, base)
        assert change.bounded
        assert (change.low > 0 or change.high < 0) == (stats.ttest_rel(own, base).pvalue < 0.05)


def test_95_of_100_sets_hold_the_true_change():
    # of 1,000 about 950, with a standard deviation of sqrt(1000 x .05 x .95) < 7; hits are far from normal, so 2
    # points more are allowed
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(1000):
        base = ndcg(rng, 400, 0.1)
        own = np.where(rng.random(400) < 0.5, base, ndcg(rng, 400, 0.13))
        change = fieller(own, base)
        held += change.low <= 0.15 <= change.high  # half of the users hit 1.3 times as often
    assert 950 - 3 * 7 - 20 < held < 950 + 3 * 7 + 20


def trained(rng, n_users, hits, of_seed):
    """Return NDCG@10 of a model trained under three seeds, whose hit rates differ by a share, [U, 3].

    Half of the users keep their place under all seeds."""
    kept = ndcg(rng, n_users, hits)
    return np.column_stack(
        [
            np.where(rng.random(n_users) < 0.5, kept, ndcg(rng, n_users, hits * rng.normal(1, of_seed)))
            for _ in range(3)
        ]
    )


@pytest.mark.parametrize("of_seed", [0.0, 0.1])
def test_over_users_and_seeds_no_change_is_excluded_just_where_the_test_is_significant(of_seed):
    rng = np.random.default_rng(5)
    significant = []
    for _ in range(40):
        own, base = trained(rng, 500, 0.3, of_seed), trained(rng, 500, 0.24, of_seed)
        change = fieller(own, base)
        assert change.bounded
        significant.append(paired_test(own, base).p < 0.05)
        assert (change.low > 0 or change.high < 0) == significant[-1]
    assert 0 < sum(significant) < 40


def test_the_ends_over_users_and_seeds_are_those_of_a_search():
    # change by change, |mean of own - r base| is t standard errors, of the mean squares that own - base has
    rng = np.random.default_rng(6)
    own, base = trained(rng, 300, 0.3, 0.2), trained(rng, 300, 0.2, 0.2)
    degrees = mixed_test(own - base).degrees
    change = fieller(own, base)
    for end in (change.low, change.high):
        test = mixed_test(own - (1 + end) * base)
        assert abs(test.t) == pytest.approx(stats.t.ppf(0.975, degrees))


@pytest.mark.parametrize("of_seed", [0.0, 0.05])
def test_95_of_100_sets_over_users_and_seeds_hold_the_true_change(of_seed):
    # as above: of 600 about 570, with a standard deviation below 6
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(600):
        change = fieller(trained(rng, 1000, 0.24, of_seed), trained(rng, 1000, 0.2, of_seed))
        held += change.low <= 0.2 <= change.high
    assert 570 - 3 * 6 - 12 < held < 570 + 3 * 6 + 12


def test_the_bootstrap_interval_agrees_with_scipy():
    rng = np.random.default_rng(3)
    own, base = ndcg(rng, 600, 0.3), ndcg(rng, 600, 0.2)

    def change(own, base, axis):
        return own.mean(axis=axis) / base.mean(axis=axis) - 1

    theirs = stats.bootstrap((own, base), change, paired=True, rng=1, batch=1_000).confidence_interval
    # the ends of two such intervals, from 9,999 resamples each, differ by about 2 % of their width
    width = theirs.high - theirs.low
    assert bootstrap_change(own, base) == pytest.approx(tuple(theirs), abs=0.05 * width)


def test_the_bootstrap_interval_is_close_to_fiellers_for_many_users():
    rng = np.random.default_rng(4)
    own, base = ndcg(rng, 20_000, 0.3), ndcg(rng, 20_000, 0.2)
    change = fieller(own, base)
    assert bootstrap_change(own, base) == pytest.approx((change.low, change.high), abs=0.01)


@pytest.mark.parametrize("interval", [fieller, bootstrap_change])
@pytest.mark.parametrize(
    "own", [np.ones(50), np.full(50, 0.3), np.append(np.zeros(4), np.ones(46))], ids=["none", "all alike", "four"]
)
def test_too_few_users_who_differ_have_no_interval(interval, own):
    assert interval(own, np.ones(50)) is None


@pytest.mark.parametrize("n_with", [1, 2])
def test_a_base_that_resamples_may_miss_has_no_bootstrap_interval(n_with):
    # 1 or 2 of 20 users have a base: (19/20)^20 = 36 % or (18/20)^20 = 12 % of the resamples have none
    base = np.append(np.ones(n_with), np.zeros(20 - n_with))
    assert bootstrap_change(np.arange(20.0), base, n_resamples=99) is None


@pytest.mark.parametrize("size", [relative_change, fieller, bootstrap_change])
def test_values_that_do_not_pair_up_are_an_error(size):
    with pytest.raises(DataError, match=r"^a paired test needs finite values, got NaN or infinity$"):
        size(np.array([1.0, np.nan]), np.ones(2))


def test_the_set_of_a_base_that_is_just_significant_is_outside_or_all():
    # of a = 0 and b = 0 nothing is excluded; of a < 0 without two roots nothing either
    assert _solve(0.0, 0.0, -1.0) == ChangeSet("all", -np.inf, np.inf)
    assert _solve(-1.0, 1.0, -1.0) == ChangeSet("all", -np.inf, np.inf)
    assert _solve(0.0, -1.0, -4.0) == ChangeSet("interval", -np.inf, 1.0)


def test_one_root_is_a_set_of_one_change():
    assert _solve(1.0, 2.0, 4.0) == ChangeSet("interval", 1.0, 1.0)  # (r - 2)^2
    assert _solve(1.0, 2.0, 4.0 + 1e-9) == ChangeSet("interval", 1.0, 1.0)  # but for rounding


def seed_of_bases(own, base, n_resamples):
    """Return a seed under which the base of every resample differs from 0."""
    seeds = range(1000)
    return next(seed for seed in seeds if resampled_means(own + 1j * base, n_resamples, seed).imag.all())


@pytest.mark.parametrize(
    "base", [np.tile([1.0, -1.0], 20), np.append(np.ones(1), np.zeros(39))], ids=["mean 0", "one user's"]
)
def test_a_base_of_zero_has_no_bootstrap_interval_whatever_is_drawn(base):
    # the mean of the base is 0, or that of all users but one
    own = np.arange(40.0)
    assert bootstrap_change(own, base, n_resamples=2, seed=seed_of_bases(own, base, 2)) is None
