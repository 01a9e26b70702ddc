import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from corecbench.api import DataError
from corecbench.stats.components import (
    Components,
    Parts,
    mean_covariances,
    mixed_test,
    uncertainty,
    variance_components,
)


def drawn(seed, n_users, n_seeds, user, of_seed, residual):
    """Return differences [U, S] whose components have these standard deviations, and the mean 0."""
    rng = np.random.default_rng(seed)
    users, seeds = rng.normal(size=(n_users, 1)), rng.normal(size=(1, n_seeds))
    return user * users + of_seed * seeds + residual * rng.normal(size=(n_users, n_seeds))


def test_mean_squares_are_taken_apart():
    # rows 0 2, 4 6, 2 10: mean 4; users -3, 1, 2 around it, seeds -2 and 2, the rest +-1, +-1, -+2.
    # MS_user = 2 x 14 / 2, MS_seed = 3 x 8 / 1, MS_rest = 2 x (1 + 1 + 4) / 2
    components = variance_components(np.array([[0.0, 2], [4, 6], [2, 10]]))
    assert components.mean == 4
    assert components.user == pytest.approx((14 - 6) / 2)
    assert components.seed == pytest.approx((24 - 6) / 3)
    assert components.residual == pytest.approx(6)
    assert components.shares == pytest.approx(Parts(4 / 16, 6 / 16, 6 / 16))


def test_components_agree_with_the_analysis_of_variance_of_statsmodels():
    difference = drawn(4, 12, 4, 1.0, 0.5, 1.0)
    rows = (
        pd.DataFrame(difference).melt(ignore_index=False, var_name="seed", value_name="d").reset_index(names="user")
    )
    squares = anova_lm(ols("d ~ C(user) + C(seed)", rows).fit())["mean_sq"]
    components = variance_components(difference)
    assert components.residual == pytest.approx(squares["Residual"])
    assert components.user == pytest.approx((squares["C(user)"] - squares["Residual"]) / 4)
    assert components.seed == pytest.approx((squares["C(seed)"] - squares["Residual"]) / 12)


def test_components_are_near_those_that_the_data_were_drawn_from():
    found = [variance_components(drawn(seed, 200, 4, 2.0, 1.0, 1.5)) for seed in range(300)]
    # a variance from 3 degrees of freedom varies by sqrt(2/3) of itself
    assert np.mean([each.user for each in found]) == pytest.approx(4, rel=0.03)
    assert np.mean([each.seed for each in found]) == pytest.approx(1, abs=4 * (2 / 3 / 300) ** 0.5)
    assert np.mean([each.residual for each in found]) == pytest.approx(2.25, rel=0.03)


def test_a_component_below_zero_becomes_zero():
    # rows 1 -1 and -1 1: neither users nor seeds differ in the mean
    components = variance_components(np.array([[1.0, -1], [-1, 1]]))
    assert (components.user, components.seed, components.residual) == (0, 0, 4)
    assert components.shares == (0, 0, 1)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_what_does_not_vary_has_no_shares_and_no_error(value):
    difference = np.full((7, 3), value)
    components = variance_components(difference)
    assert (components.user, components.seed, components.residual) == (0, 0, 0)
    assert components.shares is None
    assert mixed_test(difference).standard_error == 0


def test_the_square_of_the_standard_error_is_the_sum_of_what_each_component_adds():
    # 6/30 + 2/4 + 12/120, from mean squares 12 + 4 x 6 = 36 with 29 and 12 + 30 x 2 = 72 with 3 degrees of freedom,
    # less 12 with 87
    components = Components(0.0, user=6.0, seed=2.0, residual=12.0, n_users=9, n_seeds=9)
    error, degrees = uncertainty(components, 30, 4)
    assert error**2 == pytest.approx(6 / 30 + 2 / 4 + 12 / 120)
    assert degrees == pytest.approx((36 + 72 - 12) ** 2 / (36**2 / 29 + 72**2 / 3 + 12**2 / 87))


@pytest.mark.parametrize(("user", "seed", "degrees"), [(6.0, 0.0, 29), (0.0, 2.0, 3), (0.0, 0.0, 87)])
def test_one_source_of_variance_leaves_its_own_degrees_of_freedom(user, seed, degrees):
    components = Components(0.0, user, seed, residual=12.0, n_users=9, n_seeds=9)
    error, found = uncertainty(components, 30, 4)
    assert error**2 == pytest.approx(user / 30 + seed / 4 + 12 / 120)
    assert found == pytest.approx(degrees)


def test_without_a_variance_of_seeds_the_interval_is_that_of_the_users_means():
    difference = drawn(2, 40, 3, 1.0, 0.0, 1.0)
    assert variance_components(difference).seed == 0
    theirs = stats.ttest_1samp(difference.mean(axis=1), 0).confidence_interval(0.95)
    assert mixed_test(difference).interval(0.95) == pytest.approx(tuple(theirs))


@pytest.mark.parametrize(("n_seeds", "of_seed"), [(3, 0.1), (5, 0.3), (3, 0.0)])
def test_95_of_100_intervals_hold_the_mean_over_all_seeds(n_seeds, of_seed):
    # of 1,000 about 950, with a standard deviation of sqrt(1000 x .05 x .95) < 7; degrees of freedom are estimated,
    # so 2 points more are allowed
    held = 0
    for seed in range(1000):
        low, high = mixed_test(drawn(seed, 200, n_seeds, 1.0, of_seed, 1.0)).interval(0.95)
        held += low <= 0 <= high
    assert 950 - 3 * 7 - 20 < held < 950 + 3 * 7 + 20


@pytest.mark.parametrize(
    ("difference", "message"),
    [
        (np.ones(5), r"need differences \[users, seeds\], got shape \(5,\)"),
        (np.ones((5, 1)), "need at least 2 users and 2 seeds, got 5 and 1"),
        (np.ones((1, 3)), "need at least 2 users and 2 seeds, got 1 and 3"),
        (
            np.array([[1.0, np.nan], [1, 2]]),
            "need a finite difference of every user and seed, got NaN or infinity",
        ),
    ],
)
@pytest.mark.parametrize("size", [variance_components, mixed_test, lambda own: mean_covariances(own, 0 * own)])
def test_differences_that_cannot_be_split_are_a_one_line_error(difference, message, size):
    with pytest.raises(DataError, match=f"^variance components {message}$"):
        size(difference)


def test_p_is_that_of_the_mean_squares_of_statsmodels():
    difference = 0.4 + drawn(4, 12, 4, 1.0, 0.5, 1.0)
    rows = (
        pd.DataFrame(difference).melt(ignore_index=False, var_name="seed", value_name="d").reset_index(names="user")
    )
    anova = anova_lm(ols("d ~ C(user) + C(seed)", rows).fit())
    squares = anova["mean_sq"] * [1, 1, -1]  # MS_user + MS_seed - MS_rest
    degrees = squares.sum() ** 2 / (squares**2 / anova["df"]).sum()
    theirs = 2 * stats.t.sf(difference.mean() / (squares.sum() / 48) ** 0.5, degrees)
    assert mixed_test(difference).p == pytest.approx(theirs)


@pytest.mark.parametrize("of_seed", [0.0, 0.5])
def test_the_variance_of_a_difference_is_that_of_its_parts_less_twice_their_covariance(of_seed):
    own, base = drawn(5, 30, 3, 1.0, of_seed, 1.0), drawn(6, 30, 3, 1.0, 0.0, 1.0)
    (v_own, v_both), (same, v_base) = mean_covariances(own, base)
    assert same == pytest.approx(v_both)
    assert v_own - 2 * v_both + v_base == pytest.approx(mixed_test(own - base).standard_error ** 2)


def test_the_covariance_of_means_is_taken_from_mean_products():
    # own: users -1 1, seeds -2 2, rest 0; base: users -1 1, seeds -1 1, rest 0. Mean products: users 2 x 2 / 1,
    # seeds 2 x (2 + 2) / 1, over 4 values
    own, base = np.array([[-3.0, 1], [-1, 3]]), np.array([[-2.0, 0], [0, 2]])
    # of the difference only the seeds differ: users drop out, and seeds alone are counted
    assert mean_covariances(own, base) == pytest.approx(np.array([[16, 8], [8, 4]]) / 4)
    # of own and twice base both differ
    assert mean_covariances(own, 2 * base)[0, 1] == pytest.approx(2 * (4 + 0) / 4)


def test_uncertainty_needs_two_seeds():
    with pytest.raises(DataError, match=r"^the mean over users and seeds needs at least 2 of each, got 5 and 1$"):
        uncertainty(variance_components(np.eye(3)), 5, 1)
