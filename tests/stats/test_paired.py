import numpy as np
import pytest
from scipy import stats

from corecbench.api import DataError, UsageError
from corecbench.stats.differences import paired_differences
from corecbench.stats.paired import METHODS, paired_test


def normal(seed, n=200, mean=0.0):
    return np.random.default_rng(seed).normal(mean, size=n)


def test_wilcoxon_counts_the_choices_of_signs_that_are_as_extreme():
    # differences 1, 2, 3, 4, 5, all positive: 2 of the 2**5 choices of signs are as extreme
    assert paired_test(np.arange(1.0, 6.0), np.zeros(5), "wilcoxon").p == pytest.approx(2 / 32)


def test_wilcoxon_ranks_zeros_before_it_drops_them():
    # differences 0, 1, 2, 3, -4: the zero has rank 1, the others 2 to 5, and 2 + 3 + 4 - 5 = 4. Of the 16 choices
    # of signs, those with the positive ranks {2, 4}, {2, 5}, {3, 4} and {3, 5} are less extreme. Had the zero been
    # dropped first, only {1, 4} and {2, 3} would be: 14/16.
    own, base = np.array([7.0, 1.0, 2.0, 3.0, 0.0]), np.array([7.0, 0.0, 0.0, 0.0, 4.0])
    assert paired_test(own, base, "wilcoxon").p == 12 / 16


def test_the_t_test_agrees_with_its_formula():
    # differences 1, 2, 3: mean 2, standard error 1 / sqrt(3), so t = 2 sqrt(3) with 2 degrees of freedom,
    # for which the two-sided p is 1 - t / sqrt(2 + t^2)
    t = 2 * 3**0.5
    result = paired_test(np.array([1.0, 2.0, 3.0]), np.zeros(3), "t")
    assert result.p == pytest.approx(1 - t / (2 + t**2) ** 0.5)


@pytest.mark.parametrize("method", ["wilcoxon", "t"])
def test_values_agree_with_scipy(method):
    own, base = normal(1), normal(2, mean=0.2)
    theirs = {"wilcoxon": stats.wilcoxon(own, base, zero_method="pratt"), "t": stats.ttest_rel(own, base)}
    result = paired_test(own, base, method)
    assert result.p == pytest.approx(theirs[method].pvalue)
    assert result.n == 200
    assert result.mean_difference == pytest.approx(own.mean() - base.mean())


@pytest.mark.parametrize("method", METHODS)
def test_the_test_is_two_sided(method):
    own, base = normal(1), normal(2, mean=0.2)
    assert paired_test(own, base, method).p == pytest.approx(paired_test(base, own, method).p)


@pytest.mark.parametrize("method", METHODS)
def test_no_difference_at_all_has_p_one(method):
    assert paired_test(normal(1), normal(1), method).p == 1.0


@pytest.mark.parametrize("method", METHODS)
def test_zeros_on_both_sides_have_p_one(method):
    assert paired_test(np.zeros(4), np.zeros(4), method).p == 1.0


@pytest.mark.parametrize("method", METHODS)
def test_rounding_noise_is_no_difference(method):
    own, base = np.full(9, (0.1 + 0.2) + 0.3), np.full(9, 0.1 + (0.2 + 0.3))
    assert own[0] != base[0]
    assert paired_test(own, base, method).p == 1.0


def test_the_same_difference_for_every_user_has_p_zero_in_the_t_test():
    assert paired_test(np.full(5, 0.3), np.full(5, 0.1), "t").p == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("method", ["wilcoxon", "t"])
def test_identical_models_are_told_apart_only_as_often_as_the_level_says(method):
    # two models of the same kind, each hitting a tenth of 300 users: of 400 tests about 20 fall below .05,
    # with a standard deviation of sqrt(400 * .05 * .95) < 4.4
    rng = np.random.default_rng(0)
    hits = rng.random((400, 2, 300)) < 0.1
    alarms = sum(paired_test(own, base, method).p < 0.05 for own, base in hits.astype(float))
    assert 20 - 4 * 4.4 < alarms < 20 + 4 * 4.4


def test_the_name_is_what_a_caption_states():
    values = normal(1), normal(2)
    assert (
        paired_test(*values, "wilcoxon").name
        == "two-sided Wilcoxon signed-rank test over users, zeros ranked (Pratt)"
    )
    assert paired_test(*values, "t").name == "two-sided paired t test over users"
    assert paired_test(*values).name == "two-sided t test over users and seeds"


@pytest.mark.parametrize("method", METHODS)
def test_all_tests_find_a_large_difference(method):
    assert paired_test(normal(1, mean=0.5), normal(2), method).p < 0.001


@pytest.mark.parametrize("method", ["permutation", "bootstrap"])
def test_the_seed_decides_what_is_drawn(method):
    own, base = normal(1), normal(2, mean=0.1)
    first, again, other = (paired_test(own, base, method, seed=seed).p for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    ("own", "base", "message"),
    [
        ([[1.0, 2.0]], [[1.0, 3.0]], "needs at least 2 users, got 1"),
        ([1.0, 2.0], [1.0], "needs the same users on both sides, got 2 and 1"),
        ([1.0, np.nan], [1.0, 2.0], "needs finite values, got NaN or infinity"),
        ([1.0, 2.0], [np.inf, 2.0], "needs finite values, got NaN or infinity"),
        ([1.0], [2.0], "needs at least 2 users, got 1"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_values_that_cannot_be_tested_are_a_one_line_error(own, base, message, method):
    with pytest.raises(DataError, match=f"^a paired test {message}$"):
        paired_test(np.array(own), np.array(base), method)


def test_an_unknown_method_is_an_error_that_lists_the_known():
    known = "users-and-seeds, t, wilcoxon, permutation, bootstrap"
    with pytest.raises(UsageError, match=f"^unknown paired test 'anova'; have: {known}$"):
        paired_test(np.ones(3), np.zeros(3), "anova")


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_rounding_noise_is_removed_at_any_size(size):
    # 1e-11 of the size of the metric is a difference, 1e-13 of it is noise
    assert paired_differences(np.array([size * (1 + 1e-11)]), np.array([size]))[0] == pytest.approx(1e-11 * size)
    assert paired_differences(np.array([size * (1 + 1e-13)]), np.array([size]))[0] == 0
    assert paired_differences(np.array([size * (1 + 3.4e-12)]), np.array([size]))[0] == pytest.approx(3e-12 * size)
