import pytest
import torch

from corecbench.api import DataError
from corecbench.toolkit import whitened


def test_directions_get_equal_weight_and_an_item_without_a_text_stays_zero():
    states = torch.tensor([[0.0, 0.0], [101.0, 1.0], [99.0, 1.0], [101.0, 3.0], [99.0, 3.0], [0.0, 0.0]])
    rows = whitened(states)
    assert not rows[[0, 5]].any()
    assert torch.allclose(rows[1:5].abs(), torch.full((4, 2), 0.5**0.5))  # four corners of a square, norm 1


def test_a_direction_in_which_texts_do_not_differ_is_left_out():
    assert whitened(torch.tensor([[0.0, 0.0], [1.0, 7.0], [2.0, 7.0]])).shape == (3, 1)


def test_texts_that_do_not_differ_are_an_error():
    with pytest.raises(DataError, match="all items have the same text or vector"):
        whitened(torch.tensor([[0.0], [2.0], [2.0]]))
