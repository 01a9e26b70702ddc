"""A pretended device computes what the processor computes, and finds what a GPU would refuse or wait for."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from corecbench.testing.far_device import DEVICE, FarDevice


@pytest.fixture
def device():
    with FarDevice() as device:
        yield device


def weights_after_training(device):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4), torch.nn.GELU()).to(device)
    recurrent = torch.nn.GRU(4, 4, batch_first=True).to(device)
    given = torch.randn(5, 6, 3).to(device)
    optimizer = torch.optim.AdamW([*model.parameters(), *recurrent.parameters()], lr=0.1, fused=True)
    for _ in range(3):
        state, _ = recurrent(model(given))
        loss = scaled_dot_product_attention(state, state, state, is_causal=True).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [weight.detach().cpu() for weight in (*model.parameters(), *recurrent.parameters())]


def test_it_trains_as_the_processor_does(device):
    own, expected = weights_after_training(DEVICE), weights_after_training("cpu")
    for tensor, other in zip(own, expected, strict=True):
        torch.testing.assert_close(tensor, other, rtol=1e-3, atol=1e-4)


def test_tensors_of_both_devices_are_refused_with_the_place(device):
    with pytest.raises(RuntimeError, match=r"add of tensors on two devices, at testing/test_far_device.py:\d+; "):
        torch.ones(2, device=DEVICE) + torch.ones(2)
    assert (torch.ones(2, device=DEVICE) + torch.tensor(1.0)).tolist() == [2, 2]


@pytest.mark.parametrize(
    "wait",
    [
        lambda tensor: tensor.sum().item(),
        lambda tensor: tensor.tolist(),
        lambda tensor: tensor.nonzero(),
        lambda tensor: tensor[tensor > 1],
        lambda tensor: tensor.unique(),
        lambda tensor: tensor.cpu(),
        lambda tensor: bool((tensor > 1).all()),
    ],
)
def test_what_a_gpu_is_waited_for_is_counted(device, wait):
    tensor = torch.tensor([1.0, 2.0], device=DEVICE)
    assert not device.waits
    wait(tensor)
    assert sum(device.waits.values()) == 1
    assert next(iter(device.waits)).startswith("testing/test_far_device.py:")


def test_nothing_else_is_counted(device):
    tensor = torch.ones(3, device=DEVICE)
    tensor[torch.arange(2, device=DEVICE)] *= 2
    torch.where(tensor > 1, tensor, -tensor).cumsum(0)
    assert not device.waits
    assert not device.copies


def test_copies_are_counted_but_those_from_pinned_memory_that_go_on_by_themselves(device):
    torch.ones(3).pin_memory().to(DEVICE, non_blocking=True)
    assert not device.copies
    torch.ones(3).to(DEVICE, non_blocking=True)
    torch.ones(3).pin_memory().to(DEVICE)
    torch.as_tensor([1.0, 2.0], device=DEVICE)
    torch.empty(3, device=DEVICE).copy_(torch.ones(3))
    assert sum(device.copies.values()) == 4
