"""Whitening of what is said of item texts. N items, h and k widths of rows."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from corecbench.api.errors import DataError
from corecbench.toolkit.processor import one_thread

if TYPE_CHECKING:
    import torch

ROWS_PER_BLOCK = 2**15
"""Rows that are whitened together."""
SMALLEST = 1e-12
"""Squared lengths below this part of the largest are rounding."""
WIDEST = 2**13
"""Wider rows than these, if they are fewer than their numbers, are compared with each other instead of these."""


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
    if is_wide(states[known]):
        found = principal_axes(states[known].double() - mean)
    else:
        covariance = torch.zeros(len(mean), len(mean), dtype=torch.float64)
        for texts in states[known].split(ROWS_PER_BLOCK):  # all texts in float64 could be more than memory holds
            centred = texts.double() - mean
            covariance.addmm_(centred.T, centred)
        with one_thread():  # LAPACK's last digits depend on the number of threads
            found = torch.linalg.eigh(covariance)
    squared, directions = (part.flip(-1) for part in found)  # the largest first
    singular = squared.clamp(min=0).sqrt()
    kept = singular > (singular[0] * 1e-3).clamp(min=1e-6)
    if not kept.any():
        raise DataError("all items have the same text or vector, so there is nothing to tell them apart by")
    scaled = directions[:, kept] / singular[kept] * (n_texts / kept.sum()) ** 0.5  # [h, k]
    maps = [scaled, directions[:, kept].T] if turned_back else [scaled]
    if not is_wide(states[known]):
        maps = [reduce(torch.matmul, maps)]
    rows_of_all = torch.zeros(len(states), maps[-1].shape[1])
    for rows in has_text.nonzero().squeeze(1).split(ROWS_PER_BLOCK):
        rows_of_all[rows] = reduce(torch.matmul, maps, states[rows].double() - mean).float()
    return rows_of_all


def principal_axes(centred: torch.Tensor, divisor: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the directions in which centred rows differ, and how much they do, the least first.

    With C few wide rows [n, h], C C' has the eigenvalues of C' C but for zeros, and C' turns its eigenvectors into
    those of C' C. The squares [r] are divided by a number; directions are float64 [h, r].
    """
    import torch

    with one_thread():  # LAPACK's last digits depend on the number of threads
        if not is_wide(centred):
            return tuple(torch.linalg.eigh(centred.T @ centred / divisor))
        squared, of_rows = torch.linalg.eigh(centred @ centred.T)
    real = squared >= squared[-1] * SMALLEST
    directions = centred.T @ of_rows[:, real] / squared[real].clamp(min=1e-300).sqrt()
    return squared[real] / divisor, directions


def is_wide(rows: torch.Tensor) -> bool:
    """Return whether rows [n, h] have so many numbers that a matrix of rows by rows takes the place of [h, h]."""
    return rows.shape[1] > max(WIDEST, len(rows))
