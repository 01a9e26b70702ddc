"""One side trains while the other is frozen."""

import pytest
import torch

from corecbench.training.frozen import CONTEXTS_PER_BATCH
from corecbench.training.weights import snapshot


class Coupling:
    """Keeps what it is given and returns fixed losses."""

    def __init__(self, **losses):
        self.terms, self.calls = losses, []

    def losses(self, side, own, other, batch):
        self.calls.append((side, own, other, batch))
        return {name: torch.tensor(value) for name, value in self.terms.items()}


@pytest.fixture
def other(toy_model):
    torch.manual_seed(1)
    return toy_model()


def test_the_other_side_is_computed_once_for_a_turn(make_side_training, other):
    side_training = make_side_training(n_users=CONTEXTS_PER_BATCH + 1, batch_size=64)
    side_training.train_turn(1, 3, Coupling(), make_side_training(model=other), lambda record: None)
    sizes = [len(batch.user) for batch in other.batches]
    assert sizes == [CONTEXTS_PER_BATCH, len(side_training.examples) - CONTEXTS_PER_BATCH]


def test_the_other_side_is_computed_anew_for_the_next_turn(make_side_training, other):
    side_training = make_side_training()
    for turn in (1, 2):
        side_training.train_turn(turn, 1, Coupling(), make_side_training(model=other), lambda record: None)
    assert len(other.batches) == 2


def test_the_other_side_gets_no_gradient_and_does_not_change(make_side_training, other):
    before = snapshot(other)
    coupling = Coupling()
    make_side_training().train_turn(1, 2, coupling, make_side_training(model=other), lambda record: None)
    assert all(parameter.grad is None for parameter in other.parameters())
    assert torch.equal(other.item.weight, before["item.weight"])
    assert not any(
        tensor.requires_grad for _, _, of_other, _ in coupling.calls for tensor in vars(of_other).values()
    )


def test_no_graph_is_built_for_the_other_side(make_side_training, other):
    make_side_training().train_turn(1, 1, Coupling(), make_side_training(model=other), lambda record: None)
    assert set(other.with_graph) == {False}


def test_nothing_is_random_in_the_other_side(make_side_training, other):
    other.train()
    make_side_training().train_turn(1, 1, Coupling(), make_side_training(model=other), lambda record: None)
    assert set(other.modes) == {False}


def test_the_states_of_the_other_side_are_those_of_the_batch(make_side_training, other):
    coupling = Coupling()
    side_training = make_side_training()
    side_training.train_turn(1, 2, coupling, make_side_training(model=other), lambda record: None)
    assert {side for side, *_ in coupling.calls} == {"domain"}
    for _, own, of_other, batch in coupling.calls:
        assert torch.equal(own.item, side_training.model.item.weight)
        assert of_other.user.shape == own.user.shape
        is_item = (batch.history != 0)[..., None]  # at padding the states are 0
        assert torch.equal(of_other.user, other.item(batch.history) * is_item)
        assert torch.equal(of_other.item, other.item.weight)


def test_coupling_terms_are_added_to_the_task_loss(make_side_training, other):
    reported = []
    for coupling in (Coupling(), Coupling(near=1.0, far=2.0)):
        side_training = make_side_training(learning_rate=0.0)
        side_training.train_turn(
            1, 1, coupling, make_side_training(model=other), lambda record: reported.append(record["loss"])
        )
    assert reported[1] - reported[0] == pytest.approx(1 + 2)


def test_a_coupling_term_trains_the_side_that_is_in_training(make_side_training, other):
    class Pull(Coupling):
        def losses(self, side, own, other, batch):
            return {"pull": 100 * (own.item - other.item).square().mean()}

    side_training = make_side_training(learning_rate=0.05)

    def distance():
        return (side_training.model.item.weight - other.item.weight).norm().item()

    distances = [distance()]
    side_training.train_turn(1, 9, Pull(), make_side_training(model=other), lambda _: distances.append(distance()))
    assert distances[-1] < distances[0] / 2
