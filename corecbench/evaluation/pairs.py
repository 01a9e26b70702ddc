"""Which items are no candidates of which users. B users of a batch, N items, w items of a block, S pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch


class Pairs(NamedTuple):
    """Pairs of a row of the batch and an item."""

    user: torch.Tensor
    """int64 [S], ascending."""
    item: torch.Tensor
    """int64 [S]."""

    def and_targets(self, target: torch.Tensor) -> Pairs:
        rows = torch.arange(len(target), device=target.device)
        return Pairs(*map(torch.cat, zip(self, (rows, target), (rows, torch.zeros_like(rows)), strict=True)))

    def by_item(self) -> Pairs:
        item, order = self.item.sort()
        return Pairs(self.user[order], item)

    def of(self, users: slice) -> Pairs:
        ends = torch.tensor([users.start, users.stop], device=self.user.device)
        first, last = (int(place) for place in torch.searchsorted(self.user, ends))
        return Pairs(self.user[first:last] - users.start, self.item[first:last])

    def of_rows(self, rows: torch.Tensor, n_rows: int) -> Pairs:
        number = torch.full((n_rows,), -1, device=rows.device)
        number[rows] = torch.arange(len(rows), device=rows.device)
        kept = number[self.user] >= 0
        return Pairs(number[self.user[kept]], self.item[kept])

    def places(self, items: slice, width: int) -> torch.Tensor:
        """Return where the pairs of some items stand in a block of this width that is laid out as one row.

        The pairs are those of `by_item`.
        """
        first, last = np.searchsorted(self.item.numpy(), (items.start, items.stop))
        places: torch.Tensor = self.user[first:last] * width + (self.item[first:last] - items.start)
        return places


class Absent(NamedTuple):
    """The items that do not exist for users: that came to be later than is allowed for them."""

    since: torch.Tensor
    """int32 [N+1], when an item came to be."""
    until: torch.Tensor
    """int32 [B], up to when it may have."""

    def of(self, users: slice | torch.Tensor) -> Absent:
        return Absent(self.since, self.until[users])

    def hide(self, scores: torch.Tensor, items: slice) -> None:
        later = self.since[items] > self.until[:, None]
        scores[:, : later.shape[1]].masked_fill_(later, -torch.inf)
