import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from corecbench.api import DataError, UsageError
from corecbench.stats.components import Components, mixed_test
from corecbench.stats.power import (
    minimum_detectable_effect,
    paired_power,
    seeds_needed,
    users_needed,
    users_needed_with_seeds,
)


@pytest.mark.parametrize(("effect", "n_users"), [(0.5, 20), (-0.1, 943), (0.3, 2)])
def test_power_agrees_with_statsmodels(effect, n_users):
    theirs = TTestPower().power(effect, n_users, 0.05, alternative="two-sided")
    assert paired_power(2 * effect, 2.0, n_users) == pytest.approx(theirs)


def test_power_with_two_degrees_of_freedom_and_no_effect_is_the_level():
    assert paired_power(0.0, 1.0, 3) == pytest.approx(0.05)


@pytest.mark.parametrize("n_users", [2, 30, 943, 1_000_000])
def test_the_minimum_detectable_effect_is_detected_with_the_power(n_users):
    effect = minimum_detectable_effect(0.2 / n_users**0.5, n_users - 1)
    assert paired_power(effect, 0.2, n_users) == pytest.approx(0.8)


def test_the_minimum_detectable_effect_is_nearly_that_of_the_normal_distribution_for_many_users():
    z = stats.norm.ppf
    nearly = (z(0.975) + z(0.8)) * 0.2 / 22_363**0.5
    assert minimum_detectable_effect(0.2 / 22_363**0.5, 22_362) == pytest.approx(nearly, rel=0.001)


@pytest.mark.parametrize(("effect", "sd"), [(0.005, 0.2), (-0.005, 0.2), (5.0, 1.0), (1e-4, 1.0)])
def test_one_user_fewer_would_not_be_enough(effect, sd):
    n_users = users_needed(effect, sd)
    assert paired_power(effect, sd, n_users) >= 0.8
    assert n_users == 2 or paired_power(effect, sd, n_users - 1) < 0.8


def test_users_needed_agree_with_statsmodels():
    theirs = TTestPower().solve_power(0.1, power=0.8, alpha=0.05)
    assert users_needed(0.02, 0.2) == np.ceil(theirs)


def test_differences_that_do_not_vary_show_any_effect():
    assert minimum_detectable_effect(0.0, 9) == 0
    assert paired_power(0.1, 0.0, 9) == 1
    assert paired_power(0.0, 0.0, 9) == 0.05
    assert users_needed(0.1, 0.0) == 2


def test_the_formula_agrees_with_simulated_tests_of_a_sparse_metric():
    # 500 users of whom half keep what they had and the others hit in 10 and 20 % of cases, at a place from 1 to 10.
    # Of 1,000 tests the share that finds it varies by sqrt(.8 x .2 / 1000) < .013
    rng = np.random.default_rng(0)

    def ndcg(hits):
        return (rng.random((1000, 500)) < hits) / np.log2(rng.integers(1, 11, (1000, 500)) + 1)

    base = ndcg(0.1)
    difference = np.where(rng.random(base.shape) < 0.5, 0.0, ndcg(0.2) - base)
    found = np.mean(stats.ttest_1samp(difference, 0, axis=1).pvalue < 0.05)
    places = 1 / np.log2(np.arange(2, 12))
    effect = 0.5 * 0.1 * places.mean()
    square = 0.5 * (0.3 * (places**2).mean() - 2 * 0.1 * 0.2 * places.mean() ** 2)
    assert paired_power(effect, (square - effect**2) ** 0.5, 500) == pytest.approx(found, abs=4 * 0.013)
    assert 0.5 < found < 0.95


def test_seeds_needed_agree_with_simulated_intervals():
    components = Components(0.0, user=1.0, seed=0.01, residual=1.0, n_users=0, n_seeds=0)
    n_seeds = seeds_needed(0.25, components, 200)
    rng = np.random.default_rng(0)

    def found(n_seeds):
        """Return how many of 400 intervals exclude 0."""
        users, seeds, rest = (rng.normal(size=(400, *shape)) for shape in ((200, 1), (1, n_seeds), (200, n_seeds)))
        intervals = [mixed_test(each).interval(0.95) for each in 0.25 + users + 0.1 * seeds + rest]
        return sum(low > 0 or high < 0 for low, high in intervals) / 400

    # a share of 400 near .8 varies by .02, and the degrees of freedom are approximate
    assert 2 < n_seeds < 20
    assert found(n_seeds) > 0.8 - 4 * 0.02
    assert found(n_seeds - 1) < 0.8 + 4 * 0.02


def test_more_seeds_do_not_help_against_too_few_users():
    # users alone make the standard error 1 / 10, and 2.8 of it is more than .2
    components = Components(0.0, user=1.0, seed=0.01, residual=1.0, n_users=100, n_seeds=3)
    assert seeds_needed(0.2, components, 100) is None


def test_users_needed_with_seeds_find_the_effect_and_one_fewer_does_not():
    # with U users the standard error is sqrt(1/U + .0001/5), which 2.8 times is .1 at U = 799, nearly
    components = Components(0.0, user=1.0, seed=0.0001, residual=0.0, n_users=9, n_seeds=3)
    n_users = users_needed_with_seeds(0.1, components, 5)
    assert n_users == pytest.approx(799, rel=0.03)

    def least(n_users):
        square = 1 / n_users + 0.0001 / 5
        terms = (1 / n_users) ** 2 / (n_users - 1) + (0.0001 / 5) ** 2 / 4
        return minimum_detectable_effect(square**0.5, square**2 / terms)

    assert least(n_users) <= 0.1 < least(n_users - 1)


def test_more_users_do_not_help_against_seeds_that_vary_too_much():
    # the seeds alone make the standard error 1 / sqrt(3), and with 2 degrees of freedom 5.7 of it are needed
    assert users_needed_with_seeds(1.0, Components(0.0, 1.0, 1.0, 0.0, n_users=9, n_seeds=3), 3) is None


def test_without_any_variance_two_seeds_are_enough():
    assert seeds_needed(0.1, Components(0.0, 0.0, 0.0, 0.0, n_users=9, n_seeds=3), 100) == 2


ALIKE = Components(0.0, 0.0, 0.0, 0.0, n_users=9, n_seeds=3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_power(0.1, -1.0, 9), "a standard deviation is at least 0 and finite, got -1.0"),
        (lambda: paired_power(0.1, float("nan"), 9), "a standard deviation is at least 0 and finite, got nan"),
        (lambda: users_needed(0.0, 1.0), "an effect to find is finite and not 0, got 0.0"),
        (lambda: users_needed(float("nan"), 1.0), "an effect to find is finite and not 0, got nan"),
        (lambda: users_needed(float("-inf"), 1.0), "an effect to find is finite and not 0, got -inf"),
        (lambda: paired_power(0.1, float("inf"), 9), "a standard deviation is at least 0 and finite, got inf"),
    ],
)
def test_numbers_that_are_not_allowed_are_a_one_line_error(call, message):
    with pytest.raises(UsageError, match=f"^{message}$"):
        call()


def test_one_user_has_no_power():
    with pytest.raises(DataError, match=r"^a paired test needs at least 2 users, got 1$"):
        paired_power(0.1, 1.0, 1)
