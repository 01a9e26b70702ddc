"""The store of BDLM: its tables of users and items, what the items' texts add, and the projection of each side.

N items, k the width of a text's summary, n neighbours, d the width of the store.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import embedding, embedding_bag, normalize

from corecbench.api import Table, UsageError
from corecbench.toolkit import ProjectedTexts, project, whitened
from corecbench_plugins.sharing.lookup import look_up

ITEMS_PER_BLOCK = 2048
MANY = 4
"""A look-up of more than one item in so many projects all texts, which the same step needs anyhow."""
NORM = 5.0
"""Root mean square norm of a row of what the LLM makes of an item, as of what it says of a text."""
INITIAL_SHARE = 0.5
"""Share of the mean row of an item's neighbours that is added to its own row at first; learnt from there."""


class StoreTable(nn.Module):
    """A table of the store: a row for each user or item and, for items with texts, what their texts add.

    An item's text adds a projection of its summary and a share of the mean row of the items with the nearest texts.
    Where there are texts, random rows are left out at each reading in training, so that texts have to be read.
    """

    text: torch.Tensor
    """float [N+1, k], the summaries, once the rows read texts."""
    neighbours: torch.Tensor | None
    """int64 [N+1, n], 0 where there is none; None without neighbours."""

    def __init__(self, table: Table, dropout: float) -> None:
        super().__init__()
        self.table, self.dropout = table, dropout
        self.text_projection: nn.Linear | None = None
        self.share: nn.Parameter | None = None
        self.projected = ProjectedTexts()
        self.register_buffer("neighbours", None, persistent=False)

    def read_texts(self, text: torch.Tensor, n_neighbours: int, start_at_zero: bool, n_new: int = 0) -> None:
        """Let the rows read summaries of texts.

        Args:
            text: the summaries, float [N+1, k]; zero for an item without a text.
            n_neighbours: n; 0 for none.
            start_at_zero: whether texts change no row before training.
            n_new: `Catalog.n_new_items`; new items are the neighbours of none.
        """
        device = text.device
        self.register_buffer("text", text, persistent=False)
        self.text_projection = nn.Linear(text.shape[1], self.table.weight.shape[1], bias=False, device=device)
        if n_neighbours:
            self.neighbours = nearest(text, n_neighbours, n_new)
            self.share = nn.Parameter(torch.tensor(INITIAL_SHARE, device=device))
        if start_at_zero:
            nn.init.zeros_(self.text_projection.weight)
            if self.share is not None:
                nn.init.zeros_(self.share)

    @property
    def weight(self) -> torch.Tensor:
        """float32 [N+1, d]."""
        if self.text_projection is None:
            return self.table.weight
        rows = self.rows_after_dropout()
        texts = self.projected.of(self.text, self.text_projection)
        return rows + self.with_neighbours(texts, rows, self.neighbours)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        if self.text_projection is None:
            return embedding(index, self.table.weight)
        rows = self.rows_after_dropout()
        neighbours = None if self.neighbours is None else self.neighbours[index]
        if MANY * index.numel() < len(rows):
            texts = project(self.text[index], self.text_projection)
        else:
            texts = embedding(index, self.projected.of(self.text, self.text_projection))
        return embedding(index, rows) + self.with_neighbours(texts, rows, neighbours)

    def with_neighbours(
        self, projected: torch.Tensor, rows: torch.Tensor, neighbours: torch.Tensor | None
    ) -> torch.Tensor:
        """Return what projected texts [*, d] and neighbours [*, n] add; `rows` [N+1, d] are those of all items."""
        if neighbours is None or self.share is None:
            return projected
        mean = embedding_bag(neighbours.flatten(end_dim=-2), rows, mode="mean", padding_idx=0)
        return projected + self.share * mean.view_as(projected)

    def rows_after_dropout(self) -> torch.Tensor:
        """Return the table's own rows [N+1, d]; in training some of them are zero."""
        rows = self.table.weight
        if self.training and self.dropout:
            return rows * (torch.rand(len(rows), 1, device=rows.device) >= self.dropout)
        return rows


class ProjectedTable(nn.Module):
    """A table of the store, read by one side through its projection."""

    def __init__(self, rows: StoreTable, projection: nn.Linear, writes: bool) -> None:
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
        projected: torch.Tensor = self.projection(rows if self.writes else rows.detach())
        return projected


class RenewedTable(nn.Module):
    """A side's table of items, and beside it what the LLM makes of each item, told anew while the pair is trained.

    K is the width of what is told. Nothing changes before it is told for the first time, nor by that alone: the
    projection starts at zero.
    """

    said: torch.Tensor
    """float32 [N+1, K], whitened; zero before it is told. It is stored with the side, since training changes it."""

    def __init__(self, table: Table, n_rows: int, width: int, n_new: int = 0) -> None:
        super().__init__()
        self.table, self.width, self.n_new = table, width, n_new
        self.register_buffer("said", torch.zeros(n_rows, 0))
        self.reading: nn.Linear | None = None

    def expect(self, said_width: int) -> nn.Linear:
        """Be ready to be told rows of this width, and return the projection that reads them."""
        self.said = self.said.new_zeros(len(self.said), said_width)
        self.reading = nn.Linear(said_width, self.width, bias=False, device=self.said.device)
        nn.init.zeros_(self.reading.weight)
        return self.reading

    def tell(self, item_states: torch.Tensor) -> None:
        """Take what the LLM makes of each item now, float32 [N+1, K].

        Raises:
            UsageError: it has another width than the LLM's table of items.
        """
        if item_states.shape != self.said.shape:
            raise UsageError(
                f"the LLM's states must be as wide as its table of items, since items are told of them; its states "
                f"are {item_states.shape[1]} wide, its table {self.said.shape[1]}"
            )
        self.said.copy_(NORM * whitened(item_states.cpu(), turned_back=True, n_new=self.n_new))

    @property
    def weight(self) -> torch.Tensor:
        """float32 [N+1, d]."""
        return self.with_said(self.table.weight, self.said)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        return self.with_said(self.table(index), embedding(index, self.said))

    def with_said(self, rows: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
        """Return rows [*, d] and what is said of their items [*, K] together, [*, d]."""
        return rows if self.reading is None else rows + self.reading(said)


class ZeroTable(nn.Module):
    """A table whose rows are all zero."""

    zero: torch.Tensor

    def __init__(self, n_rows: int, width: int) -> None:
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


def nearest(text: torch.Tensor, n: int, n_new: int = 0) -> torch.Tensor:
    """Return for each item the n other items whose texts have the highest cosine with its own, int64 [N+1, n].

    An item without a text has no neighbours and is the neighbour of none; 0 stands for a missing neighbour. The
    last `n_new` items are the neighbours of none, too.

    >>> nearest(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [0.0, 0.0]]), n=1).flatten().tolist()
    [0, 3, 3, 1, 0]
    """
    direction = normalize(text.float(), dim=1)
    has_text = direction.any(dim=1)
    n = min(n, len(text) - 1)
    blocks = []
    for rows in torch.arange(len(text), device=text.device).split(ITEMS_PER_BLOCK):
        cosine = direction[rows] @ direction.T  # [block, N+1]
        cosine[:, ~has_text] = cosine[:, len(text) - n_new :] = -torch.inf
        cosine[torch.arange(len(rows)), rows] = -torch.inf
        value, index = cosine.topk(n, dim=1)
        blocks.append(index.masked_fill(value.isinf() | ~has_text[rows, None], 0))
    return torch.cat(blocks)
