import itertools

import numpy as np
import pytest
from scipy import stats

from corecbench.api import DataError
from corecbench.stats.friedman import critical_difference, friedman

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
    assert critical_difference(4, 14) == pytest.approx(2.569 * (20 / 84) ** 0.5, abs=0.001)


@pytest.mark.parametrize(("n_models", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_critical_values_are_those_of_the_published_table(n_models, q):
    assert critical_difference(n_models, 20) == pytest.approx(
        q * (n_models * (n_models + 1) / 120) ** 0.5, rel=0.0005
    )


@pytest.mark.parametrize("ties", [False, True])
def test_the_statistic_agrees_with_scipy(ties):
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 4, (12, 5)).astype(float) if ties else rng.random((12, 5))
    assert friedman(scores).chi_square == pytest.approx(stats.friedmanchisquare(*scores.T).statistic)


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
    assert (result.chi_square, result.p) == (0, 1)


def test_data_sets_that_all_agree_have_a_sensible_p():
    # 3 models on 2 data sets agree in 1 of 6 orders
    result = friedman(np.array([[3.0, 2, 1], [3, 2, 1]]))
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


@pytest.mark.parametrize(("n_models", "n_datasets"), [(1, 5), (3, 1)])
def test_a_critical_difference_needs_two_of_each(n_models, n_datasets):
    with pytest.raises(DataError, match=f"needs 2 models and data sets, got {n_models} and {n_datasets}"):
        critical_difference(n_models, n_datasets)
    assert critical_difference(2, 2) > 0


def test_draws_beyond_what_is_held_at_once_are_as_many(monkeypatch):
    monkeypatch.setattr("corecbench.stats.friedman.MOST_AT_ONCE", 30)  # 5 draws of 2 data sets and 3 models
    assert friedman(np.ones((2, 3)), n_draws=7).p == 1  # (1 + 7) / (1 + 7): where all tie, every draw counts
