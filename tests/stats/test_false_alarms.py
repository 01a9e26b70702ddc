"""Every paired test on the data it is for: a top-k metric, mostly 0 and full of ties."""

from functools import partial

import numpy as np
import pytest

from corecbench.stats.bootstrap import bootstrap_p
from corecbench.stats.paired import METHODS, paired_test
from corecbench.stats.permutation import sign_flip_p

N_COMPARISONS = 1000
PLACES = 1 / np.log2(np.arange(2, 12))
"""NDCG@10 of a target at a place from 1 to 10."""


def ndcg(rng, n_users, hits, places=PLACES):
    """Return NDCG@10 of users of whom a share `hits` has the target at one of the places, each as likely."""
    return np.where(rng.random(n_users) < hits, places[rng.integers(len(places), size=n_users)], 0.0)


def p_value_of(method):
    """Return the test as a function of own and base, quick enough to be run a thousand times."""
    if method == "bootstrap":
        return lambda own, base: bootstrap_p(own - base, n_resamples=999)
    if method == "permutation":
        return lambda own, base: sign_flip_p(own - base, n_draws=999)
    return lambda own, base: paired_test(own, base, method).p


def alarms(method, pairs):
    """Return the share of pairs that the test calls different at .05."""
    p_value = p_value_of(method)
    return np.mean([p_value(own, base) < 0.05 for own, base in pairs])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n_users", "hits"), [(200, 0.1), (943, 0.2)])
def test_identical_models_are_called_different_in_5_of_100_cases(method, n_users, hits):
    # of 1,000 about 50, with a standard deviation of sqrt(1000 x .05 x .95) < 7
    rng = np.random.default_rng(0)
    draw = partial(ndcg, rng, n_users, hits)
    assert alarms(method, ((draw(), draw()) for _ in range(N_COMPARISONS))) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("method", METHODS)
def test_few_hits_never_raise_the_rate_of_false_alarms(method):
    # 100 users of whom 5 hit: about 10 differ, and the discrete tests are careful
    rng = np.random.default_rng(1)
    draw = partial(ndcg, rng, 100, 0.05)
    assert alarms(method, ((draw(), draw()) for _ in range(N_COMPARISONS))) < 0.065


@pytest.mark.parametrize(("method", "keeps"), [("t", True), ("permutation", True), ("wilcoxon", False)])
def test_only_wilcoxon_tells_models_apart_that_have_the_same_mean(method, keeps):
    # one hits at place 1, the other more often at places 6 to 10, so that both have the mean .1
    rng = np.random.default_rng(2)
    low = PLACES[5:]
    pairs = ((ndcg(rng, 943, 0.1, PLACES[:1]), ndcg(rng, 943, 0.1 / low.mean(), low)) for _ in range(300))
    found = alarms(method, pairs)
    # of 300 about 15, with a standard deviation of sqrt(300 x .05 x .95) < 4
    assert (found < (15 + 4 * 4) / 300) if keeps else (found > 0.9)
