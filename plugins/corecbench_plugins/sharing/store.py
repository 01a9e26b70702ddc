"""The store of BDLM: rows for users and items, what the LLM makes of the items' texts, and each side's view of it.

N items, k the width of a text's summary, n neighbours, d the width of the store.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import embedding, embedding_bag, normalize

from corecbench.api import project
from corecbench_plugins.sharing.lookup import look_up

ITEMS_PER_BLOCK = 2048
SHARE = 0.5
"""Of the mean of an item's neighbours that is added to its row at first; learnt from there."""


class Rows(nn.Module):
    """A table of the store: a row for each user or item and, for items with texts, what their texts add.

    An item's text adds a projection of its summary and a share of the mean row of the items with the nearest texts.
    Where there are texts, rows are left out at random in training, each time anew, so that texts have to be read.
    """

    def __init__(self, table: nn.Embedding, dropout: float):
        super().__init__()
        self.table, self.dropout = table, dropout
        self.text_projection: nn.Linear | None = None
        self.share: nn.Parameter | None = None
        self.register_buffer("neighbours", None, persistent=False)

    def read_texts(self, text: torch.Tensor, n_neighbours: int, start_at_zero: bool) -> None:
        """Let the rows read summaries of texts, float [N+1, k], zero for an item without a text.

        Args:
            text: the summaries.
            n_neighbours: n; 0 for none.
            start_at_zero: whether texts change no row before training.
        """
        device = text.device
        self.register_buffer("text", text, persistent=False)
        self.text_projection = nn.Linear(text.shape[1], self.table.weight.shape[1], bias=False, device=device)
        if n_neighbours:
            self.neighbours = nearest(text, n_neighbours)
            self.share = nn.Parameter(torch.tensor(SHARE, device=device))
        if start_at_zero:
            for weight in self.text_projection.weight, self.share:
                if weight is not None:
                    nn.init.zeros_(weight)

    @property
    def weight(self) -> torch.Tensor:
        """float32 [N+1, d]."""
        if self.text_projection is None:
            return self.table.weight
        table = self.kept()
        return table + self.of_texts(table, self.text, self.neighbours)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        if self.text_projection is None:
            return embedding(index, self.table.weight)
        table = self.kept()
        neighbours = None if self.neighbours is None else self.neighbours[index]
        return embedding(index, table) + self.of_texts(table, self.text[index], neighbours)

    def of_texts(self, table: torch.Tensor, text: torch.Tensor, neighbours: torch.Tensor | None) -> torch.Tensor:
        """Return what texts [*, k] and neighbours [*, n] add to rows, float32 [*, d]."""
        projected = project(text, self.text_projection)
        if neighbours is None:
            return projected
        mean = embedding_bag(neighbours.flatten(end_dim=-2), table, mode="mean", padding_idx=0)
        return projected + self.share * mean.view_as(projected)

    def kept(self) -> torch.Tensor:
        """Return the table, in training with some rows zero."""
        table = self.table.weight
        if self.training and self.dropout:
            return table * (torch.rand(len(table), 1, device=table.device) >= self.dropout)
        return table


class Projected(nn.Module):
    """A table of the store, seen by one side through its projection."""

    def __init__(self, rows: Rows, projection: nn.Linear, writes: bool):
        super().__init__()
        self.rows, self.projection, self.writes = rows, projection, writes

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, width of the side]."""
        return self.projected(self.rows.weight)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, width of the side]."""
        return look_up(index, lambda distinct: self.projected(self.rows(distinct)))

    def projected(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows of the store at the width of the side, with gradients for the store if the side may write."""
        return self.projection(rows if self.writes else rows.detach())


class Blank(nn.Module):
    """A table that tells nothing: each row is zero."""

    def __init__(self, n_rows: int, width: int):
        super().__init__()
        self.n_rows, self.width = n_rows, width
        self.register_buffer("zero", torch.zeros(1), persistent=False)

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, d]."""
        return self.zero.expand(self.n_rows, self.width)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        return self.zero.expand(*index.shape, self.width)


def nearest(text: torch.Tensor, n: int) -> torch.Tensor:
    """Return for each item the n others whose texts have the highest cosine with its own, int64 [N+1, n].

    An item without a text has no neighbours and is nobody's; 0 stands for a missing one.

    >>> nearest(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [0.0, 0.0]]), n=1).flatten().tolist()
    [0, 3, 3, 1, 0]
    """
    direction = normalize(text.float(), dim=1)
    has_text = direction.any(dim=1)
    n = min(n, len(text) - 1)
    found = []
    for rows in torch.arange(len(text), device=text.device).split(ITEMS_PER_BLOCK):
        cosine = direction[rows] @ direction.T  # [block, N+1]
        cosine[:, ~has_text] = -torch.inf
        cosine[torch.arange(len(rows)), rows] = -torch.inf
        value, index = cosine.topk(n, dim=1)
        found.append(index.masked_fill(value.isinf() | ~has_text[rows, None], 0))
    return torch.cat(found)
