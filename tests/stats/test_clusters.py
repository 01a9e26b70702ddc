"""Users who are tested several times, as one observation each."""

import numpy as np
import pytest

from corecbench.stats.differences import clustered
from corecbench.stats.paired import paired_test


def test_tests_that_repeat_each_other_are_no_more_evidence_than_one():
    random = np.random.default_rng(0)
    own, base = random.random((2, 50, 3))
    twice = [clustered(np.concatenate([each, each]), np.tile(np.arange(50), 2)) for each in (own, base)]
    assert paired_test(*twice).p == pytest.approx(paired_test(own, base).p)
    naive = paired_test(np.concatenate([own, own]), np.concatenate([base, base]), "t")
    assert naive.p < paired_test(own, base, "t").p


def test_the_standard_error_is_that_of_clusters_of_the_textbook():
    random = np.random.default_rng(1)
    users = random.integers(30, size=80)
    values = random.normal(size=80) + users / 10
    values -= values.mean()
    found = clustered(values[:, None], users)[:, 0]
    n = len(found)
    # with a mean of 0: the sums of squares of the sums of each user, over the squared number of tests
    textbook = sum(values[users == user].sum() ** 2 for user in set(users)) / 80**2 * n / (n - 1)
    assert found.var(ddof=1) / n == pytest.approx(textbook)
    assert found.mean() == pytest.approx(0, abs=1e-12)


def test_values_of_users_who_are_tested_once_stay_bit_for_bit():
    values = np.random.default_rng(0).random((9, 2))
    assert clustered(values, np.arange(9)) is values
