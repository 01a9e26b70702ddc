import pytest
import torch

from corecbench.api import Batch, Budget, Catalog, Setup, Turn, UsageError
from corecbench_plugins.sharing.llama4rec import Llama4rec, standardised
from corecbench_plugins.sharing.settings import Llama4recConfig

SETUP = Setup(Catalog("toy", ("", "a", "b"), ("", "x", "y", "z"), ("",) * 4), max_history=16, seed=0)
DOMAIN = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
LLM = torch.tensor([[300.0, 500.0, 500.0, 300.0]])
"""Standardised they are 1, -1, 1, -1 and -1, 1, 1, -1."""


def make(**settings):
    return Llama4rec(Llama4recConfig(**settings), SETUP)


def after(n):
    """A user with n items of history."""
    history = torch.zeros(1, 16, dtype=torch.int64)
    history[0, :n] = 1
    return Batch(torch.tensor([1]), history)


def test_scores_are_brought_to_mean_0_and_deviation_1():
    assert standardised(LLM).tolist() == [[-1.0, 1.0, 1.0, -1.0]]
    assert standardised(torch.full((1, 3), 7.0)).tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("n", [1, 5, 16])
def test_the_ensemble_is_the_weighted_mean_of_both_sides_scores(n):
    combined = make(weights=[0.25], tails=[0.0]).combine(DOMAIN, LLM, after(n))
    assert combined[0].tolist() == pytest.approx([3 / 4 - 1 / 4, -3 / 4 + 1 / 4, 1.0, -1.0])


@pytest.mark.parametrize(("n", "weight"), [(1, 0.5), (4, 0.25), (16, 0.0)])
def test_with_a_tail_the_llm_counts_less_the_longer_a_history_is(n, weight):
    # log 4 is half of log 16
    combined = make(weights=[0.5], tails=[1.0]).combine(DOMAIN, LLM, after(n))
    assert combined[0, 0].item() == pytest.approx((1 - weight) - weight, abs=1e-6)


def test_each_user_is_weighted_by_the_own_history():
    batch = Batch(torch.tensor([1, 2]), torch.cat([after(1).history, after(16).history]))
    combined = make(weights=[0.5], tails=[1.0]).combine(DOMAIN.repeat(2, 1), LLM.repeat(2, 1), batch)
    assert combined[:, 0].tolist() == pytest.approx([0.0, 1.0])


def test_weight_and_tail_are_those_that_validate_best():
    module = make(weights=[0.0, 0.5, 1.0], tails=[0.0, 1.0])
    chosen = module.settle(lambda: -abs(module.weight - 0.5) + module.tail)
    assert chosen == {"weight": 0.5, "tail": 1.0}
    assert (module.weight, module.tail) == (0.5, 1.0)


def test_of_equal_ones_the_first_are_taken():
    assert make(weights=[0.0, 0.5], tails=[0.0, 1.0]).settle(lambda: 0.1) == {"weight": 0.0, "tail": 0.0}


def test_only_the_llm_trains():
    assert make(llm_epochs=4).turns(Budget(50, 5)) == [Turn("llm", 4)]


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "weights is empty; give one number from 0 to 1 or more"), ([0.5, 1.5], "less than or equal to 1")],
)
def test_weights_that_are_no_shares_are_refused(host, values, message):
    with pytest.raises(UsageError, match=message):
        host.select("sharing", "llama4rec", {"llama4rec": {"weights": values}})
