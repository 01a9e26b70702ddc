from math import log

import pytest
import torch

from corecbench.api import Batch, Catalog, Setup, States
from corecbench_plugins.sharing.compared import EXCLUDED, Scores
from corecbench_plugins.sharing.llmd4rec import Llmd4rec, trust
from corecbench_plugins.sharing.settings import Llmd4recConfig

SETUP = Setup(Catalog("toy", ("", "a", "b"), ("", "x", "y"), ("", "", "")), max_history=3, seed=0)
ITEMS = torch.tensor([[50.0], [0.0], [log(3)]])
"""Padding and two items: a user state of 1 gives them the odds 1 : 3, of 0 the odds 1 : 1."""
KL = 1 / 2 * log((1 / 2) / (1 / 4)) + 1 / 2 * log((1 / 2) / (3 / 4))
"""KL(even odds || odds 1 : 3)."""


def term(target, side="domain", own=1.0, other=0.0, **settings):
    """The coupling term at one position, of which the next item is given."""
    module = Llmd4rec(Llmd4recConfig(**settings), SETUP)
    states = (States(torch.tensor([[[value]]]), ITEMS) for value in (own, other))
    batch = Batch(torch.tensor([1]), torch.tensor([[1]]), torch.tensor([[target]]))
    return module.losses(side, *states, batch)["distillation"].item()


@pytest.mark.parametrize(("target", "own", "other"), [(1, 1 / 4, 1 / 2), (2, 3 / 4, 1 / 2)])
def test_a_sample_counts_as_far_as_the_other_side_knows_its_next_item_better(target, own, other):
    assert term(target) == pytest.approx(other / (other + own) * KL, rel=1e-5)


def test_equal_distributions_cost_nothing():
    assert term(1, own=1.0, other=1.0) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("side", "weight"), [("domain", 0.25), ("llm", 3.0)])
def test_each_side_has_its_own_weight(side, weight):
    cost = term(1, side, domain_weight=0.25, llm_weight=3.0)
    assert cost == pytest.approx(weight * 2 / 3 * KL, rel=1e-5)


def test_a_side_without_weight_learns_nothing():
    module = Llmd4rec(Llmd4recConfig(llm_weight=0.0), SETUP)
    side = States(torch.zeros(1, 1, 1), ITEMS)
    assert module.losses("llm", side, side, Batch(torch.tensor([1]), torch.tensor([[1]]))) == {}


def test_a_next_item_that_is_part_of_the_history_is_no_judge():
    own, other = torch.tensor([[EXCLUDED, 5.0, 0.0]]), torch.tensor([[EXCLUDED, 0.0, 1.0]])
    assert trust(Scores(own, other, torch.tensor([1]))).tolist() == [0.5]
    assert trust(Scores(own, other, None)).tolist() == [0.5]


def test_trust_has_no_gradient():
    own = torch.tensor([[0.0, 1.0]], requires_grad=True)
    assert not trust(Scores(own, torch.tensor([[1.0, 0.0]]), torch.tensor([1]))).requires_grad


def test_it_adds_no_parameters():
    module = Llmd4rec(Llmd4recConfig(), SETUP)
    ids = module.ids("domain", 2)
    assert sum(each.numel() for table in (ids.user, ids.item) for each in table.parameters()) == 2 * (3 + 3)
