"""Tables that are made of frozen rows by a small network. k the width of the frozen rows, d that of the table."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import embedding, gelu

from corecbench.api import project
from corecbench_plugins.sharing.lookup import look_up


class Mapping(nn.Module):
    """A network of one hidden layer, k -> hidden_size -> d. It has no bias, so a row of zeros stays one."""

    def __init__(self, source_size: int, hidden_size: int, width: int):
        super().__init__()
        self.enter = nn.Linear(source_size, hidden_size, bias=False)
        self.leave = nn.Linear(hidden_size, width, bias=False)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return float32 [*, d] of rows [*, k]."""
        return self.leave(gelu(project(rows, self.enter)))


class Mapped(nn.Module):
    """A table of mapped frozen rows, of rows of its own, or of the sum of both."""

    def __init__(self, own: nn.Embedding | None = None):
        super().__init__()
        self.own = own
        self.mapping: Mapping | None = None
        self.register_buffer("source", None, persistent=False)

    def read(self, source: torch.Tensor, mapping: Mapping) -> None:
        """Read frozen rows [rows, k] through a mapping from now on."""
        self.source, self.mapping = source, mapping

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, d]."""
        return self.made(self.source, None if self.own is None else self.own.weight)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        return look_up(index, self.rows)

    def rows(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [n, d] of indices [n]."""
        source = None if self.source is None else embedding(index, self.source)
        return self.made(source, None if self.own is None else self.own(index))

    def made(self, source: torch.Tensor | None, own: torch.Tensor | None) -> torch.Tensor:
        """Return rows of the table, of the frozen rows and the own ones that there are."""
        if source is None:
            return own
        return self.mapping(source) if own is None else own + self.mapping(source)
