"""The sign-flip permutation test of paired differences. U users."""

import numpy as np

MOST_ENUMERATED = 20
"""The number of users who differ up to which all choices of signs are counted."""
DRAWS = 19_999
"""The number of choices of signs drawn for more users; with the observed choice, p is a multiple of 1/20,000."""
BITS = 8


def sign_flip_p(difference: np.ndarray, n_draws: int = DRAWS, seed: int = 0) -> float:
    """Return the two-sided p value of the sign-flip permutation test of a mean difference of 0.

    If the two recommenders are exchangeable for each user, every choice of signs of the differences is equally
    likely (Fisher, 1935, The Design of Experiments; Pitman, 1937, doi:10.2307/2984124), and p is the share of
    choices whose absolute sum is at least the observed one. Users without a difference take no part. Up to 20 who
    differ all choices are counted; for more, of m drawn ones b are as extreme and p = (1 + b) / (1 + m), which
    keeps the level (Phipson and Smyth, 2010, doi:10.2202/1544-6115.1585).

    Differences 1, 2 and 4 sum to 7, and of the 8 choices of signs only +++ and --- are as extreme:

    >>> sign_flip_p(np.array([1.0, 2.0, 4.0, 0.0])) == 2 / 8
    True

    Args:
        difference: float64 [U], per user; rounding noise removed.
        n_draws: m, where not all are counted.
        seed: the seed of the draws.
    """
    sizes = np.abs(difference[difference != 0])
    sums = _all_sums(sizes) if len(sizes) <= MOST_ENUMERATED else _drawn_sums(sizes, n_draws, seed)
    tolerance = 1e-9 * sizes.sum()  # sums that are equal but for rounding
    extreme = int(np.count_nonzero(np.abs(sums) >= abs(difference.sum()) - tolerance))
    if len(sizes) <= MOST_ENUMERATED:
        return extreme / len(sums)
    return (1 + extreme) / (1 + n_draws)


def _all_sums(sizes: np.ndarray) -> np.ndarray:
    """Return the sums under all choices of signs but the first user's, whose other half mirrors them.

    >>> _all_sums(np.array([4.0, 1.0])).tolist()
    [5.0, 3.0]
    """
    sums = sizes[:1] if len(sizes) else np.zeros(1)
    for size in sizes[1:]:
        sums = np.concatenate((sums + size, sums - size))
    return sums


def _drawn_sums(sizes: np.ndarray, n_draws: int, seed: int) -> np.ndarray:
    """Return the sums under drawn choices of signs, float64 [n_draws].

    Eight users at a time: a random byte is a choice of their signs and picks one of 256 sums. So the memory does
    not depend on the number of users.
    """
    generator = np.random.default_rng(seed)
    choices = np.arange(2**BITS, dtype=np.uint8)[:, None]
    signs = 1.0 - 2.0 * np.unpackbits(choices, axis=1)  # [256, 8]
    groups = np.append(sizes, np.zeros(-len(sizes) % BITS)).reshape(-1, BITS)
    sums = np.zeros(n_draws)
    for group in groups:
        sums += (signs @ group)[generator.integers(2**BITS, size=n_draws, dtype=np.uint8)]
    return sums
