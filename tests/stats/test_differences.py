import numpy as np
import pytest
from scipy import stats

from corecbench.api import DataError
from corecbench.stats.differences import Shares, cohens_dz, mean_of_seeds, shares, sum_of_seeds


def test_d_z_is_the_mean_in_standard_deviations():
    # differences 1 to 5: mean 3, standard deviation sqrt(5/2)
    assert cohens_dz(np.arange(1.0, 6.0), np.zeros(5)) == pytest.approx(3 / 2.5**0.5)


def test_d_z_is_t_divided_by_the_root_of_the_number_of_users():
    rng = np.random.default_rng(0)
    own, base = rng.normal(size=50), rng.normal(size=50)
    assert cohens_dz(own, base) == pytest.approx(stats.ttest_rel(own, base).statistic / 50**0.5)


@pytest.mark.parametrize("own", [0.0, 0.3])
def test_differences_that_do_not_vary_have_no_d_z(own):
    assert cohens_dz(np.full(9, own), np.zeros(9)) is None


def test_d_z_needs_two_users():
    with pytest.raises(DataError, match=r"^Cohen's d_z needs at least 2 users, got 1$"):
        cohens_dz(np.ones(1), np.zeros(1))


def test_shares_count_users():
    own, base = np.array([1.0, 0.5, 0.0, 0.3]), np.array([0.5, 1.0, 1.0, 0.3])
    assert shares(own, base) == Shares(better=1 / 4, worse=2 / 4, equal=1 / 4)


def test_rounding_noise_makes_no_user_better():
    assert shares(np.array([0.1 + 0.2]), np.array([0.3])) == Shares(0, 0, 1)


def test_shares_need_a_user():
    with pytest.raises(DataError, match=r"^shares of users need at least 1 user, got 0$"):
        shares(np.zeros(0), np.zeros(0))


@pytest.mark.parametrize("size", [cohens_dz, shares])
def test_values_that_do_not_pair_up_are_an_error(size):
    with pytest.raises(DataError, match=r"^a paired test needs the same users on both sides, got 2 and 3$"):
        size(np.ones(2), np.ones(3))


def test_d_z_of_two_users_is_known():
    # differences 1 and 3: mean 2, standard deviation sqrt(2)
    assert cohens_dz(np.array([1.0, 3.0]), np.zeros(2)) == pytest.approx(2 / 2**0.5)


@pytest.mark.parametrize("n_seeds", [1, 2, 3, 7, 8, 12])
def test_sums_and_means_of_seeds_are_those_of_numpy_bit_for_bit(n_seeds):
    values = np.random.default_rng(n_seeds).lognormal(size=(500, n_seeds))
    assert np.array_equal(sum_of_seeds(values), values.sum(axis=1))
    assert np.array_equal(mean_of_seeds(values), values.mean(axis=1))
    whole = (10 * values).astype(np.int64)
    assert np.array_equal(sum_of_seeds(whole), whole.sum(axis=1))


def test_the_sum_of_no_seeds_is_zero():
    assert sum_of_seeds(np.zeros((3, 0))).tolist() == [0, 0, 0]
