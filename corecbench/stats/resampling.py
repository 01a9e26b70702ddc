"""Bootstrap resamples of users. U users, R resamples, C columns."""

import numpy as np

HEAVY = 32
"""Users with equal values, from whom on a resample draws their number instead of each of them."""
MOST_AT_ONCE = 2**18
"""Drawn users held in memory."""


def resampled_means(values: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """Return the means over users of bootstrap resamples: U users drawn with replacement, R times.

    Users of a top-k metric have few distinct values, most of them 0. How often a resample holds each value is
    multinomial, so for a value that many users share their number is drawn at once; the others are drawn one by
    one. The distribution is that of drawing users.

    One user of two has 1. Resamples hold none, one or two of them in 1/4, 1/2 and 1/4 of cases:

    >>> means = resampled_means(np.array([[0.0], [1.0]]), 10_000, seed=0)
    >>> [abs((means == mean).mean() - share) < 0.02 for mean, share in ((0, 1 / 4), (1 / 2, 1 / 2), (1, 1 / 4))]
    [np.True_, np.True_, np.True_]

    Args:
        values: float64 [U, C], what is averaged; the columns of a user stay together.
        n_resamples: R.
        seed: of the draws.

    Returns:
        float64 [R, C].
    """
    generator = np.random.default_rng(seed)
    distinct, counts = _distinct(values)
    is_heavy = counts >= HEAVY
    heavy, light = distinct[is_heavy], np.repeat(distinct[~is_heavy], counts[~is_heavy], axis=0)
    shares = np.append(counts[is_heavy], len(light)) / len(values)
    at_once = max(1, MOST_AT_ONCE // max(len(light), len(shares)))
    sums = np.empty((n_resamples, values.shape[1]))
    for start in range(0, n_resamples, at_once):
        block = sums[start : start + at_once]
        drawn = generator.multinomial(len(values), shares, size=len(block))  # [block, heavy + 1]
        block[:] = drawn[:, :-1] @ heavy
        if len(light):
            block += _light_sums(light, drawn[:, -1], generator)
    return sums / len(values)


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows of values [U, C] and how many users have each."""
    order = np.lexsort(values.T)
    ordered = values[order]
    is_new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    starts = np.flatnonzero(is_new)
    return ordered[starts], np.diff(np.append(starts, len(values)))


def _light_sums(light: np.ndarray, drawn: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return sums of users drawn one by one, float64 [block, C].

    Args:
        light: float64 [L, C], who may be drawn.
        drawn: int64 [block], how many are drawn for each resample.
        generator: draws.
    """
    pick = generator.integers(len(light), size=drawn.sum(), dtype=np.uint32)
    starts = np.cumsum(drawn) - drawn
    sums = np.empty((len(drawn), light.shape[1]))
    for column in range(light.shape[1]):
        # reduceat wants no start behind the end, and gives a value rather than 0 where none are drawn
        picked = np.append(light[pick, column], 0.0)
        sums[:, column] = np.where(drawn > 0, np.add.reduceat(picked, starts), 0.0)
    return sums
