"""Looks up rows that are expensive to compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.functional import embedding

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


def look_up(index: torch.Tensor, rows: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Return rows [*index.shape, d], computing each once: most entries of a batch are padding or repeat an item.

    Args:
        index: int64, of any shape.
        rows: computes the rows [n, d] of indices [n].
    """
    if index.device.type != "cpu":  # a GPU computes a row more than once sooner than it is waited for
        of_each: torch.Tensor = rows(index.flatten()).unflatten(0, index.shape)
        return of_each
    distinct, place = index.unique(return_inverse=True)
    return embedding(place, rows(distinct))
