"""Selects the best candidates of users from blocks of items, one after the other.

b users of a block, w items of a block, m candidates to keep, n found ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import embedding

from corecbench.evaluation.scores import GROUP

SETS = 3
"""Sets of groups for each candidate to keep: more of them give a closer bound, which takes longer to find."""
MOST = 1 / 4
"""Share of the groups above the bound from which on a selection from the whole block is faster."""


class Best(NamedTuple):
    """The best candidates of users."""

    items: torch.Tensor
    """int64 [b, k]."""
    scores: torch.Tensor
    """float32 [b, k]; -inf where there is no candidate."""


def select(kept: Best | None, block: torch.Tensor, first: int, m: int) -> Best:
    """Return the m highest scores of those that were kept and of a block, or all where there are fewer.

    Args:
        kept: of the blocks before.
        block: float32 [b, w], -inf for what is no candidate.
        first: the item at the first place of the block.
        m: from 1.
    """
    if kept is None:
        kept = Best(torch.zeros_like(block[:, :0], dtype=torch.int64), block[:, :0])
    floor = kept.scores.amin(dim=1, keepdim=True) if kept.scores.shape[1] == m else None
    found = highest(block, floor, m)
    found = found._replace(items=found.items + first)
    items, scores = (torch.cat(parts, dim=1) for parts in zip(kept, found, strict=True))
    best, place = scores.topk(min(m, scores.shape[1]), sorted=False)
    return Best(items.gather(1, place), best)


def highest(block: torch.Tensor, floor: torch.Tensor | None, m: int) -> Best:
    """Return places and scores of the m highest, or of all that is above the floor [b, 1], filled up with -inf.

    Only groups of items whose highest score is above the floor are looked into. Without a floor it is one that the
    m highest scores exceed.
    """
    groups = block.unflatten(1, (-1, GROUP))
    top = groups.amax(dim=2)  # [b, w / GROUP]
    if floor is None:
        floor = floor_of(top, m)
    row, group = marked(top > floor)
    if len(row) > MOST * top.numel():
        return whole(block, m)
    scores = embedding(row * groups.shape[1] + group, groups.flatten(0, 1))  # [n, GROUP]
    number, within = marked(scores > floor[row])
    row, group = row[number], group[number]
    return in_rows(row, group * GROUP + within, scores[number, within], (len(block), m))


def whole(block: torch.Tensor, m: int) -> Best:
    return Best(*reversed(block.topk(min(m, block.shape[1]), sorted=False)))


def floor_of(top: torch.Tensor, m: int) -> torch.Tensor:
    """Return a score that is less than the m highest of each row, float32 [b, 1], from maxima of its groups [b, g].

    m sets of groups have a maximum that is at least the m-th highest of such maxima. The groups of a set stand
    apart, so that the bound is close even if items are in order of their scores.
    """
    n_sets = SETS * m
    if top.shape[1] < n_sets:
        return top.new_full((len(top), 1), -torch.inf)
    in_sets = top[:, : top.shape[1] // n_sets * n_sets]
    lowest = in_sets.unflatten(1, (-1, n_sets)).amax(dim=1).topk(m, sorted=False).values.amin(dim=1, keepdim=True)
    return torch.nextafter(lowest, torch.full_like(lowest, -torch.inf))


def in_rows(row: torch.Tensor, place: torch.Tensor, score: torch.Tensor, least: tuple[int, int]) -> Best:
    count = torch.bincount(row, minlength=least[0])
    column = torch.arange(len(row)) - (count.cumsum(dim=0) - count)[row]
    shape = least[0], max(int(count.max()), least[1])
    best = Best(row.new_zeros(shape), score.new_full(shape, -torch.inf))
    best.items[row, column], best.scores[row, column] = place, score
    return best


def marked(mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    place = np.flatnonzero(mask.numpy())  # several times as fast as torch where little is true
    return tuple(map(torch.from_numpy, np.divmod(place, mask.shape[1])))  # type: ignore[return-value]
