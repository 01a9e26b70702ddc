"""plugname: a few made-up interactions, to be replaced by your data."""

import pandas as pd

from corecbench.api import DatasetComponent, hookimpl

N_ITEMS = 12


class PlugnameSource:
    """Users who walk around a circle of items. Read a file or a database here."""

    def __init__(self, config: None) -> None:
        pass

    def interactions(self) -> pd.DataFrame:
        """Return columns user_id and item_id (str) and timestamp (int64 or float64)."""
        rows = [(f"user{user}", f"item{(user + step) % N_ITEMS}", step) for user in range(30) for step in range(6)]
        return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])

    def items(self) -> pd.DataFrame:
        """Return columns item_id and title (str; "" for an item without a title)."""
        rows = [(f"item{number}", f"The title of {number}") for number in range(N_ITEMS)]
        return pd.DataFrame(rows, columns=["item_id", "title"])


@hookimpl
def corecbench_datasets() -> list[DatasetComponent]:
    """Offer the data set."""
    return [DatasetComponent("plugname", PlugnameSource, summary="a circle of items")]
