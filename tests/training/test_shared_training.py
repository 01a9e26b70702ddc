"""A step of two processes, each with its share of the batch, is that of one process with the whole batch."""

import pytest
import torch

STEPS = """
import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from corecbench.api import Catalog, Interactions, States, Training, last_position
from corecbench.training.examples import make_examples
from corecbench.training.frozen import FrozenStates
from corecbench.training.loop import SideTraining
from corecbench.training.shared_training import SharedTraining


class Model(nn.Module):
    def __init__(self, examples, at_each):
        super().__init__()
        torch.manual_seed(0)
        self.examples, self.at_each, self.drawn = examples, at_each, []
        self.item, self.unused = nn.Embedding(7, 3), nn.Parameter(torch.ones(2))
        self.register_buffer("buffer", torch.tensor(0.0 if replicas is None else 1.0 + index))

    def states(self, batch):
        if replicas is not None:
            self.drawn.append(torch.rand(()).item())
        user = self.item(batch.history).cumsum(dim=1)
        return States(user if self.at_each else last_position(user, batch.history), 2 * self.item.weight)


class Contrast:
    # tells some users of the batch apart from each other, and changes the items' states
    def losses(self, side, own, other, batch):
        place = torch.randperm(len(batch.user))[:3]
        own_user, other_user = (last_position(each.user, batch.history)[place] for each in (own, other))
        told_apart = cross_entropy(own_user @ other_user.T, torch.arange(len(place)))
        return {"users": told_apart, "items": (own.item - other.item).square().mean()}


def steps(examples, at_each, batch_size, coupled):
    model = Model(examples, at_each)
    items = [[1 + (user + step) % 6 for step in range(2 + user % 4)] for user in range(7)]
    users = np.repeat(np.arange(1, 8), [len(each) for each in items])
    train, names = Interactions(users, np.concatenate(items)), ("", *"abcdefg")
    made = make_examples(examples, train, Catalog("toy", names, names[:7], names[:7]), max_history=4)
    config = Training(batch_size=batch_size, loss_dtype="float32")
    arguments = ("domain", model, config, made, lambda model: model.buffer.item(), np.random.default_rng(0), 2)
    if replicas is None:
        side = SideTraining(*arguments)
    else:
        side = SharedTraining(*arguments, replicas=replicas, validate_together=lambda model: model.buffer.item())
    frozen = FrozenStates(torch.randn(len(made.contexts), 3), torch.randn(7, 3), None) if coupled else None
    torch.manual_seed(1)
    for rows, batch in made.batches(batch_size, np.random.default_rng(0)):
        model.zero_grad()
        loss = side.backward(side.loss(rows, batch, Contrast() if coupled else None, frozen))
        yield loss.item(), model.item.weight.grad.tolist(), model.unused.grad
    yield {"validation": side.validation(), "drawn": model.drawn}


found = [
    list(steps(*of_side, batch_size, coupled))
    for of_side in (("windows", True), ("windows", False), ("pairs", False))
    for batch_size in (1, 5)
    for coupled in (False, True)
]
"""


@pytest.fixture(scope="module")
def alone():
    """The steps of one process."""
    names = {"replicas": None, "index": 0}
    exec(STEPS, names)
    return names["found"]


@pytest.fixture(scope="module")
def both(in_two_processes):
    """The steps of two processes together, as they are in each."""
    return in_two_processes(STEPS)


def test_losses_and_gradients_are_those_of_one_process(alone, both):
    for together in both:
        assert len(together) == len(alone) == 12
        for mine, other in zip(together, alone, strict=True):
            for (loss, gradient, none), (expected_loss, expected, _) in zip(mine[:-1], other[:-1], strict=True):
                assert loss == pytest.approx(expected_loss, rel=1e-5)
                assert torch.allclose(torch.tensor(gradient), torch.tensor(expected), rtol=1e-5, atol=1e-6)
                assert none is None


def test_losses_and_gradients_are_the_same_in_all_processes_bit_for_bit(both):
    first, second = ([case[:-1] for case in each] for each in both)
    assert first == second


def test_buffers_are_those_of_the_first_process_when_an_epoch_is_validated(alone, both):
    assert {case[-1]["validation"] for case in alone} == {0.0}
    assert [{case[-1]["validation"] for case in each} for each in both] == [{1.0}, {1.0}]


def test_a_model_draws_otherwise_in_each_process(both):
    first, second = ([draw for case in each for draw in case[-1]["drawn"]] for each in both)
    assert len(first) == len(second) > 12
    assert not set(first) & set(second)


LOST = """
found = None
try:
    list(steps("windows", True, 5, False))
except CorecbenchError as error:
    found = str(error)
"""


def test_a_loss_that_is_no_number_in_one_process_is_an_error_in_both(in_two_processes):
    code = STEPS.partition("found =")[0].replace("2 * self.item.weight", "self.item.weight / index")
    first, second = in_two_processes(code + LOST)
    assert first == second
    assert first.startswith("the domain side's loss became ")
