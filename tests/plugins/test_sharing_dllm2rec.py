from math import exp, log

import numpy as np
import pytest
import torch
from torch import nn

from corecbench.api import Batch, Budget, Catalog, Interactions, Pretrained, Setup, States, Turn
from corecbench_plugins.sharing.dllm2rec import Dllm2rec, negatives, pull
from corecbench_plugins.sharing.settings import Dllm2recConfig

SETUP = Setup(Catalog("toy", ("", "a"), ("", "x", "y", "z"), ("", "", "", "")), max_history=3, seed=0)
TEACHER = torch.tensor([[log(4), log(1), log(2)]])
"""Scores under which the items have the odds 4 : 1 : 2; its first two are items 1 and 3."""
STUDENT = torch.tensor([[0.0, 1.0, 2.0]])
"""Its own first two are items 3 and 2."""
TAUGHT = torch.tensor([[0, 2]])
ONE = {"by_position": 0.0, "by_confidence": 0.0, "by_consistency": 0.0}


def make(**settings):
    return Dllm2rec(Dllm2recConfig(**{"top": 2, "ranking_weight": 1.0} | settings), SETUP)


def importance(**settings):
    return make(**ONE | settings).importance(TAUGHT, TEACHER, STUDENT)[0].tolist()


def test_the_weight_by_position_falls_exponentially():
    ratio = exp(-1 / 2)
    assert importance(by_position=1.0, decay=2.0) == pytest.approx([1 / (1 + ratio), ratio / (1 + ratio)])


def test_the_weight_by_confidence_is_the_teacher_s_probability_among_what_it_teaches():
    assert importance(by_confidence=1.0) == pytest.approx([4 / 6, 2 / 6])


def test_the_weight_by_consistency_is_that_of_items_which_the_student_has_among_its_first_too():
    assert importance(by_consistency=1.0) == [0.0, 1.0]


def test_the_parts_of_the_weight_add_up_and_their_sum_is_1():
    # 3 * 4/6 = 2 and 3 * 2/6 + 1/2 = 3/2
    assert importance(by_confidence=3.0, by_consistency=0.5) == pytest.approx([4 / 7, 3 / 7])


def test_by_default_the_weight_is_that_of_the_public_code():
    ratio = exp(-1)
    parts = [0.3 / (1 + ratio) + 0.5 * 4 / 6, 0.3 * ratio / (1 + ratio) + 0.5 * 2 / 6 + 0.1]
    weight = Dllm2rec(Dllm2recConfig(), SETUP).importance(TAUGHT, TEACHER, STUDENT)[0].tolist()
    assert weight == pytest.approx([part / (0.3 + 0.5 + 0.1) for part in parts])


def test_where_nothing_counts_nothing_is_taught():
    module = make(**ONE | {"by_consistency": 1.0, "top": 1})
    assert module.importance(torch.tensor([[0]]), TEACHER, STUDENT).tolist() == [[0.0]]


def test_a_negative_is_neither_taught_nor_the_next_item():
    taught = torch.tensor([[0, 2]] * 50)
    assert set(negatives(taught, None, 5).flatten().tolist()) == {1, 3, 4}
    assert set(negatives(taught, torch.full((50,), 4), 5).flatten().tolist()) == {1, 4}  # item 4 is column 3
    assert set(negatives(taught, None, 3).flatten().tolist()) == {1}
    assert negatives(torch.tensor([[0, 1]]), None, 2).item() in (0, 1)  # there is no other


def test_what_the_teacher_ranks_first_is_raised_and_an_item_at_random_lowered():
    # one place; item states are unit vectors, so a user state is the scores of the items
    item = torch.cat([torch.zeros(1, 3), torch.eye(3)])
    user = STUDENT[:, None].clone().requires_grad_()
    batch = Batch(torch.tensor([1]), torch.tensor([[2]]), torch.tensor([[1]]))
    module = make(**ONE | {"by_confidence": 1.0, "ranking_weight": 0.5})
    (loss,) = module.losses("domain", States(user, item), States(TEACHER[:, None], item), batch).values()
    # items 1 and 3 are taught, item 2 alone is left to be the negative; -log sigmoid(s) = log(1 + exp(-s))
    raised = 4 / 6 * log(1 + exp(0)) + 2 / 6 * log(1 + exp(-2))
    assert loss.item() == pytest.approx(0.5 * (raised + log(1 + exp(1))), rel=1e-5)
    loss.backward()
    assert [value < 0 for value in user.grad[0, 0].tolist()] == [True, False, True]
    assert user.grad[0, 0, 1] > 0


def test_the_robust_term_draws_what_is_wanted_to_1_and_all_others_to_0():
    scores, chance = torch.tensor([[2.0, -1.0, 0.5]]), torch.tensor([1.0, 0.5, 0.25])
    # item 1 wanted: 1 * (2 - 1)^2, others 0.5 * 1 and 0.25 / 4; item 3 wanted: 0.25 / 4, others 1 * 4 and 0.5 * 1
    first, third = exp(1) + exp(0.5) + exp(1 / 16), exp(4) + exp(0.5) + exp(1 / 16)
    assert pull(scores, torch.tensor([[0, 2]]), chance)[0].tolist() == pytest.approx([log(first), log(third)])


def test_the_robust_term_stands_for_the_next_item_and_by_weight_for_what_is_taught():
    module = make(**ONE | {"by_confidence": 1.0, "ranking_weight": 0.5, "robust": 0.1})
    module.fit(Interactions(np.array([1, 1]), np.array([1, 3])))
    chance = torch.tensor([2 / 5, 1 / 5, 2 / 5]) ** 0.05  # items 1 and 3 have one interaction, and each one more
    assert torch.allclose(module.chance, chance)
    item = torch.cat([torch.zeros(1, 3), torch.eye(3)])
    batch = Batch(torch.tensor([1]), torch.tensor([[2]]), torch.tensor([[1]]))
    terms = module.losses("domain", States(STUDENT[:, None], item), States(TEACHER[:, None], item), batch)
    one, three = pull(STUDENT, TAUGHT, chance)[0].tolist()
    assert terms["robust"].item() == pytest.approx(0.1 * (one + 0.5 * (4 / 6 * one + 2 / 6 * three)), rel=1e-5)


def test_nothing_flows_back_to_the_llm():
    side = States(torch.zeros(1, 1, 2), torch.zeros(4, 2))
    assert make().losses("llm", side, side, Batch(torch.tensor([1]), torch.tensor([[2]]))) == {}


TEXT = torch.tensor([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0], [3.0, 1.0]])
PRETRAINED = Pretrained(torch.ones(2, 2), torch.arange(8.0).reshape(4, 2), TEXT)


def started(**settings):
    module = make(**settings)
    domain, llm = module.ids("domain", 2), module.ids("llm", 3)
    module.start(PRETRAINED)
    return domain, llm


def test_an_item_of_the_student_is_its_own_row_and_what_the_llm_makes_of_its_text():
    domain, _ = started()
    own, mapped = domain.item.own.weight, domain.item.mapping(TEXT)
    assert torch.equal(domain.item.weight, own + mapped)
    assert torch.allclose(domain.item(torch.tensor([3])), (own + mapped)[[3]])
    assert torch.allclose(mapped, 0.2 * TEXT @ domain.item.mapping.linear.weight.T)
    assert mapped.any(dim=1).tolist() == [False, True, False, True]


def test_the_llm_side_s_rows_are_its_own():
    domain, llm = started()
    assert isinstance(llm.item, nn.Embedding)
    assert {id(each) for each in llm.item.parameters()}.isdisjoint(id(each) for each in domain.item.parameters())


def test_from_the_pretrained_model_texts_change_nothing_at_first():
    domain, _ = started(start="pretrained")
    assert torch.equal(domain.item.weight, PRETRAINED.item)


def test_without_embedding_distillation_the_student_reads_no_texts():
    domain, _ = started(embedding_weight=0.0)
    assert torch.equal(domain.item.weight, domain.item.own.weight)


def test_the_llm_learns_before_it_teaches():
    assert make(llm_epochs=4).turns(Budget(50, 5)) == [Turn("llm", 4), Turn("domain", 50)]
