"""Private id tables. This module imports torch, so it is imported only when a table is made."""

from __future__ import annotations

from typing import Literal

import torch


class IdTable(torch.nn.Embedding):
    """A table of trainable embeddings that knows whether its rows are users or items."""

    def __init__(self, of: Literal["user", "item"], n_rows: int, width: int) -> None:
        super().__init__(n_rows, width, padding_idx=0)
        self.of = of
        """Whether the rows are users or items."""


def table_names(model: torch.nn.Module) -> dict[str, str]:
    """Return "user" and "item" -> the name of the parameter that holds the private table which the model keeps.

    A table that the model does not keep is left out.

    >>> model = torch.nn.ModuleDict({"item": IdTable("item", 3, 2), "head": torch.nn.Linear(2, 2)})
    >>> table_names(model)
    {'item': 'item.weight'}
    """
    return {module.of: f"{name}.weight" for name, module in model.named_modules() if isinstance(module, IdTable)}
