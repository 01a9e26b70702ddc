import numpy as np
import pytest
from scipy import stats

from corecbench.stats.paired import MOST_ENUMERATED, _drawn_sums, sign_flip_p


def scipy_p(difference, n_resamples):
    """Return scipy's p, which counts the observed choice of signs as we do."""
    drawn = stats.permutation_test(
        (difference,),
        lambda values, axis: np.sum(values, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=n_resamples,
        rng=0,
    )
    return drawn.pvalue


def test_all_choices_of_signs_are_counted():
    # 1, 2, 3 and -4 sum to 2. Of the choices with 1 first, +-2 +-3 +-4 add -9, -5, -3, -1, 1, 3, 5 and 9, so the
    # sums are -8, -4, -2, 0, 2, 4, 6 and 10: all but one are as far from 0
    assert sign_flip_p(np.array([1.0, 2.0, 3.0, -4.0])) == 7 / 8


def test_users_without_a_difference_take_no_part():
    difference = np.array([1.0, 2.0, 3.0, -4.0])
    assert sign_flip_p(np.append(difference, np.zeros(100))) == sign_flip_p(difference)


def test_no_difference_at_all_has_p_one():
    assert sign_flip_p(np.zeros(5)) == 1


@pytest.mark.parametrize("n_users", [2, 5, 11])
def test_an_exact_p_agrees_with_scipy(n_users):
    difference = np.random.default_rng(n_users).normal(0.3, size=n_users)
    assert sign_flip_p(difference) == pytest.approx(scipy_p(difference, np.inf))


def test_a_drawn_p_agrees_with_scipy():
    # p is near .04; scipy doubles the share on one side, so its p varies by 2 sqrt(.02 x .98 / 20,000) < .003
    difference = np.random.default_rng(2).normal(0.2, size=60)
    assert sign_flip_p(difference) == pytest.approx(scipy_p(difference, 19_999), abs=4 * 0.003)


def test_drawing_agrees_with_counting():
    difference = np.random.default_rng(2).normal(0.3, size=MOST_ENUMERATED)
    # a user who differs by next to nothing makes 21
    drawn = sign_flip_p(np.append(difference, 1e-9))
    assert drawn == pytest.approx(sign_flip_p(difference), abs=4 * 0.003)


def test_the_observed_choice_counts_among_those_drawn():
    # all 200 users are better: no drawn choice is as extreme, and p is (1 + 0) / (1 + m)
    assert sign_flip_p(np.ones(200), n_draws=999) == 1 / 1000


def test_sums_that_are_equal_but_for_rounding_are_as_extreme():
    # .1 + .2 - .3 is 0 in all but floating-point numbers, so no choice is less extreme
    assert sign_flip_p(np.array([0.1, 0.2, -0.3])) == 1


@pytest.mark.parametrize(("n_users", "p"), [(20, 2 / 2**20), (21, 1 / 8)])
def test_twenty_users_are_counted_and_more_are_drawn(n_users, p):
    # all are better: 2 of 2^20 choices are as extreme, and of 7 that are drawn none but the observed one
    assert sign_flip_p(np.ones(n_users), n_draws=7) == p


def test_choices_that_are_nearly_as_extreme_are_not_counted():
    # the sum is 1 + 1e-6; with the second sign turned it is 1 - 1e-6, less extreme by more than rounding
    assert sign_flip_p(np.array([1.0, 1e-6])) == 1 / 2
    assert sign_flip_p(np.array([1e-3, 1e-9])) == 1 / 2
    assert sign_flip_p(np.array([1e6, 1.0])) == 1 / 2


@pytest.mark.parametrize("n_users", [21, 24, 25])
def test_every_drawn_sum_has_the_sign_of_each_user(n_users):
    # powers of 2: each choice of signs has a sum of its own, of the parity of the smallest
    sums = _drawn_sums(2.0 ** np.arange(n_users), 50, seed=0)
    assert (np.abs(sums) <= 2.0**n_users - 1).all()
    assert (sums % 2 == 1).all()
    assert len(set(sums.tolist())) == 50
