"""Ranks targets and selects the best candidates on a GPU, by exact scores alone.

The sizes of all tensors are known before, so that the GPU is never waited for. B users, w items of a block, S pairs
of a user and an item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

from corecbench.evaluation.selection import Best

if TYPE_CHECKING:
    from corecbench.evaluation.pairs import Absent, Pairs
    from corecbench.evaluation.scores import Scores

BLOCK = 2**24
"""Most scores of a block: 128 MB in float64."""
LAST = 2**31 - 1
"""The largest number of an item, and the bits of a float32 beside its sign."""


def count_without_waiting(
    scores: Scores, target: torch.Tensor, left_out: Pairs, k: int, absent: Absent | None = None
) -> tuple[torch.Tensor, Best]:
    """Do what `counting.count_ranks` does, where waiting for sizes costs more than exact scores."""
    rows, width = torch.arange(len(target), device=target.device), max(1, BLOCK // len(target))
    of_target = scores.of_pairs(rows, target)[:, None]
    hidden = left_out.and_targets(target)
    rank, kept = torch.ones_like(target), in_one(of_target, target[:, None])
    for start in range(0, scores.n_items + 1, width):
        items = slice(start, min(start + width, scores.n_items + 1))
        block = without(hidden, scores.of_users(rows, items), start, absent)
        rank += (block >= of_target).sum(dim=1)
        if k:
            numbers = torch.arange(items.start, items.stop, device=target.device)
            found = torch.cat([kept, in_one(block, numbers)], dim=1)
            kept = found.topk(min(k, found.shape[1])).values
    return rank, listed(kept[:, :k])


def without(hidden: Pairs, block: torch.Tensor, start: int, absent: Absent | None) -> torch.Tensor:
    """Return a block of scores [B, w] in which what is hidden or absent has -inf.

    Pairs of other items are written into a column that is cut off again.
    """
    width = block.shape[1]
    if absent is not None:
        absent.hide(block, slice(start, start + width))
    place = hidden.item - start
    wider = pad(block, (0, 1))
    wider[hidden.user, torch.where((place >= 0) & (place < width), place, width)] = -torch.inf
    return wider[:, :width]


def in_one(scores: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
    """Return scores, float32, and their items as single numbers: int64, higher scores first, then lower items.

    >>> in_one(torch.tensor([0.5, -0.0, 0.0, -2.0]), torch.tensor([7, 3, 4, 1])).argsort(descending=True).tolist()
    [0, 1, 2, 3]
    """
    bits = (scores + 0.0).view(torch.int32)  # -0.0 becomes 0.0
    ascending = torch.where(bits < 0, bits ^ LAST, bits).long()
    return (ascending << 32) + (LAST - items)


def listed(numbers: torch.Tensor) -> Best:
    ascending = (numbers >> 32).int()
    scores = torch.where(ascending < 0, ascending ^ LAST, ascending).view(torch.float32)
    items = LAST - (numbers & 0xFFFFFFFF)
    return Best(items.masked_fill(scores == -torch.inf, 0), scores)
