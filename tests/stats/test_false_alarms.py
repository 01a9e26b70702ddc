"""Every paired test on the data it is for: a top-k metric, mostly 0 and full of ties."""

import numpy as np
import pytest
from false_alarms import PLACES, alarms, alike, called_alike, family_alarms, ndcg

from corecbench.stats.paired import METHODS
from corecbench.stats.power import paired_power

N_COMPARISONS = 1000


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n_users", "hits"), [(200, 0.1), (943, 0.2)])
def test_identical_models_are_called_different_in_5_of_100_cases(method, n_users, hits):
    # of 1,000 about 50, with a standard deviation of sqrt(1000 x .05 x .95) < 7
    pairs = alike(np.random.default_rng(0), n_users, hits, N_COMPARISONS)
    assert alarms(method, pairs) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("method", METHODS)
def test_few_hits_never_raise_the_rate_of_false_alarms(method):
    # 100 users of whom 5 hit: about 10 differ, and the discrete tests are careful
    assert alarms(method, alike(np.random.default_rng(1), 100, 0.05, N_COMPARISONS)) < 0.065


@pytest.mark.parametrize("method", [method for method in METHODS if method != "wilcoxon"])
def test_the_power_of_every_test_of_means_is_that_of_the_formula(method):
    # 10 and 14.8 % of 943 users hit; of 400 tests the share that finds it varies by sqrt(.8 x .2 / 400) = .02
    rng = np.random.default_rng(3)
    mean, square = PLACES.mean(), (PLACES**2).mean()
    variance = sum(hits * square - (hits * mean) ** 2 for hits in (0.1, 0.148))
    expected = paired_power(0.048 * mean, variance**0.5, 943)
    assert 0.7 < expected < 0.9
    pairs = ((ndcg(rng, 943, 0.148), ndcg(rng, 943, 0.1)) for _ in range(400))
    assert alarms(method, pairs) == pytest.approx(expected, abs=3 * 0.02)


@pytest.mark.parametrize(("method", "keeps"), [("t", True), ("permutation", True), ("wilcoxon", False)])
def test_only_wilcoxon_tells_models_apart_that_have_the_same_mean(method, keeps):
    # one hits at place 1, the other more often at places 6 to 10, so that both have the mean .1
    rng = np.random.default_rng(2)
    low = PLACES[5:]
    pairs = ((ndcg(rng, 943, 0.1, PLACES[:1]), ndcg(rng, 943, 0.1 / low.mean(), low)) for _ in range(300))
    found = alarms(method, pairs)
    # of 300 about 15, with a standard deviation of sqrt(300 x .05 x .95) < 4
    assert (found < (15 + 4 * 4) / 300) if keeps else (found > 0.9)


def test_a_correction_bounds_the_chance_of_any_false_alarm_in_a_family():
    # without one it is 1 - .95^10 = .40; of 300 families .05 are 15, with a standard deviation below 4
    found = family_alarms(np.random.default_rng(3), 300)
    assert max(found["holm"], found["hochberg"], found["bh"]) < (15 + 4 * 4) / 300
    assert found["none"] == pytest.approx(1 - 0.95**10, abs=4 * (0.4 * 0.6 / 300) ** 0.5)


def test_models_that_differ_by_the_margin_are_called_alike_in_at_most_5_of_100_cases():
    assert called_alike(np.random.default_rng(4), 22_363, 300, change=0.05) < (15 + 4 * 4) / 300
    assert called_alike(np.random.default_rng(4), 22_363, 300, change=0.0) > 0.3
