"""Bootstrap resamples of users. U users, R resamples."""

import numpy as np

HEAVY = 32
"""The number of users with equal values from which on a resample draws their number instead of each user."""
MOST_AT_ONCE = 2**17
"""The number of drawn users held in memory, few enough for a processor's cache."""


def resampled_means(values: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """Return the means over users of bootstrap resamples: U users drawn with replacement, R times.

    Users of a top-k metric have few distinct values, most of them 0. How often a resample holds each value is
    multinomial, so for a value that many users share their number is drawn at once; the others are drawn one by
    one. The distribution is that of drawing users.

    One user of two has 1. Resamples hold none, one or two of them in 1/4, 1/2 and 1/4 of cases:

    >>> means = resampled_means(np.array([0.0, 1.0]), 10_000, seed=0)
    >>> [abs((means == mean).mean() - share) < 0.02 for mean, share in ((0, 1 / 4), (1 / 2, 1 / 2), (1, 1 / 4))]
    [np.True_, np.True_, np.True_]

    Args:
        values: float64 [U]; or complex128 [U], two metrics of a user that stay together.
        n_resamples: R.
        seed: the seed of the draws.

    Returns:
        [R], of the type of the values.
    """
    generator = np.random.default_rng(seed)
    distinct, counts = np.unique(values, return_counts=True)
    is_heavy = counts >= HEAVY
    heavy, light = distinct[is_heavy], np.repeat(distinct[~is_heavy], counts[~is_heavy])
    shares = np.append(counts[is_heavy], len(light)) / len(values)
    at_once = max(1, MOST_AT_ONCE // max(len(light), len(shares)))
    sums = np.empty(n_resamples, dtype=values.dtype)
    for start in range(0, n_resamples, at_once):
        block = sums[start : start + at_once]
        counts_drawn = generator.multinomial(len(values), shares, size=len(block))  # [block, heavy + 1]
        block[:] = counts_drawn[:, :-1] @ heavy
        if len(light):
            block += _light_sums(light, counts_drawn[:, -1], generator)
    return sums / len(values)


def _light_sums(light: np.ndarray, n_drawn: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return sums of users drawn one by one, [block].

    Args:
        light: [L], the values of the users who may be drawn.
        n_drawn: int64 [block], how many users are drawn for each resample.
        generator: the generator of the draws.
    """
    picked = light[generator.integers(len(light), size=n_drawn.sum())]
    # reduceat wants no start behind the end, and gives a value rather than 0 where none are drawn
    sums = np.add.reduceat(np.append(picked, 0.0), np.cumsum(n_drawn) - n_drawn)
    return np.where(n_drawn > 0, sums, 0.0)
