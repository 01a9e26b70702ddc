"""The states of all contexts are those of each batch, without a place for padding."""

import numpy as np
import pytest
import torch

from corecbench.api import Interactions, States
from corecbench.training.contexts import windows
from corecbench.training.frozen import last_states, states_of_contexts

ITEM = torch.arange(12.0).reshape(6, 2).index_fill(0, torch.tensor([0]), 0)
TRAIN = Interactions(np.array([1, 1, 1, 1, 2, 2]), np.array([1, 2, 3, 4, 5, 1]))
"""The windows, of up to 2 steps, are 1, then 2 and 3, and 5 for the other user."""


class AtEachPosition:
    """The state at a position is that of its item; at padding it is not 0."""

    def states(self, batch):
        assert batch.target is None
        return States(ITEM[batch.history] + (batch.history == 0)[..., None], ITEM)


class AtTheEnd:
    """One state for each history, the sum of those of its items."""

    def states(self, batch):
        return States(ITEM[batch.history].sum(dim=1), ITEM)


def test_states_at_each_position_take_no_place_for_padding():
    found = states_of_contexts(AtEachPosition(), windows(TRAIN, 2))
    assert found.user.tolist() == ITEM[[1, 2, 3, 5]].tolist()


def test_the_states_of_some_contexts_are_0_at_padding():
    found = states_of_contexts(AtEachPosition(), windows(TRAIN, 2)).of(torch.tensor([2, 1]), width=2)
    assert found.user.tolist() == [[ITEM[5].tolist(), [0, 0]], ITEM[[2, 3]].tolist()]
    assert torch.equal(found.item, ITEM)


def test_one_state_for_each_context_is_given_back_by_row():
    found = states_of_contexts(AtTheEnd(), windows(TRAIN, 2))
    assert found.of(torch.tensor([1, 0]), width=2).user.tolist() == [(ITEM[2] + ITEM[3]).tolist(), ITEM[1].tolist()]


def test_frozen_item_states_stay_when_the_side_itself_trains_on():
    found = states_of_contexts(AtTheEnd(), windows(TRAIN, 2))
    assert found.item.data_ptr() != ITEM.data_ptr()


@pytest.mark.parametrize("model", [AtEachPosition(), AtTheEnd()])
def test_the_last_state_is_that_after_the_last_item(model):
    last = {AtEachPosition: ITEM[[1, 3, 5]], AtTheEnd: torch.stack([ITEM[1], ITEM[2] + ITEM[3], ITEM[5]])}
    assert torch.equal(last_states(model, windows(TRAIN, 2)), last[type(model)])
