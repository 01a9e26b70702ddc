"""Fast layers against what they stand for."""

import pytest
import torch
from torch import nn

from corecbench_plugins.recbole_models.fast_layers import FastDropout, kept, steady, use_fast_layers


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
def test_each_value_is_dropped_with_the_probability(p):
    torch.manual_seed(0)
    n = 4 * 10**6
    mask = kept(torch.empty(n), p)
    for lane in range(4):  # each random word gives four numbers
        dropped = (mask[lane::4] == 0).float().mean().item()
        assert dropped == pytest.approx(p, abs=5 * (p * (1 - p) / (n / 4)) ** 0.5)
    assert mask.mean().item() == pytest.approx(1, abs=0.01)
    assert mask.unique().tolist() == [0, pytest.approx(1 / (1 - p))]


def test_neighbouring_values_are_dropped_independently():
    torch.manual_seed(0)
    dropped = (kept(torch.empty(10**6), 0.5) == 0).float() - 0.5
    for distance in (1, 2, 3, 4, 5):
        assert abs((dropped[distance:] * dropped[:-distance]).mean().item()) < 0.25 * 5 / 1000


@pytest.mark.parametrize("shape", [(1,), (3,), (5, 7), (2, 3, 4)])
def test_values_of_any_shape_keep_it_and_gradients_are_those_of_the_mask(shape):
    values = torch.ones(shape, requires_grad=True)
    out = FastDropout(0.5)(values)
    assert out.shape == shape
    out.sum().backward()
    assert torch.equal(values.grad, out.detach())


def test_one_seed_gives_one_mask():
    masks = []
    for _ in range(2):
        torch.manual_seed(3)
        masks.append(kept(torch.empty(1000), 0.3))
    assert torch.equal(*masks)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_nothing_and_everything_can_be_dropped(p):
    assert FastDropout(p)(torch.ones(8)).tolist() == [1 - p] * 8


def test_evaluation_drops_nothing():
    assert FastDropout(0.5).eval()(torch.ones(8)).tolist() == [1] * 8


def test_every_dropout_of_a_model_is_replaced():
    model = nn.Sequential(nn.Dropout(0.2), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.4)))
    use_fast_layers(model)
    assert [module.p for module in model.modules() if isinstance(module, FastDropout)] == [0.2, 0.4]
    assert not any(isinstance(module, nn.Dropout) for module in model.modules())


def test_recbole_s_gelu_is_torch_s():
    from recbole.model.layers import FeedForward

    layer = FeedForward(4, 8, 0.0, "gelu", 1e-12).eval()
    values = torch.linspace(-4, 4, 12).view(3, 4)
    before = layer(values)
    use_fast_layers(layer)
    assert layer.intermediate_act_fn is nn.functional.gelu
    assert torch.allclose(layer(values), before, atol=1e-6)


# --- layer norm ---------------------------------------------------------------------------------------------------


@pytest.fixture
def threads():
    """Set the number of torch's threads for the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def gradients(layer, threads, n_threads):
    threads(n_threads)
    values = torch.randn(64, 50, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    layer.zero_grad()
    output = layer(values)
    (output * torch.linspace(-1, 1, 64)).square().sum().backward()
    return [output.detach(), values.grad, layer.weight.grad, layer.bias.grad]


@pytest.mark.parametrize("n_threads", [2, 3, 5])
def test_layer_norm_has_the_same_gradients_with_any_number_of_threads(threads, n_threads):
    usual = torch.nn.LayerNorm(64)
    expected = gradients(usual, threads, 1)
    steady_ones = gradients(steady(usual), threads, n_threads)
    assert all(map(torch.equal, steady_ones, expected))


def test_layer_norm_leaves_the_number_of_threads_as_it_is(threads):
    gradients(steady(torch.nn.LayerNorm(64)), threads, 2)
    assert torch.get_num_threads() == 2
