from math import log

import pytest
import torch

from corecbench.api import Batch, Catalog, Pretrained, Setup, States
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


# odds of 1 : 3 rank y first and x second, 3 : 1 the other way round, and 1 : 1 both first
@pytest.mark.parametrize(
    ("target", "other", "weight", "divergence"),
    [(1, -1.0, 2, log(3) / 2), (2, -1.0, 0, log(3) / 2), (1, 0.0, 2, KL), (2, 0.0, 1, KL)],
)
def test_a_sample_counts_where_the_other_side_ranks_its_next_item_better(target, other, weight, divergence):
    assert term(target, own=1.0, other=other) == pytest.approx(weight * divergence, rel=1e-5)


def ranking(*ranks):
    """Scores of six items in which the first one has these ranks."""
    return torch.tensor([[0.0, *[1.0] * (rank - 1), *[-1.0] * (6 - rank)] for rank in ranks])


def test_weights_are_those_of_the_paper():
    scores = Scores(ranking(3, 2, 3, 5, 1), ranking(2, 3, 3, 1, 5), torch.ones(5, dtype=torch.int64))
    # 3 / 2; 2 - 3 / 2; 2 - 1; 5 is too much; 2 - 5 is too little
    assert trust(scores).tolist() == [1.5, 0.5, 1.0, 2.0, 0.0]


def test_equal_distributions_cost_nothing():
    assert term(1, own=1.0, other=1.0) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("side", "weight"), [("domain", 0.25), ("llm", 3.0)])
def test_each_side_has_its_own_weight(side, weight):
    cost = term(1, side, domain_weight=0.25, llm_weight=3.0)
    assert cost == pytest.approx(weight * 2 * KL, rel=1e-5)


def test_a_side_without_weight_learns_nothing():
    module = Llmd4rec(Llmd4recConfig(llm_weight=0.0), SETUP)
    side = States(torch.zeros(1, 1, 1), ITEMS)
    assert module.losses("llm", side, side, Batch(torch.tensor([1]), torch.tensor([[1]]))) == {}


def test_a_next_item_that_is_part_of_the_history_is_no_judge():
    own, other = torch.tensor([[EXCLUDED, 5.0, 0.0]]), torch.tensor([[EXCLUDED, 0.0, 1.0]])
    assert trust(Scores(own, other, torch.tensor([1]))).tolist() == [1]
    assert trust(Scores(own, other, None)).tolist() == [1]


def test_trust_has_no_gradient():
    own = torch.tensor([[0.0, 1.0]], requires_grad=True)
    assert not trust(Scores(own, torch.tensor([[1.0, 0.0]]), torch.tensor([1]))).requires_grad


def joined(**settings):
    module = Llmd4rec(Llmd4recConfig(**settings), SETUP)
    return module, module.ids("domain", 2), module.ids("llm", 4)


def test_the_llm_reads_a_linear_map_of_the_domain_models_items():
    module, domain, llm = joined()
    module.start(Pretrained(torch.ones(3, 2), torch.ones(3, 2)))
    mapped = domain.item.weight @ llm.item.mapping.weight.T
    assert torch.allclose(llm.item.weight, mapped)
    assert torch.allclose(llm.item(torch.tensor([[2, 1], [0, 1]])), mapped[torch.tensor([[2, 1], [0, 1]])])


def test_from_the_pretrained_model_both_sides_begin_with_its_items():
    module, domain, llm = joined(start="pretrained")
    pretrained = Pretrained(torch.full((3, 2), 2.0), torch.full((3, 2), 3.0))
    module.start(pretrained)
    assert torch.equal(domain.user.weight, pretrained.user)
    assert torch.equal(domain.item.weight, pretrained.item)
    assert torch.equal(llm.item.source, pretrained.item)


def test_the_llm_reads_items_anew_where_it_trains_and_keeps_them_else():
    _, domain, llm = joined()
    before = llm.item.weight.detach().clone()
    with torch.no_grad():
        domain.item.weight += 1
    llm.item.eval()
    assert torch.equal(llm.item.weight, before)
    llm.item.train()
    assert torch.allclose(llm.item.weight, domain.item.weight @ llm.item.mapping.weight.T)
    assert "source" in llm.item.state_dict()


def test_the_llm_trains_the_map_and_not_the_domain_models_items():
    _, domain, llm = joined()
    llm.item.weight.sum().backward()
    assert domain.item.weight.grad is None
    assert [name for name, _ in llm.item.named_parameters()] == ["mapping.weight"]
