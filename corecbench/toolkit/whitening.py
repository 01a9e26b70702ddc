"""Whitening of what is said of item texts. N items, h and k widths of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.api.errors import DataError
from corecbench.toolkit.processor import one_thread

if TYPE_CHECKING:
    import torch

ROWS_PER_BLOCK = 2**15
"""Rows that are whitened together."""


def whitened(states: torch.Tensor, turned_back: bool = False, n_new: int = 0) -> torch.Tensor:
    """Return states of texts with zero mean and without correlation, scaled to a root mean square norm of 1.

    An LLM's states of texts all point in nearly the same direction. Their differences tell items apart.

    Args:
        states: float32 [N+1, h]. A row of zeros belongs to an item without a text and stays zero.
        turned_back: whether the rows are as near as can be to the states that they are made of, so that those of
            states which change little change little (ZCA; Kessy et al., 2018, arXiv 1512.00809).
        n_new: `Catalog.n_new_items`; mean, directions and scale are those of the items before the last n_new.

    Returns:
        float32 [N+1, k]; k is the number of directions in which the texts differ, at most h. Float32 [N+1, h] if
        they are turned back.

    Raises:
        DataError: the texts do not differ.
    """
    import torch

    has_text = (states != 0).any(dim=1)
    known = has_text & (torch.arange(len(states)) < len(states) - n_new)
    n_texts = int(known.sum())
    mean = states[known].mean(dim=0, dtype=torch.float64)
    covariance = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for texts in states[known].split(ROWS_PER_BLOCK):  # all texts in float64 could be more than memory holds
        centred = texts.double() - mean
        covariance.addmm_(centred.T, centred)
    with one_thread():  # LAPACK's last digits depend on the number of threads
        squared, directions = (part.flip(-1) for part in torch.linalg.eigh(covariance))  # the largest first
    singular = squared.clamp(min=0).sqrt()
    kept = singular > max(singular[0] * 1e-3, 1e-6)
    if not kept.any():
        raise DataError("all items have the same text or vector, so there is nothing to tell them apart by")
    scaled = directions[:, kept] / singular[kept] * (n_texts / kept.sum()) ** 0.5  # [h, k]
    if turned_back:
        scaled = scaled @ directions[:, kept].T
    rows_of_all = torch.zeros(len(states), scaled.shape[1])
    for rows in has_text.nonzero().squeeze(1).split(ROWS_PER_BLOCK):
        rows_of_all[rows] = ((states[rows].double() - mean) @ scaled).float()
    return rows_of_all
