"""Interactions of any size with a popularity like that of real data, drawn from a seed.

Items: the r-th most popular has a share proportional to 1 / (r + 10), Zipf's law as Mandelbrot flattened it at the
top, so 1 % of a million items have six tenths of the interactions. Histories: 4 interactions and more, the rest
log-normal with a deviation of 1 in logarithms, so that most users have few and some have hundreds. Times: each user
comes at some moment of three years and goes on with gaps of days; rows are in the order of time, as in a log.
Nothing can be learned from them but popularity: they are for cost, not for quality.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

FLATTENED = 10.0
SHORTEST = 4
SPREAD = 1.0
"""The standard deviation of the logarithm of a history's length, beyond the shortest."""
YEARS_S = 3 * 365 * 86_400
GAP_S = 2 * 86_400


@dataclass(frozen=True, eq=False)
class Drawn:
    """M interactions in the order of time."""

    user: np.ndarray
    """int64 [M], from 0."""
    item: np.ndarray
    """int64 [M], from 0."""
    time_s: np.ndarray
    """int64 [M]."""

    def write_parquet(self, path: Path) -> None:
        """Write the interactions, with ids of text, as a Parquet file."""
        user, item = (
            pa.array(values).cast(pa.string()) for values in (self.user + 10_000_000, self.item + 10_000_000)
        )
        pyarrow.parquet.write_table(pa.table({"user_id": user, "item_id": item, "timestamp": self.time_s}), path)


def draw(n_users: int, n_items: int, n_interactions: int, seed: int = 0) -> Drawn:
    """Draw interactions. Their number differs a little from the one that is asked for.

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
    return Drawn(user[order], item[order], time_s[order])
