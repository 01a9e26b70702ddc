import numpy as np
import pytest
from scipy import stats

from corecbench.stats.student import student_test


@pytest.mark.parametrize("n_users", [2, 7, 1000])
@pytest.mark.parametrize("centre", [0.0, -0.02])
def test_it_agrees_with_scipy_bit_for_bit(n_users, centre):
    rng = np.random.default_rng(n_users)
    values = rng.normal(size=n_users) * (rng.random(n_users) < 0.7)
    found, theirs = student_test(values, centre), stats.ttest_1samp(values, centre)
    assert (found.t, found.p) == (theirs.statistic, theirs.pvalue)
    assert student_test(values).about(centre) == found
    assert found.interval(0.9) == tuple(theirs.confidence_interval(0.9))
    assert found.p_less == stats.ttest_1samp(values, centre, alternative="less").pvalue
    assert found.p_greater == stats.ttest_1samp(values, centre, alternative="greater").pvalue


def test_a_difference_that_is_the_same_for_everyone_is_certain():
    found = student_test(np.full(4, 0.5))
    assert (found.t, found.p) == (np.inf, 0.0)


def test_the_t_of_two_values_is_their_mean_over_half_their_distance():
    # 1 and 4: mean 5/2, standard error 3/2
    assert student_test(np.array([1.0, 4.0])).t == pytest.approx(5 / 3)
