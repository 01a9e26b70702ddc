"""Whether vectors of items know which item follows which in what is held out.

Vectors that were fitted to the training part bring its pairs of items near to each other. Held-out pairs that
nobody in training has come near, too, but by what can be told of them only. Vectors that were fitted to both know
one as well as the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from corecbench.leakcheck.verdict import CONFIDENCE, FEWEST, Finding, Mean, Verdict

if TYPE_CHECKING:
    from corecbench.leakcheck.pairs import Matching, Pairs

LEAST = 0.05
"""The lift of training pairs from which on vectors know the training part at all."""
EXPECTED = 0.8
"""The largest part of the lift of training pairs that held-out pairs have without a leak. In simulations of vectors
that were fitted to training alone it is at most about a half."""


def check_vectors(matching: Matching, vectors: np.ndarray, before: np.ndarray | None = None) -> Finding:
    """Compare the lift of held-out pairs of items with that of training pairs.

    The lift of a pair is the share of matched items that are farther from the first item than the second one is,
    less a half.

    Args:
        matching: of the data set.
        vectors: float [N+1, d]; a row of zeros for an item without one.
        before: the vectors before they were fitted, where they are known: what is nearer than before counts.
    """
    held, trained = (lifts(pairs, vectors, before) for pairs in (matching.held_out, matching.in_training))
    shares = {"lift of held-out pairs": Mean.of(held), "lift of training pairs": Mean.of(trained)}
    verdict, why = judge(held, trained)
    return Finding(verdict, why, shares)


def judge(held: np.ndarray, trained: np.ndarray) -> tuple[Verdict, str]:
    """Return the verdict on lifts of held-out and of training pairs, and why."""
    if min(len(held), len(trained)) < FEWEST:
        return "cannot tell", "there are too few pairs of items that nobody else has together"
    of_held, of_trained = Mean.of(held), Mean.of(trained)
    if of_trained.low < LEAST:
        if of_held.high < LEAST:
            return "no sign", "the vectors know neither held-out nor training pairs"
        return (
            "cannot tell",
            "the vectors know too little of the training part to say what they would know without a leak",
        )
    difference = of_held.value - EXPECTED * of_trained.value
    variances = [values.var(ddof=1) / len(values) for values in (held, EXPECTED * trained)]
    half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * sum(variances) ** 0.5
    if difference - half > 0:
        return "leak", "held-out pairs are as near as those of training"
    if difference + half < 0:
        return "no sign", "held-out pairs are less near than those of training, as they should be"
    return "cannot tell", "held-out pairs are nearly as near as those of training"


def lifts(pairs: Pairs, vectors: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    near = cosine(vectors, pairs)
    if before is not None:
        near = near - cosine(before, pairs)
    has = (vectors != 0).any(axis=1)
    whole = has[pairs.first] & has[pairs.second] & has[pairs.matched].all(axis=1)
    own, others = near[whole, :1], near[whole, 1:]
    return np.asarray(((own > others) + 0.5 * (own == others)).mean(axis=1) - 0.5)


def cosine(vectors: np.ndarray, pairs: Pairs) -> np.ndarray:
    norm = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    unit = vectors / np.where(norm > 0, norm, 1)
    others = np.column_stack([pairs.second, pairs.matched])
    return np.asarray(np.einsum("sd,smd->sm", unit[pairs.first], unit[others]))
