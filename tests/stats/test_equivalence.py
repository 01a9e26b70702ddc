import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from corecbench.api import DataError, UsageError
from corecbench.stats.equivalence import tost


def pair(seed, difference=0.0, n_users=200):
    rng = np.random.default_rng(seed)
    base = rng.exponential(size=n_users)
    return base + rng.normal(difference, 0.5, size=n_users), base


def test_p_is_that_of_the_end_of_the_margin_that_is_nearer():
    # differences 1 to 5, mean 3, standard error sqrt(1/2); with 4 degrees of freedom P(T >= 2 / sqrt(3)) = 5/32.
    # The margin lies as many standard errors below the mean, so that T is 2 / sqrt(3) and p the rest: 27/32
    margin = 3 - 2 / 3**0.5 * 0.5**0.5
    assert tost(np.arange(1.0, 6.0), np.zeros(5), margin).p == pytest.approx(27 / 32)


@pytest.mark.parametrize("difference", [-0.05, 0.0, 0.1])
def test_p_agrees_with_statsmodels(difference):
    own, base = pair(1, difference)
    assert tost(own, base, 0.1).p == pytest.approx(ttost_paired(own, base, -0.1, 0.1)[0])


def test_models_are_equivalent_where_the_interval_lies_within_the_margin():
    for seed in range(100):
        outcome = tost(*pair(seed, 0.05), 0.1)
        within = outcome.interval.low > -0.1 and outcome.interval.high < 0.1
        assert (outcome.p < 0.05) == within


def test_the_order_of_the_models_does_not_matter():
    own, base = pair(2, 0.03)
    assert tost(own, base, 0.1).p == pytest.approx(tost(base, own, 0.1).p)


def test_models_at_the_margin_are_called_equivalent_only_as_often_as_the_level_says():
    # of 400 about 20, with a standard deviation of sqrt(400 x .05 x .95) < 4.4
    alarms = sum(tost(*pair(seed, 0.1), 0.1).p < 0.05 for seed in range(400))
    assert 20 - 4 * 4.4 < alarms < 20 + 4 * 4.4


@pytest.mark.parametrize(
    "own", [np.zeros(50), np.full(50, 0.3), np.append(np.ones(4), np.zeros(46))], ids=["none", "all alike", "four"]
)
def test_too_few_users_who_differ_say_nothing(own):
    assert tost(own, np.zeros(50), 0.1) is None


@pytest.mark.parametrize("margin", [0.0, -0.1, float("nan"), float("inf")])
def test_a_margin_is_above_zero(margin):
    with pytest.raises(UsageError, match=f"^an equivalence margin is above 0, got {margin}$"):
        tost(*pair(0), margin)


def test_values_that_do_not_pair_up_are_an_error():
    with pytest.raises(DataError, match=r"^a paired test needs finite values, got NaN or infinity$"):
        tost(np.array([1.0, np.nan]), np.ones(2), 0.1)
