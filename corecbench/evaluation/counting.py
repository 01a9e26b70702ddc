"""Ranks targets by counting, and selects the best candidates in the same pass over blocks of users and items.

Fast scores decide wherever they differ by more than their error, and exact scores decide the rest. So ranks and
lists are those of exact scores.

B users of a batch, b users of a block, w items of a block, S pairs of a user and an item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import embedding

from corecbench.evaluation.far_counting import count_without_waiting
from corecbench.evaluation.scores import ALL, GROUP
from corecbench.evaluation.selection import Best, marked, select

if TYPE_CHECKING:
    from collections.abc import Iterable

    from corecbench.evaluation.pairs import Absent, Pairs
    from corecbench.evaluation.scores import Scores

BLOCKS = ((256, 1024), (256, 4096))
"""Users and items of a block, without lists and with lists.

The scores of a block stay in the processor's cache. With lists a block is wider: fewer selections are merged.
"""
SPARE = 4
"""Candidates that are kept beyond the k best, since exact scores can change the order at the end of a list."""
FEW = 1 / 64
"""Share of a block up to which exact scores are computed pair by pair, and not by a product of matrices."""
MANY_PAIRS = 2**12
"""Pairs whose exact scores are computed together."""
WHOLE_ROWS = 2**22
"""Exact scores that are held at a time where the fast ones do not settle a list."""
FRONT = 1 / 16
"""Share of the items by which most targets are found to be far down."""


def count_to(
    place: int, scores: Scores, target: torch.Tensor, left_out: Pairs, absent: Absent | None = None
) -> tuple[torch.Tensor, Best]:
    """Return what `count_ranks` does without lists, but any rank beyond a place for what is further down.

    A target that has so many better ones among the first items is not counted on.
    """
    front = int(FRONT * scores.n_items) // GROUP * GROUP
    if not front or target.device.type != "cpu":
        return count_ranks(scores, target, left_out, 0, absent)
    rank, nothing = count_ranks(scores, target, left_out, 0, absent, slice(0, front))
    rows = (rank <= place).nonzero().squeeze(1)
    if len(rows):
        of_rows = scores.of_rows(rows), target[rows], left_out.of_rows(rows, len(target)), 0
        others, _ = count_ranks(*of_rows, None if absent is None else absent.of(rows), slice(front, None))
        rank[rows] += others - 1
    return rank, nothing


def count_ranks(
    scores: Scores,
    target: torch.Tensor,
    left_out: Pairs,
    k: int,
    absent: Absent | None = None,
    among: slice = ALL,
) -> tuple[torch.Tensor, Best]:
    """Rank each user's target among the candidates, and select the k best candidates.

    The rank is 1 + the other candidates whose exact score is at least that of the target.

    Args:
        scores: of B users.
        target: int64 [B], from 1; always a candidate, even if it is left out.
        left_out: items that are no candidates.
        k: from 0 to N.
        absent: further items that are no candidates; none of them is a target.
        among: the items, from 0, that are counted on a processor.

    Returns:
        The ranks, int64 [B], and the best candidates, best first, of equal ones the lower index first; where there
        are fewer than k, the item is 0 and its score -inf.
    """
    if target.device.type != "cpu":
        return count_without_waiting(scores, target, left_out, k, absent)
    of_target = scores.of_pairs(torch.arange(len(target)), target)
    ranks, lists = [], []
    for users, blocks in scores.blocks(*BLOCKS[k > 0], among):
        not_there = None if absent is None else absent.of(users)
        block = UserBlock(scores, users, target[users], of_target[users], left_out.of(users), k, not_there)
        rank, best = block.count(blocks)
        ranks.append(rank)
        lists.append(best)
    return torch.cat(ranks), Best(*(torch.cat(parts) for parts in zip(*lists, strict=True)))


@dataclass
class UserBlock:
    """Users whose scores are counted together."""

    scores: Scores
    users: slice
    target: torch.Tensor
    """int64 [b]."""
    of_target: torch.Tensor
    """float32 [b], the targets' exact scores."""
    left_out: Pairs
    k: int
    absent: Absent | None = None

    def __post_init__(self) -> None:
        rows = torch.arange(len(self.target), device=self.target.device)
        self.rows = rows + self.users.start
        self.hidden = self.left_out.and_targets(self.target).by_item()
        self.unsure: list[tuple[torch.Tensor, torch.Tensor]] = []
        margin = self.scores.margin
        self.margin = torch.zeros_like(self.of_target) if margin is None else margin[self.users]
        self.low, self.high = self.of_target - self.margin, self.of_target + self.margin
        self.exact = margin is None

    def count(self, blocks: Iterable[tuple[slice, torch.Tensor]]) -> tuple[torch.Tensor, Best]:
        """Return ranks and best candidates from the fast scores of all items, a block at a time.

        The target's own score is left out of the blocks, so that the count is of the others.
        """
        rank, kept = torch.ones_like(self.target), None
        for items, block in blocks:
            block.view(-1)[self.hidden.places(items, block.shape[1])] = -torch.inf
            if self.absent is not None:
                self.absent.hide(block, items)
            rank += self.n_at_least(items, block)
            if sum(len(user) for user, _ in self.unsure) > MANY_PAIRS:
                rank += self.n_of_unsure()
            if self.k:
                kept = select(kept, block, items.start, self.k + SPARE)
        return rank + self.n_of_unsure(), self.listed(kept)

    def n_at_least(self, items: slice, block: torch.Tensor) -> torch.Tensor:
        """Return for each user how many scores of the block are at least that of the target, int64 [b].

        A few that exact scores must decide are noted in `unsure`, and not counted.
        """
        number = n_from(block, self.high)
        if self.exact:
            return number
        rows = (n_from(block, self.low) > number).nonzero().squeeze(1)
        if len(rows):
            part = embedding(rows, block)
            between = (part >= self.low[rows, None]) & (part < self.high[rows, None])
            if np.count_nonzero(between.numpy()) > FEW * between.numel():
                exact = self.scores.of_users(self.rows[rows], items) >= self.of_target[rows, None]
                number[rows] += (exact & between[:, : exact.shape[1]]).sum(dim=1)
            else:
                row, place = marked(between)
                self.unsure.append((rows[row], items.start + place))
        return number

    def n_of_unsure(self) -> torch.Tensor | int:
        if not self.unsure:
            return 0
        user, item = map(torch.cat, zip(*self.unsure, strict=True))
        self.unsure = []
        enough = self.scores.of_pairs(self.rows[user], item) >= self.of_target[user]
        return torch.bincount(user[enough], minlength=len(self.rows))

    def listed(self, kept: Best | None) -> Best:
        """Return the k best candidates by exact scores, of those that were kept by fast scores, and the target."""
        if kept is None:
            return Best(self.target.new_zeros(len(self.target), 0), self.of_target.new_zeros(len(self.target), 0))
        missing = kept.scores == -torch.inf
        items = kept.items.masked_fill(missing, 0)
        exact = self.scores.of_pairs(self.rows[:, None], items).masked_fill(missing, -torch.inf)
        candidates = (items, self.target[:, None]), (exact, self.of_target[:, None])
        best = in_order(Best(*(torch.cat(parts, dim=1) for parts in candidates)), self.k)
        if kept.items.shape[1] == self.k + SPARE:  # others were dropped
            dropped = kept.scores.amin(dim=1)
            unsure = (dropped > -torch.inf) & (best.scores[:, -1] <= dropped + self.margin)
            for rows in unsure.nonzero().squeeze(1).split(max(WHOLE_ROWS // self.scores.n_items, 1)):
                best.items[rows], best.scores[rows] = self.listed_exactly(rows)
        return best

    def listed_exactly(self, rows: torch.Tensor) -> Best:
        """Return the k best candidates of some users, by the exact scores of all items."""
        scores = self.scores.of_users(self.rows[rows], slice(None))
        if self.absent is not None:
            self.absent.of(rows).hide(scores, slice(None))
        for number, row in enumerate(rows):
            scores[number, self.hidden.item[self.hidden.user == row]] = -torch.inf
        scores[torch.arange(len(rows), device=rows.device), self.target[rows]] = self.of_target[rows]
        lowest = scores.topk(self.k).values[:, -1:]  # of equal items `topk` takes any
        higher, equal = scores > lowest, scores == lowest
        chosen = higher | (
            equal & (equal.cumsum(dim=1) <= self.k - higher.sum(dim=1, keepdim=True))
        )  # k in each row
        items = chosen.nonzero()[:, 1].view(-1, self.k)
        return in_order(Best(items, scores.gather(1, items)), self.k)


def n_from(block: torch.Tensor, bound: torch.Tensor) -> torch.Tensor:
    is_from = torch.ge(
        block, bound[:, None], out=torch.empty_like(block)
    )  # a float mask is made and summed fastest
    return is_from.sum(dim=1).long()  # exact below 2**24


def in_order(best: Best, k: int) -> Best:
    items, order = best.items.sort(dim=1)
    scores, place = best.scores.gather(1, order).sort(dim=1, descending=True, stable=True)
    return Best(items.gather(1, place)[:, :k].masked_fill(scores[:, :k] == -torch.inf, 0), scores[:, :k])
