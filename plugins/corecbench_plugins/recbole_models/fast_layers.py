"""Layers of RecBole's models that are as exact and cost less, or do not depend on the number of threads.

Dropout and GELU take a fifth of a step of SASRec.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import dropout, gelu

from corecbench.toolkit import one_thread

PER_WORD = 4
"""Random numbers of 16 bits in each random word of 64."""


class FastDropout(nn.Module):
    """`torch.nn.Dropout` with probabilities that are multiples of 2**-16. On a GPU it is torch's own.

    On a processor, torch draws a number for each value one by one, which costs ten times as much.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the values, in training with a share of them zero and the others scaled up."""
        if not self.training or self.p in (0, 1) or values.device.type != "cpu":
            return dropout(values, self.p, self.training)
        return values * kept(values, self.p)


def kept(values: torch.Tensor, p: float) -> torch.Tensor:
    """Return 0 with probability p, else 1 / (1 - p), independently for each value, in their shape and dtype."""
    words = torch.empty(-(-values.numel() // PER_WORD), dtype=torch.int64).random_(-(2**63), None)
    numbers = words.view(torch.int16)[: values.numel()].view(values.shape)
    threshold = round(p * 2**16) - 2**15
    mask = torch.ge(numbers, threshold, out=torch.empty(values.shape, dtype=values.dtype))
    return mask.div_(1 - p)


class SteadyLayerNorm(nn.LayerNorm):
    """`torch.nn.LayerNorm` whose gradients have the same last digits with any number of threads of a processor.

    The gradients of weight and bias are sums over all positions. Torch (seen with 2.13) gives each thread a part of
    them, so that the order of adding depends on the number of threads; it is the first difference between two
    trainings of SASRec. Here one thread adds.
    """

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the normalised values."""
        usual = values.device.type != "cpu" or values.dtype != self.weight.dtype or torch.get_num_threads() == 1
        if usual or not torch.is_grad_enabled():
            return super().forward(values)
        normalised: torch.Tensor = _SteadyLayerNorm.apply(values, self.weight, self.bias, self.eps)
        return normalised


class _SteadyLayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float
    ) -> torch.Tensor:
        values = values.contiguous()
        normalised, mean, scale = torch.native_layer_norm(values, weight.shape, weight, bias, eps)
        ctx.save_for_backward(values, weight, bias, mean, scale)
        return normalised

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        values, weight, bias, mean, scale = ctx.saved_tensors
        with one_thread():
            of_all = torch.ops.aten.native_layer_norm_backward(
                gradient.contiguous(), values, weight.shape, mean, scale, weight, bias, [True, True, True]
            )
        return (*of_all, None)


def steady(module: nn.LayerNorm) -> SteadyLayerNorm:
    """Return a layer with the parameters of another one."""
    layer = SteadyLayerNorm(module.normalized_shape, module.eps)
    layer.weight, layer.bias = module.weight, module.bias
    return layer


def use_fast_layers(model: nn.Module) -> None:
    """Replace every dropout and layer norm of a model, and the GELU that RecBole computes in five steps."""
    for parent in list(model.modules()):
        for name, module in parent.named_children():
            if type(module) is nn.Dropout:
                setattr(parent, name, FastDropout(module.p))
            elif type(module) is nn.LayerNorm and module.bias is not None:
                setattr(parent, name, steady(module))
        activation = getattr(parent, "intermediate_act_fn", None)
        if getattr(activation, "__name__", "") == "gelu":
            parent.intermediate_act_fn = gelu  # type: ignore[assignment]  # no module, but a function in RecBole too
