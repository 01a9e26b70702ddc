"""Counts the arithmetic of a SASRec epoch: what its matrix products need, without padding.

P positions with a target, N items, d the width of a state, L the length of a window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corecbench.training.examples import Examples

FORWARD_AND_BACKWARD = 3
"""Products of a layer in a step: one forward, two backward."""


def sasrec_operations(examples: Examples, n_items: int, config: Any) -> int:
    """Return the floating point operations of one epoch; a multiplication and an addition are two.

    For each position: 4 d^2 for the projections of attention, 2 d f for the two layers behind it (f their inner
    size), L d each for the products of attention, where half of the positions are masked, and N d for the scores of
    the whole catalogue. Each product runs once forward and twice backward.

    Args:
        examples: windows, whose targets are counted.
        n_items: N.
        config: of SASRec: `embedding_size`, `inner_size`, `n_layers`, `negatives`.
    """
    length = examples.contexts.length.tolist()
    positions = sum(length)
    d, inner, layers = config.embedding_size, config.inner_size, config.n_layers
    candidates = config.negatives + 1 if config.negatives else n_items
    per_position = layers * (4 * d * d + 2 * d * inner) + candidates * d
    attention = layers * sum(n * (n + 1) * d for n in length)
    operations: int = 2 * FORWARD_AND_BACKWARD * (positions * per_position + attention)
    return operations
