"""Cross-entropy over a whole catalogue, in blocks that stay in the processor's cache."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

SCORES_PER_BLOCK = {"cpu": 2**20, "cuda": 2**26}
"""Where they are computed -> scores that are held at a time: 4 and 256 MiB in float32."""


def full_softmax_loss(user: torch.Tensor, item: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of the targets among all items.

    The scores are never held together, nor computed twice: the gradients are found in the forward pass. So it has
    them once, and takes half the time and a fraction of the memory of scores that are kept for the backward pass.

    Args:
        user: states, float [P, d].
        item: states, float [N, d].
        target: rows of `item`, int64 [P].
    """
    loss: torch.Tensor = _FullSoftmax.apply(user, item, target)
    return loss


class _FullSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, user: torch.Tensor, item: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        size = SCORES_PER_BLOCK.get(user.device.type, SCORES_PER_BLOCK["cpu"])
        of_user, of_item, total = torch.empty_like(user), torch.zeros_like(item), user.new_zeros(())
        for rows in torch.arange(len(user), device=user.device).split(max(size // len(item), 1)):
            own = torch.arange(len(rows), device=user.device), target[rows]
            scores = user[rows] @ item.T
            scores -= scores.amax(dim=1, keepdim=True)
            total -= scores[own].sum()
            normaliser = scores.exp_().sum(dim=1, keepdim=True)
            total += normaliser.log().sum()
            scores /= normaliser
            scores[own] -= 1
            of_user[rows] = scores @ item
            of_item.addmm_(scores.T, user[rows])
        ctx.save_for_backward(of_user, of_item)
        return total / len(user)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        of_user, of_item = ctx.saved_tensors
        scale = gradient / len(of_user)
        return scale * of_user, scale * of_item, None
