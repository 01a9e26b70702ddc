"""Tables that a small network makes of frozen rows. k is the width of the frozen rows, d the width of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import embedding, gelu

from corecbench.toolkit import project
from corecbench_plugins.sharing.lookup import look_up

if TYPE_CHECKING:
    from corecbench.api import Table


class RowMapping(nn.Module):
    """A network of one hidden layer, k -> hidden_size -> d. It has no bias, so it maps a row of zeros to zeros."""

    def __init__(self, source_size: int, hidden_size: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(source_size, hidden_size, bias=False)
        self.leave = nn.Linear(hidden_size, width, bias=False)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return float32 [*, d] for rows [*, k]."""
        mapped: torch.Tensor = self.leave(gelu(project(rows, self.enter)))
        return mapped


class ScaledMap(nn.Module):
    """A linear map without bias, k -> d, times a number."""

    def __init__(self, source_size: int, width: int, scale: float) -> None:
        super().__init__()
        self.linear, self.scale = nn.Linear(source_size, width, bias=False), scale

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return float32 [*, d] for rows [*, k]."""
        return self.scale * project(rows, self.linear)


class MappedTable(nn.Module):
    """A table of mapped frozen rows, of rows of its own, or of the sum of both."""

    source: torch.Tensor | None
    """[rows, k], the frozen rows."""

    def __init__(self, own: Table | None = None) -> None:
        super().__init__()
        self.own = own
        self.mapping: nn.Module | None = None
        self.register_buffer("source", None, persistent=False)

    def read(self, source: torch.Tensor, mapping: nn.Module) -> None:
        """Read frozen rows [rows, k] through a mapping, from [*, k] to [*, d], from now on."""
        self.source, self.mapping = source, mapping

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, d]."""
        return self.combine(self.source, None if self.own is None else self.own.weight)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        return look_up(index, self.rows)

    def rows(self, index: torch.Tensor) -> torch.Tensor:
        """Return the rows of indices [n], float32 [n, d]."""
        source = None if self.source is None else embedding(index, self.source)
        return self.combine(source, None if self.own is None else self.own(index))

    def combine(self, source: torch.Tensor | None, own: torch.Tensor | None) -> torch.Tensor:
        """Return the sum of the mapped frozen rows and the own rows, or those of the two that there are."""
        mapped = self.mapping(source) if self.mapping is not None and source is not None else None
        parts = [part for part in (own, mapped) if part is not None]
        if not parts:
            raise ValueError("a table of mapped rows has neither frozen rows nor own ones; call `read` first")
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]
