"""Counts the arithmetic of a SASRec epoch: what its matrix products need, without padding.

N items, d the width of a state, L the largest length of a window.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FORWARD_AND_BACKWARD = 3
"""Products of a layer in a step: one forward, two backward."""


def window_lengths(user: np.ndarray, max_history: int) -> np.ndarray:
    """Return how many steps from an item to the next each window has, where users' histories are cut into windows.

    >>> window_lengths(np.array([1, 1, 1, 1, 2]), max_history=2).tolist()
    [2, 1]

    Args:
        user: int64 [M], the user of each training item.
        max_history: L.
    """
    steps = np.maximum(np.bincount(user) - 1, 0)
    full, rest = np.divmod(steps, max_history)
    return np.concatenate([np.full(full.sum(), max_history), rest[rest > 0]])


def sasrec_operations(length: np.ndarray, n_items: int, config: Any) -> int:
    """Return the floating point operations of one epoch; a multiplication and an addition are two.

    For each position: 4 d^2 for the projections of attention, 2 d f for the two layers behind it (f their inner
    size), d for each product of attention with a position that is not masked, and N d for the scores of the whole
    catalogue. Each product runs once forward and twice backward.

    Args:
        length: int64 [W], of each window.
        n_items: N.
        config: of SASRec: `embedding_size`, `inner_size`, `n_layers`, `negatives`.
    """
    d, inner, layers = config.embedding_size, config.inner_size, config.n_layers
    candidates = config.negatives + 1 if config.negatives else n_items
    per_position = layers * (4 * d * d + 2 * d * inner) + candidates * d
    attention = layers * d * int((length * (length + 1)).sum())
    return int(2 * FORWARD_AND_BACKWARD * (int(length.sum()) * per_position + attention))
