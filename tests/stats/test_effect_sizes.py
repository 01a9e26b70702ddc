import numpy as np
import pytest

from corecbench.stats.bootstrap import bootstrap_interval
from corecbench.stats.differences import Shares
from corecbench.stats.effect_sizes import EffectSizes, Method


def measure(own, base, margin, find=None, test="t", **options):
    return EffectSizes(lambda: (own, base), Method(test, margin=margin, find=find), **options)


def one_seed(*values):
    return [np.array(each, dtype=float)[:, None] for each in values]


FIVE = one_seed([2, 3, 4, 5, 6], [1] * 5)  # differences 1 to 5: mean 3, variance 5/2, standard error sqrt(1/2)
T_4 = 2.776  # the 97.5 % quantile of t with 4 degrees of freedom


def test_differences_that_vary_are_measured_in_every_way():
    sizes = measure(*FIVE, margin=0.05)
    assert sizes.interval == pytest.approx((3 - T_4 * 0.5**0.5, 3 + T_4 * 0.5**0.5), abs=1e-3)
    assert sizes.change == 3
    assert (sizes.changes.low, sizes.changes.high) == pytest.approx(sizes.interval)  # the base is 1 for everyone
    assert sizes.dz == pytest.approx(3 / 2.5**0.5)
    assert sizes.shares == Shares(1, 0, 0)
    assert sizes.variance is None


def test_the_margin_is_a_share_of_the_mean_compared_with():
    # 2 / sqrt(3) standard errors beyond the mean of 3, at which p is 5/32 with 4 degrees of freedom
    margin = 3 + 2 / 3**0.5 * 0.5**0.5
    own, base = FIVE
    assert measure(2 * own, 2 * base, margin).equivalence.p == pytest.approx(5 / 32)


def test_power_is_stated_for_as_many_users_and_for_the_difference_seen():
    rng = np.random.default_rng(0)
    spread = rng.permutation(np.repeat([-1.0, 1.0], 500))
    sizes = measure(*one_seed(1.5 + spread, np.ones(1000)), margin=0.05)
    # half a standard deviation takes 34 users; 1,000 users find 2.8 standard errors of 1 / sqrt(1000)
    assert sizes.users_needed == 34
    assert sizes.detectable == pytest.approx(2.8 / 1000**0.5, rel=0.01)


def test_users_and_seeds_are_stated_for_a_given_change():
    rng = np.random.default_rng(0)
    own = 10.5 + rng.permutation(np.repeat([-1.0, 1.0], 500))[:, None] + np.array([-0.01, 0.01])
    base = np.full_like(own, 10.0)
    assert measure(own, base, margin=0.05).users_wanted is None
    # 5 % of 10 is half a standard deviation, which takes 34 users (Cohen, 1988), and no more seeds than two
    sizes = measure(own, base, margin=0.05, find=0.05)
    assert (sizes.users_wanted, sizes.seeds_wanted) == (34, 2)
    # .4 % is 1.26 standard errors of 1 / sqrt(1000): no number of seeds is enough where the users vary
    assert measure(own, base, margin=0.05, find=0.004).seeds_wanted is None
    assert measure(own[:, :1], base[:, :1], margin=0.05, find=0.05).seeds_wanted is None


def test_a_given_change_of_a_mean_of_zero_is_no_change():
    assert measure(*one_seed([1, 2, 3, 4, 5], [0] * 5), margin=0.05, find=0.05).users_wanted is None


def test_resampled_intervals_are_those_of_the_bootstrap():
    own, base = (column[:, 0] for column in FIVE)
    sizes = measure(*FIVE, margin=0.05, test="bootstrap")
    assert sizes.interval == bootstrap_interval(own, base)
    assert (sizes.changes.low, sizes.changes.high) == pytest.approx(sizes.interval)  # the base is 1 for everyone
    assert sizes.interval != measure(*FIVE, margin=0.05).interval


def test_the_bootstrap_knows_no_change_where_a_resampled_mean_is_zero():
    sizes = measure(*one_seed([1, 2, 3, 4, 5], [0, 0, 0, 0, 1]), margin=0.05, test="bootstrap")
    assert not sizes.changes.bounded


def test_lower_is_better_for_some_metrics():
    own, base = one_seed([1, 1, 1, 3, 2, 2, 2, 2], [2] * 8)
    assert measure(own, base, 0.05).shares == Shares(better=1 / 8, worse=3 / 8, equal=1 / 2)
    assert measure(own, base, 0.05, higher_is_better=False).shares == Shares(better=3 / 8, worse=1 / 8, equal=1 / 2)


@pytest.mark.parametrize(
    ("own", "change"),
    [([1] * 6, 0), ([2] * 6, 1), ([2, 2, 2, 2, 1, 1], 2 / 3)],
    ids=["nobody differs", "all differ by the same", "four differ"],
)
def test_a_spread_that_says_nothing_leaves_change_and_shares(own, change):
    sizes = measure(*one_seed(own, [1] * 6), margin=0.05)
    assert sizes.change == pytest.approx(change)
    assert sum(sizes.shares) == pytest.approx(1)
    rest = (sizes.interval, sizes.changes, sizes.dz, sizes.detectable, sizes.users_needed, sizes.equivalence)
    assert rest == (None,) * 6


def test_against_a_mean_of_zero_there_is_no_change_and_no_margin():
    sizes = measure(*one_seed([1, 2, 3, 4, 5], [0] * 5), margin=0.05)
    assert (sizes.change, sizes.equivalence) == (None, None)
    assert sizes.interval is not None


def test_a_difference_that_is_rounding_needs_no_number_of_users():
    own = np.array([0.1, 0.2, 0.3, -0.1, -0.2, -0.3]) + 0.7
    sizes = measure(*one_seed(own, [0.7] * 6), margin=0.05)
    assert sizes.users_needed is None
    assert sizes.detectable > 0


def test_several_seeds_tell_what_is_user_and_what_is_seed():
    own, base = FIVE
    own = np.hstack([own, own + 1])  # the second seed adds 1 for all
    # users vary by 5/2; seeds by (1/2)^2 + (1/2)^2 = 1/2; nothing is left
    sizes = measure(own, np.hstack([base, base]), margin=0.05)
    assert sizes.variance == pytest.approx((5 / 6, 1 / 6, 0))
    low, high = measure(own, np.hstack([base, base]), margin=0.05, with_seeds=True).interval
    assert (low + high) / 2 == pytest.approx(3.5)
    assert high - low > np.ptp(sizes.interval)
    assert sizes.seeds_needed == 2  # no fewer can be: the interval of these two excludes 0 by far


def test_seeds_that_do_not_vary_are_no_reason_for_more_of_them():
    own, base = FIVE
    sizes = measure(np.hstack([own, own]), np.hstack([base, base]), margin=0.05)
    assert sizes.variance == (1, 0, 0)
