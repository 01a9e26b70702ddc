import dataclasses
from math import log

import pytest
import torch

from corecbench.api import Batch, States
from corecbench.testing.bench import task_loss
from corecbench.toolkit.losses import bpr, next_item_cross_entropy

PADDING = 100.0  # a score that would win by far
ITEMS = torch.tensor([[PADDING], [0.0], [log(3)]])
"""Padding and two items: a user state of 1 gives them the odds 1 : 3, a state of 0 the odds 1 : 1."""


def window(target, history=None):
    target = torch.tensor(target)
    return Batch(user=torch.ones(len(target)), history=target if history is None else history, target=target)


def pairs(target, negatives):
    target = torch.tensor(target)
    return Batch(torch.ones(len(target)), target[:, None], target, torch.tensor(negatives))


def test_cross_entropy_is_averaged_over_the_positions_with_a_target():
    states = States(torch.tensor([[[1.0], [0.0], [7.0]], [[1.0], [7.0], [7.0]]]), ITEMS)
    loss = next_item_cross_entropy(window([[2, 1, 0], [1, 0, 0]]), states)
    # -ln 3/4 for item 2 at odds 1 : 3, -ln 1/2 at even odds, -ln 1/4 for item 1 at odds 1 : 3
    assert loss.item() == pytest.approx((log(4 / 3) + log(2) + log(4)) / 3)


def test_one_state_per_history_is_trained_on_the_last_target_alone():
    states = States(torch.tensor([[1.0], [1.0]]), ITEMS)
    loss = next_item_cross_entropy(window([[1, 1, 2], [1, 0, 0]]), states)
    assert loss.item() == pytest.approx((log(4 / 3) + log(4)) / 2)


def test_padding_is_never_predicted():
    item = ITEMS.clone().requires_grad_()
    next_item_cross_entropy(window([[2]]), States(torch.tensor([[[1.0]]]), item)).backward()
    # the gradient of a score is probability - 1 for the target, probability for another item
    assert item.grad.squeeze(1).tolist() == pytest.approx([0, 1 / 4, 3 / 4 - 1])


def test_items_drawn_by_popularity_count_as_much_as_the_items_that_they_stand_for():
    drawn = {"sampled": torch.tensor([1, 2]), "log_expected": torch.tensor([log(1 / 2), log(3)])}
    batch = dataclasses.replace(window([[2]]), **drawn)
    loss = next_item_cross_entropy(batch, States(torch.tensor([[[1.0]]]), ITEMS))
    # item 1 has odds of 1 and is drawn every other time, so it counts twice; item 2 is the target, with odds of 3
    assert loss.item() == pytest.approx(log((3 + 1 / (1 / 2)) / 3))


def test_the_loss_of_a_draw_of_every_item_is_that_of_the_catalogue():
    torch.manual_seed(0)
    batch, states = window([[2, 7, 7, 1]]), States(torch.randn(1, 4, 3), torch.randn(9, 3))
    drawn = dataclasses.replace(batch, sampled=torch.arange(1, 9), log_expected=torch.zeros(8))
    whole, of_draw = (next_item_cross_entropy(each, states) for each in (batch, drawn))
    assert of_draw.item() == pytest.approx(whole.item(), rel=1e-5)


def test_a_draw_of_nothing_but_the_target_teaches_nothing():
    item = ITEMS.clone().requires_grad_()
    batch = dataclasses.replace(window([[2]]), sampled=torch.tensor([2]), log_expected=torch.zeros(1))
    loss = next_item_cross_entropy(batch, States(torch.tensor([[[1.0]]]), item))
    loss.backward()
    assert [loss.item(), item.grad.abs().max().item()] == [0, 0]


def test_bpr_is_averaged_over_pairs():
    states = States(torch.tensor([[1.0], [0.0], [1.0]]), ITEMS)
    loss = bpr(pairs([2, 2, 1], [1, 1, 2]), states)
    # the sigmoid of ln 3 is 3/4, of 0 it is 1/2, of -ln 3 it is 1/4
    assert loss.item() == pytest.approx((log(4 / 3) + log(2) + log(4)) / 3)


def test_pairs_are_trained_by_bpr():
    states = States(torch.tensor([[1.0]]), ITEMS)
    assert task_loss(object(), pairs([2], [1]), states).item() == pytest.approx(log(4 / 3))


def test_windows_are_trained_by_cross_entropy():
    states = States(torch.tensor([[[0.0]]]), ITEMS)
    assert task_loss(object(), window([[2]]), states).item() == pytest.approx(log(2))


def test_a_loss_of_the_model_s_own_wins():
    class Own:
        def loss(self, batch, states):
            return batch, states

    batch, states = pairs([2], [1]), States(torch.tensor([[1.0]]), ITEMS)
    assert task_loss(Own(), batch, states) == (batch, states)


def test_sampled_items_stand_for_the_catalogue_and_never_for_the_target():
    items = torch.tensor([[PADDING], [0.0], [log(3)], [log(8)]])
    batch = window([[2, 1]])
    batch = Batch(batch.user, batch.history, batch.target, sampled=torch.tensor([1, 2]))
    loss = next_item_cross_entropy(batch, States(torch.tensor([[[1.0], [1.0]]]), items))
    # item 3 was not drawn: -ln 3/4 for item 2 against 1, -ln 1/4 for item 1 against 2
    assert loss.item() == pytest.approx((log(4 / 3) + log(4)) / 2)


def test_all_items_as_a_sample_give_the_cross_entropy_over_the_catalogue():
    generator = torch.Generator().manual_seed(0)
    states = States(torch.randn(3, 4, 8, generator=generator), torch.randn(6, 8, generator=generator))
    whole = window(torch.randint(0, 6, (3, 4), generator=generator).tolist())
    sampled = Batch(whole.user, whole.history, whole.target, sampled=torch.arange(1, 6))
    assert torch.allclose(next_item_cross_entropy(sampled, states), next_item_cross_entropy(whole, states))


def test_pairs_with_sampled_items_are_trained_by_cross_entropy():
    batch = Batch(torch.ones(2), torch.tensor([[1], [2]]), torch.tensor([2, 1]), sampled=torch.tensor([1, 2]))
    states = States(torch.tensor([[1.0], [0.0]]), ITEMS)
    # -ln 3/4 for item 2 at odds 1 : 3, -ln 1/2 at even odds
    assert task_loss(object(), batch, states).item() == pytest.approx((log(4 / 3) + log(2)) / 2)
