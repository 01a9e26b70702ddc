"""Interactions of any size with a popularity like that of real data, drawn from a seed.

Items: the r-th most popular has a share proportional to 1 / (r + 10), Zipf's law as Mandelbrot flattened it at the
top, so 1 % of a million items have six tenths of the interactions. Histories: 4 interactions and more, the rest
log-normal with a deviation of 1 in logarithms, so that most users have few and some have hundreds. Times: each user
comes at some moment of three years and goes on with gaps of days; rows are in the order of time, as in a log.
Nothing can be learned from them but popularity: they are for cost, not for quality.
"""

import numpy as np
import pyarrow as pa

FLATTENED = 10.0
SHORTEST = 4
SPREAD = 1.0
"""The standard deviation of the logarithm of a history's length, beyond the shortest."""
YEARS_S = 3 * 365 * 86_400
GAP_S = 2 * 86_400


def draw(n_users: int, n_items: int, n_interactions: int, seed: int = 0) -> pa.Table:
    """Draw interactions, with ids of text. Their number differs a little from the one that is asked for.

    Args:
        n_users: the number of users.
        n_items: the number of items; some may have no interaction.
        n_interactions: the expected number of interactions, 4 for each user or more.
        seed: the seed.
    """
    rng = np.random.default_rng(seed)
    mean = max(n_interactions / n_users - SHORTEST, 0.0)
    more = np.exp(rng.normal(-(SPREAD**2) / 2, SPREAD, n_users)) * mean
    length = SHORTEST + np.floor(more + rng.random(n_users)).astype(np.int64)
    user = np.repeat(np.arange(n_users), length)
    share = np.cumsum(1 / (np.arange(n_items) + FLATTENED))
    item = np.searchsorted(share, rng.random(len(user)) * share[-1]).clip(max=n_items - 1)
    item = rng.permutation(n_items)[item]
    gaps = rng.exponential(GAP_S, len(user))
    since = np.cumsum(gaps)
    first = np.cumsum(length) - length
    time_s = (np.repeat(rng.random(n_users) * YEARS_S - since[first], length) + since).astype(np.int64)
    order = np.argsort(time_s, kind="stable")
    user_id, item_id = (pa.array(ids[order] + 10_000_000).cast(pa.string()) for ids in (user, item))
    return pa.table({"user_id": user_id, "item_id": item_id, "timestamp": time_s[order]})
