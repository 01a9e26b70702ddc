import pytest
import torch

from corecbench.api import DataError
from corecbench.toolkit import principal_axes, whitened, whitening


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


@pytest.mark.parametrize("turned_back", [False, True])
def test_wide_rows_are_compared_with_each_other_with_the_same_result(monkeypatch, turned_back):
    states = torch.randn(13, 40, generator=torch.Generator().manual_seed(0))
    states[[0, 5]] = 0
    usual = whitened(states, turned_back, n_new=2)
    monkeypatch.setattr(whitening, "WIDEST", 20)
    rows = whitened(states, turned_back, n_new=2)
    same = rows if turned_back else rows * (rows * usual).sum(dim=0).sign()  # a direction has no sign
    assert torch.allclose(same, usual, atol=1e-6)
    assert not rows[[0, 5]].any()


def test_principal_axes_of_few_wide_rows_are_those_of_the_product(monkeypatch):
    centred = torch.randn(6, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    usual, directions = principal_axes(centred, 3)
    monkeypatch.setattr(whitening, "WIDEST", 20)
    squared, found = principal_axes(centred, 3)
    assert torch.allclose(squared, usual[-6:])
    assert torch.allclose((found.T @ directions[:, -6:]).abs(), torch.eye(6, dtype=torch.float64), atol=1e-6)


def test_wide_texts_that_do_not_differ_are_an_error(monkeypatch):
    monkeypatch.setattr(whitening, "WIDEST", 2)
    with pytest.raises(DataError, match="all items have the same text or vector"):
        whitened(torch.ones(3, 5))
