"""Published data sets that are fetched once and then read as folders of atomic files.

RecBole's Amazon files are the whole data (1,210,271 users, 249,274 items and 2,023,070 ratings for Beauty); their
5-core has the sizes that papers state (22,363 / 12,101 / 198,502 for Beauty, 19,412 / 11,924 / 167,597 for Toys
and Games). So `k_core` is 5 by default, which changes nothing in a folder that holds the 5-core already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.toolkit import dataset_folder
from corecbench_plugins.datasets.atomic_folder import AtomicFolder
from corecbench_plugins.datasets.ml100k import MovieLensFolder

if TYPE_CHECKING:
    import pandas as pd

    from corecbench_plugins.datasets.settings import Amazon, MovieLens

NO_TITLE = "nan"
"""Text that stands for a missing one in files that pandas wrote."""


def open_ml1m(config: MovieLens) -> MovieLensFolder:
    """Return MovieLens 1M: 6,040 users, about 3,700 films and 1,000,209 ratings."""
    return MovieLensFolder(dataset_folder("ml-1m"), k_core=config.k_core)


def open_beauty(config: Amazon) -> AmazonReviews:
    """Return Amazon Beauty."""
    return AmazonReviews(dataset_folder("amazon-beauty"), k_core=config.k_core, all_listed=False)


def open_toys(config: Amazon) -> AmazonReviews:
    """Return Amazon Toys and Games."""
    return AmazonReviews(dataset_folder("amazon-toys-games"), k_core=config.k_core, all_listed=False)


class AmazonReviews(AtomicFolder):
    """Reviews of one category. A product without metadata or without a title has no text."""

    def items(self) -> pd.DataFrame:
        """Return item_id, title and all other columns of the file."""
        items = super().items()
        fields = [column for column in items if column != "item_id"]
        return items.assign(**{column: items[column].where(items[column] != NO_TITLE, "") for column in fields})
