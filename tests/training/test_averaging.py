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


def test_trained_weights_are_not_forgotten_in_the_first_steps(parameter):
    average = WeightAverage([parameter], 0.99, trained=True)
    with torch.no_grad():
        parameter += 1
    average.update()
    assert average.averages[0].item() == pytest.approx(0.01)


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


def test_between_turns_the_parameters_are_averages_and_the_weights_go_on_from_where_they_were(parameter):
    average = stepped(parameter, 0.1, [1.0, 2.0])
    average.rest()
    assert parameter.item() == pytest.approx(1.89)
    average.resume()
    assert parameter.item() == pytest.approx(2)
    assert average.averages[0].item() == pytest.approx(1.89)


def test_what_others_changed_between_turns_moves_weights_and_averages(parameter):
    average = stepped(parameter, 0.1, [1.0, 2.0])
    average.rest()
    with torch.no_grad():
        parameter += 3
    average.resume()
    assert parameter.item() == pytest.approx(5)
    assert average.averages[0].item() == pytest.approx(4.89)


def test_the_first_turn_begins_at_the_parameters(parameter):
    average = WeightAverage([parameter], 0.9)
    with torch.no_grad():
        parameter += 3
    average.resume()
    assert average.averages[0].item() == parameter.item() == 3
