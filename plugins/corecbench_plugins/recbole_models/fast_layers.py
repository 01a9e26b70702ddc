"""Layers of RecBole's models that are as exact and cost less: dropout and GELU, a fifth of a step of SASRec."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import dropout, gelu

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


def use_fast_layers(model: nn.Module) -> None:
    """Replace every `torch.nn.Dropout` of a model, and the GELU that RecBole computes in five steps."""
    for parent in list(model.modules()):
        for name, module in parent.named_children():
            if type(module) is nn.Dropout:
                setattr(parent, name, FastDropout(module.p))
        activation = getattr(parent, "intermediate_act_fn", None)
        if getattr(activation, "__name__", "") == "gelu":
            parent.intermediate_act_fn = gelu  # type: ignore[assignment]  # no module, but a function in RecBole too
