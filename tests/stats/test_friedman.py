import itertools

import numpy as np
import pytest
from scipy import stats

from corecbench.api import DataError, UsageError
from corecbench.stats.friedman import critical_difference, friedman, nemenyi

DEMSAR = np.array(
    [
        [4, 3, 2, 1],
        [1, 2, 3, 4],
        [4, 1, 2, 3],
        [4, 1, 3, 2],
        [4, 2, 3, 1],
        [1, 2.5, 4, 2.5],
        [3, 2, 4, 1],
        [2.5, 2.5, 4, 1],
        [4, 3, 2, 1],
        [2.5, 2.5, 2.5, 2.5],
        [4, 2.5, 1, 2.5],
        [3, 2, 4, 1],
        [4, 1, 2, 3],
        [3, 1, 4, 2],
    ]
)
"""Ranks of 4 models on 14 data sets (Demsar, 2006, JMLR 7, table 6)."""


def test_average_ranks_are_those_of_the_published_example():
    result = friedman(DEMSAR, higher_is_better=False)
    assert result.average_ranks.round(3).tolist() == [3.143, 2.0, 2.893, 1.964]


def test_the_critical_difference_is_that_of_the_published_example():
    # 2.569 sqrt(4 x 5 / (6 x 14)) = 1.25
    average = friedman(DEMSAR, higher_is_better=False).average_ranks
    assert nemenyi(average, 14).critical_difference == pytest.approx(2.569 * (20 / 84) ** 0.5, abs=0.001)


@pytest.mark.parametrize(("n_models", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_critical_values_are_those_of_the_published_table(n_models, q):
    found = nemenyi(np.arange(n_models), 20).critical_difference
    assert found == pytest.approx(q * (n_models * (n_models + 1) / 120) ** 0.5, rel=0.0005)


def test_a_pair_is_significant_where_it_differs_by_more_than_the_critical_difference():
    gap = nemenyi(np.zeros(4), 14).critical_difference
    p = nemenyi(np.array([1.0, 1.0 + gap - 0.001, 1.0 + gap + 0.001, 1.0]), 14).p
    assert p[0, 1] > 0.05 > p[0, 2]
    assert (p == p.T).all()
    assert np.diag(p).tolist() == [1] * 4


@pytest.mark.parametrize("ties", [False, True])
def test_the_statistic_agrees_with_scipy(ties):
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 4, (12, 5)).astype(float) if ties else rng.random((12, 5))
    theirs = stats.friedmanchisquare(*scores.T)
    result = friedman(scores)
    assert (result.chi_square, result.p_chi_square) == pytest.approx(tuple(theirs))


def test_f_follows_from_the_statistic():
    # ranks 1 2 3, 1 2 3, 2 1 3: sums 4, 5, 9; chi^2 = 12 / (3 x 3 x 4) x 122 - 3 x 3 x 4 = 14/3; F = (2 x 14/3) /
    # (3 x 2 - 14/3) = 7 with 2 and 4 degrees of freedom, whose tail is 1 / (1 + F / 2)^2
    result = friedman(np.array([[3.0, 2, 1], [3, 2, 1], [2, 3, 1]]))
    assert result.chi_square == pytest.approx(14 / 3)
    assert (result.f, result.p_f) == (pytest.approx(7), pytest.approx(1 / (1 + 7 / 2) ** 2))


def test_p_is_the_share_of_permutations_that_are_as_extreme():
    # the second and third data set in all 36 orders of theirs, the first in its own
    ranks = [(1, 2, 3), (1, 2, 3), (2, 1, 3)]
    orders = list(itertools.permutations((1, 2, 3)))
    spread = [sum(sum(column) ** 2 for column in zip(ranks[0], *both, strict=True)) for both in
              itertools.product(orders, orders)]  # fmt: skip
    share = np.mean(np.array(spread) >= 4**2 + 5**2 + 9**2)
    found = friedman(np.array(ranks, dtype=float), higher_is_better=False).p
    assert found == pytest.approx(share, abs=4 * (share * (1 - share) / 9_999) ** 0.5)


def test_a_higher_score_has_the_better_rank_unless_told_otherwise():
    scores = np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]])
    assert friedman(scores).average_ranks.tolist() == [3, 2, 1]
    assert friedman(scores, higher_is_better=False).average_ranks.tolist() == [1, 2, 3]


def test_models_that_tie_everywhere_do_not_differ():
    result = friedman(np.ones((4, 3)))
    assert result.average_ranks.tolist() == [2, 2, 2]
    assert (result.chi_square, result.f) == (0, 0)
    assert (result.p_chi_square, result.p_f, result.p) == (1, 1, 1)


def test_data_sets_that_all_agree_have_an_infinite_f_and_a_sensible_p():
    # 3 models on 2 data sets agree in 1 of 6 orders
    result = friedman(np.array([[3.0, 2, 1], [3, 2, 1]]))
    assert (result.f, result.p_f) == (np.inf, 0)
    assert result.p == pytest.approx(1 / 6, abs=4 * (5 / 36 / 9_999) ** 0.5)


def test_equal_models_are_told_apart_only_as_often_as_the_level_says():
    # of 400 tests of 4 models on 4 data sets about 20 fall to .05 or below; ranks are discrete, so rather fewer
    rng = np.random.default_rng(0)
    alarms = sum(friedman(rng.random((4, 4)), n_draws=999).p <= 0.05 for _ in range(400))
    assert 5 <= alarms <= 20 + 4 * 4.4


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.ones((1, 3)), r"needs \[2 or more data sets, 3 or more models\], got shape \(1, 3\)"),
        (np.ones((5, 2)), r"needs \[2 or more data sets, 3 or more models\], got shape \(5, 2\)"),
        (np.ones(5), r"needs \[2 or more data sets, 3 or more models\], got shape \(5,\)"),
        (
            np.array([[1.0, 2, 3], [1, np.nan, 3]]),
            "needs a score of every model on every data set, got nan of model 1 on data set 1",
        ),
    ],
)
def test_scores_that_cannot_be_ranked_are_a_one_line_error(scores, message):
    with pytest.raises(DataError, match=f"^Friedman's test {message}$"):
        friedman(scores)


def test_nemenyi_needs_two_models_and_data_sets_and_finite_ranks():
    with pytest.raises(DataError, match=r"^Nemenyi's test needs 2 models and data sets, got 3 and 1$"):
        nemenyi(np.arange(3.0), 1)
    with pytest.raises(DataError, match=r"^Nemenyi's test needs finite average ranks, got NaN or infinity$"):
        nemenyi(np.array([1.0, np.nan]), 5)
    with pytest.raises(UsageError, match=r"^alpha lies between 0 and 1, got 5$"):
        nemenyi(np.arange(3.0), 5, alpha=5)


@pytest.mark.parametrize("alpha", [0, 1, -1, 1.5])
def test_a_level_is_neither_none_nor_all(alpha):
    with pytest.raises(UsageError, match=f"^alpha lies between 0 and 1, got {alpha}$"):
        critical_difference(3, 5, alpha)


@pytest.mark.parametrize(("n_models", "n_datasets"), [(1, 5), (3, 1)])
def test_a_critical_difference_needs_two_of_each(n_models, n_datasets):
    with pytest.raises(DataError, match=f"needs 2 models and data sets, got {n_models} and {n_datasets}"):
        critical_difference(n_models, n_datasets)
    assert critical_difference(2, 2) > 0


def test_data_sets_that_nearly_agree_have_a_finite_f():
    # two models tie on one of 10 data sets: sums 10.5, 19.5 and 30, 9.5^2 + .5^2 + 10^2 = 190.5 around their mean;
    # the ranks of a data set have the variance (9 x 1 + 3/4) / 10; chi^2 = 190.5 / 9.75 = 254/13, and
    # F = 9 x 254/13 / (20 - 254/13) = 381
    scores = np.tile([3.0, 2, 1], (10, 1))
    scores[0] = [3, 3, 1]
    result = friedman(scores, n_draws=9)
    assert (result.chi_square, result.f) == (pytest.approx(254 / 13), pytest.approx(381))


def test_neighbours_are_compared_too():
    # two models and 25 data sets: a difference of .6 is 3 standard errors of a normal test
    p = nemenyi(np.array([1.2, 1.8]), 25).p
    assert p[0, 1] == pytest.approx(2 * stats.norm.sf(3), rel=1e-3)


def test_draws_beyond_what_is_held_at_once_are_as_many(monkeypatch):
    monkeypatch.setattr("corecbench.stats.friedman.MOST_AT_ONCE", 30)  # 5 draws of 2 data sets and 3 models
    assert friedman(np.ones((2, 3)), n_draws=7).p == 1  # (1 + 7) / (1 + 7): where all tie, every draw counts
