import pytest
import torch
from torch.nn.functional import cross_entropy

from corecbench.toolkit import full_softmax
from corecbench.toolkit.full_softmax import full_softmax_loss


@pytest.fixture
def states():
    """Users [7, 4], items [11, 4] and targets [7], some of them the same."""
    generator = torch.Generator().manual_seed(0)
    user, item = (torch.randn(n, 4, generator=generator, requires_grad=True) for n in (7, 11))
    return user, item, torch.tensor([3, 3, 0, 10, 5, 1, 3])


def gradients(loss, user, item):
    return torch.autograd.grad(2 * loss, (user, item))


@pytest.mark.parametrize("block", [1, 22, 33, 2**20])
def test_loss_and_gradients_are_those_of_all_scores_at_once(monkeypatch, states, block):
    user, item, target = states
    monkeypatch.setitem(full_softmax.SCORES_PER_BLOCK, "cpu", block)
    loss, expected = full_softmax_loss(user, item, target), cross_entropy(user @ item.T, target)
    assert loss.item() == pytest.approx(expected.item())
    for own, wanted in zip(gradients(loss, user, item), gradients(expected, user, item), strict=True):
        assert torch.allclose(own, wanted, atol=1e-6)


def test_scores_that_would_overflow_are_no_trouble(states):
    user, item, target = states
    loss, expected = full_softmax_loss(500 * user, item, target), cross_entropy(500 * user @ item.T, target)
    assert loss.item() == pytest.approx(expected.item())
    assert all(gradient.isfinite().all() for gradient in gradients(loss, user, item))


def test_a_state_that_is_not_trained_gets_no_gradient(states):
    user, item, target = states
    full_softmax_loss(user, item.detach(), target).backward()
    assert user.grad is not None
    assert item.grad is None


def test_bfloat16_changes_loss_and_gradients_by_its_rounding_only():
    generator = torch.Generator().manual_seed(1)
    user, item = (torch.randn(n, 64, generator=generator, requires_grad=True) for n in (300, 2000))
    target = torch.randint(0, 2000, (300,), generator=generator)
    (loss, *own), (expected, *wanted) = (
        (value := full_softmax_loss(user, item / 4, target, dtype), *gradients(value, user, item))
        for dtype in (torch.bfloat16, torch.float32)
    )
    assert loss.item() == pytest.approx(expected.item(), rel=1e-3)
    assert all((a - b).norm() < 0.01 * b.norm() for a, b in zip(own, wanted, strict=True))


def test_a_probability_that_bfloat16_rounds_to_zero_has_a_finite_loss():
    user, item = torch.tensor([[200.0]], requires_grad=True), torch.tensor([[1.0], [-1.0]])
    loss = full_softmax_loss(user, item, torch.tensor([1]), torch.bfloat16)
    assert loss.item() == pytest.approx(400)
