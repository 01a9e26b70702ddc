"""Rows that say nothing of their items, but are like those that do. N items, k the width of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.toolkit.whitening import principal_axes

if TYPE_CHECKING:
    import numpy as np
    import torch


def random_like(rows: torch.Tensor, random: np.random.Generator, n_new: int = 0) -> torch.Tensor:
    """Return rows from a normal distribution of the same mean and covariance, with the same norms.

    Args:
        rows: float [N+1, k]. A row of zeros belongs to an item of which nothing is said, and stays zero.
        random: draws the rows.
        n_new: `Catalog.n_new_items`; mean and covariance are those of the items before the last n_new.

    Returns:
        [N+1, k], in the dtype of the rows.
    """
    import torch

    own = rows.double().cpu()
    has = (own != 0).any(dim=1)
    known = own[has & (torch.arange(len(own)) < len(own) - n_new)]
    mean = known.mean(dim=0)
    variance, directions = principal_axes(known - mean, len(known))
    drawn = torch.from_numpy(random.standard_normal((int(has.sum()), len(variance))))
    drawn = drawn * variance.clamp(min=0).sqrt() @ directions.T + mean
    lengths = drawn.norm(dim=1)
    norms = torch.empty_like(lengths)
    norms[lengths.argsort()] = own[has].norm(dim=1).sort().values  # the longest is as long as the longest
    found = torch.zeros_like(own)
    found[has] = drawn * (norms / lengths)[:, None]
    return found.to(rows)
