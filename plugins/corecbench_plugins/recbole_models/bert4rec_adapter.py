"""Adapter of RecBole's BERT4Rec: items of a window are masked and recovered from what stands on both sides.

B windows, L positions, N items, d the width of the item table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import embedding

from corecbench_plugins.recbole_models.adapter import targets_of
from corecbench_plugins.recbole_models.sequential_adapters import PrefixStates

if TYPE_CHECKING:
    from corecbench.api import Batch, Table
    from corecbench_plugins.recbole_models.training_part import TrainingPart


class Bert4Rec(PrefixStates):
    """BERT4Rec: items of a window are masked and recovered (Sun et al., CIKM 2019, arXiv 1904.06690).

    Items are masked as in RecBole: each with probability `mask_ratio` or, in a share `ft_ratio` of the batches,
    only the last one. At least one item of a window is masked, and never the first, which RecBole's loss leaves
    out. The item states are the item rows with the items' biases, so they are one wider than the table.
    """

    def adapt(self, part: TrainingPart) -> None:
        """Give the item table a row for the mask, which belongs to the model."""
        self.model.item_embedding = TableWithMask(self.model.item_embedding)

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the cross-entropy of the masked items of the windows."""
        items = torch.cat([batch.history[:, :1], targets_of(batch)], dim=1)  # [B, L+1]
        if items.shape[1] > self.setup.max_history:
            items = torch.where(items[:, -1:] != 0, items[:, 1:], items[:, :-1])
        rows = self.rows(batch.user, items)
        items, last = rows["item_list"], rows["item_length"] - 1
        position = torch.arange(items.shape[1], device=items.device)
        masked = (torch.rand(items.shape, device=items.device) < self.model.mask_ratio) & (items != 0)
        masked[:, 0] = False
        if torch.rand(()) < (self.settings["ft_ratio"] or 0):
            masked = torch.zeros_like(masked)
        masked |= (position == last[:, None]) & ~masked.any(dim=1, keepdim=True)
        n = max(1, self.model.mask_item_length)
        where = torch.where(masked, position, 0).sort(dim=1).values[:, -n:].contiguous()  # 0: none, as in RecBole
        return self.own_loss(
            rows
            | {
                "masked": items.masked_fill(masked, self.model.mask_token),
                "masked_position": where,
                "masked_item": items.gather(1, where),
                "other_item": self.unseen.draw_items(batch.user[:, None].expand_as(where)),
            }
        )

    def users(self, rows: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the states of a mask after the histories, and 1 for the biases, float32 [B, d+1]."""
        history, length = rows["item_list"], rows["item_length"]
        state = self.model(self.model.reconstruct_test_data(history, length))  # [B, L, d]
        state = self.model.gather_indexes(state, length - 1)
        return torch.cat([state, torch.ones_like(state[:, :1])], dim=1)

    def items(self) -> torch.Tensor:
        """Return the item rows with their biases, float32 [N+1, d+1]."""
        rows = self.model.item_embedding.weight[:-1]
        return torch.cat([rows, self.model.output_bias[:, None]], dim=1)


class TableWithMask(nn.Module):
    """An item table with one more row, for the mask."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self.table, self.mask = table, nn.Parameter(torch.randn(1, table.weight.shape[1]) * 0.02)

    @property
    def weight(self) -> torch.Tensor:
        """float32 [N+2, d]."""
        return torch.cat([self.table.weight, self.mask])

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        return embedding(index, self.weight)
