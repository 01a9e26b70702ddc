"""old-dataset: a few made-up interactions, to be replaced by your data."""

import pandas as pd

from corecbench.api import Component, hookimpl

N_ITEMS = 12


class OldDatasetSource:
    """Users who go around a circle of items; read a file or a database here."""

    def __init__(self, config: None):
        pass

    def interactions(self) -> pd.DataFrame:
        """Return user_id and item_id (str) and timestamp (int64 or float64)."""
        rows = [(f"user{user}", f"item{(user + step) % N_ITEMS}", step) for user in range(30) for step in range(6)]
        return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])

    def items(self) -> pd.DataFrame:
        """Return item_id and title (str; "" where there is none)."""
        rows = [(f"item{number}", f"The title of {number}") for number in range(N_ITEMS)]
        return pd.DataFrame(rows, columns=["item_id", "title"])


@hookimpl
def corecbench_datasets():
    """Offer the data set."""
    return [Component("old-dataset", OldDatasetSource, summary="a circle of items")]
