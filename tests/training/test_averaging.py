import pytest
import torch
from torch import nn

from corecbench.training.averaging import WeightAverage


@pytest.fixture
def parameter():
    return nn.Parameter(torch.tensor([0.0]))


def stepped(parameter, decay, values):
    average = WeightAverage([parameter], decay)
    for value in values:
        with torch.no_grad():
            parameter.fill_(value)
        average.update()
    return average


def test_each_step_moves_the_average_by_what_the_decay_leaves(parameter):
    average = stepped(parameter, 0.1, [1.0, 2.0])
    # 0.1 * 0 + 0.9 * 1 = 0.9, then 0.1 * 0.9 + 0.9 * 2 = 1.89; the early limit, 2/11, is higher than 0.1
    assert average.averages[0].item() == pytest.approx(1.89)


def test_early_steps_forget_faster_than_the_decay(parameter):
    average = stepped(parameter, 0.99, [1.0, 3.0])
    # decays 2/11 and 3/12: 9/11 * 1, then 3/12 * 9/11 + 9/12 * 3
    assert average.averages[0].item() == pytest.approx(3 / 12 * 9 / 11 + 9 / 12 * 3)


def test_the_average_is_in_place_inside_the_block_and_the_weights_are_back_after_it(parameter):
    average = stepped(parameter, 0.1, [1.0])
    with average.applied():
        assert parameter.item() == pytest.approx(0.9)
    assert parameter.item() == 1.0
    assert average.averages[0].item() == pytest.approx(0.9)


def test_the_weights_are_back_after_an_error(parameter):
    average = stepped(parameter, 0.1, [1.0])
    with pytest.raises(RuntimeError), average.applied():
        raise RuntimeError
    assert parameter.item() == 1.0
