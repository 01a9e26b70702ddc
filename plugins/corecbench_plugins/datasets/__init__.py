"""Data sets: the ml-100k inside RecBole's wheel, published sets to be fetched, and the user's own."""

from __future__ import annotations

from dataclasses import dataclass

from corecbench.api import DatasetComponent, Download, hookimpl

RECBOLE = "https://recbole.s3-accelerate.amazonaws.com/ProcessedDatasets"
"""Where RecBole publishes data sets as atomic files (`properties/dataset/url.yaml` of RecBole 1.2.1)."""

MOVIELENS_TERMS = "GroupLens: research use, cite, no redistribution (https://grouplens.org/datasets/movielens)"
AMAZON_TERMS = "McAuley lab, UCSD: research use, cite (https://jmcauley.ucsd.edu/data/amazon)"
AMAZON_PAPERS = "He and McAuley 2016, doi:10.1145/2872427.2883037"


@dataclass(frozen=True)
class Folder:
    """Where a data set of the user's own lies."""

    path: str
    """A folder with NAME.inter and, for item texts, NAME.item; NAME is the name of the folder."""


@dataclass(frozen=True)
class Columns:
    """Where a data set of the user's own lies, and what its columns are called."""

    path: str
    """Of the interactions."""
    user: str = "user_id"
    item: str = "item_id"
    timestamp: str = "timestamp"
    """Numbers or ISO 8601 dates; "" if the rows are in the order of time."""
    title: str = ""
    """Of the items' titles; if empty, "title" where there is one."""
    items: str = ""
    """The table of titles; if empty, they are among the interactions."""
    items_id: str = ""
    """Of the ids in the table of titles, if they are not called as `item` says."""


@dataclass(frozen=True)
class Csv(Columns):
    """Settings of separated values."""

    separator: str = ""
    """One character, or "tab"; if empty, a tab in a .tsv file and a comma in others."""

    def __post_init__(self) -> None:
        """Check what the type does not say."""
        if len(self.separator) > 1 and self.separator != "tab":
            raise ValueError(f"separator is {self.separator!r}, must be one character or 'tab'")


@dataclass(frozen=True)
class Hub(Columns):
    """Settings of a data set of the hub: `path` is its id, or a folder, and `items` the subset of titles."""

    subset: str = ""
    """Of the interactions; if empty, the only one."""
    split: str = "train"
    items_split: str = "train"
    revision: str = ""
    """A commit, tag or branch; if empty, the newest. Name a commit to get the same data again."""


@dataclass(frozen=True)
class MovieLens:
    """How much of a MovieLens set is used."""

    k_core: int = 0
    """Users and items with fewer ratings are left out; published tables of ml-1m often use 5."""


@dataclass(frozen=True)
class Amazon:
    """How much of an Amazon set is used: what RecBole publishes is all of it, papers use its 5-core."""

    k_core: int = 5
    """Users and items with fewer reviews are left out. 5 changes nothing in a folder that is the 5-core already."""


@hookimpl
def corecbench_datasets() -> list[DatasetComponent]:
    """Offer `ml-100k`, `ml-1m`, `amazon-beauty`, `amazon-toys-games`, `folder`, `csv`, `parquet` and `hub`."""
    return [
        DatasetComponent(
            name="ml-100k",
            build="corecbench_plugins.datasets.ml100k:open_ml100k",
            summary="MovieLens 100K with film titles, from the installed RecBole",
            paper="Harper and Konstan 2015, doi:10.1145/2827872",
        ),
        DatasetComponent(
            name="ml-1m",
            build="corecbench_plugins.datasets.published:open_ml1m",
            config=MovieLens,
            summary="MovieLens 1M with film titles (datasets fetch)",
            paper="Harper and Konstan 2015, doi:10.1145/2827872",
            download=Download(f"{RECBOLE}/MovieLens/ml-1m.zip", terms=MOVIELENS_TERMS),
        ),
        DatasetComponent(
            name="amazon-beauty",
            build="corecbench_plugins.datasets.published:open_beauty",
            config=Amazon,
            summary="Amazon 2014 Beauty, 5-core (datasets fetch)",
            paper=AMAZON_PAPERS,
            download=Download(f"{RECBOLE}/Amazon_ratings/Amazon_Beauty.zip", terms=AMAZON_TERMS),
        ),
        DatasetComponent(
            name="amazon-toys-games",
            build="corecbench_plugins.datasets.published:open_toys",
            config=Amazon,
            summary="Amazon 2014 Toys and Games, 5-core (datasets fetch)",
            paper=AMAZON_PAPERS,
            download=Download(f"{RECBOLE}/Amazon_ratings/Amazon_Toys_and_Games.zip", terms=AMAZON_TERMS),
        ),
        DatasetComponent(
            name="folder",
            build="corecbench_plugins.datasets.folder:open_folder",
            config=Folder,
            summary="a folder of RecBole atomic files: NAME.inter and NAME.item",
            argument="path",
        ),
        DatasetComponent(
            name="csv",
            build="corecbench_plugins.datasets.csv_file:open_csv",
            config=Csv,
            summary="a file of separated values, its columns by --set csv.user=NAME and so on",
            argument="path",
        ),
        DatasetComponent(
            name="parquet",
            build="corecbench_plugins.datasets.parquet_file:open_parquet",
            config=Columns,
            summary="a Parquet file or folder, its columns by --set parquet.user=NAME and so on",
            argument="path",
        ),
        DatasetComponent(
            name="hub",
            build="corecbench_plugins.datasets.hub:open_hub",
            config=Hub,
            summary="a data set of the Hugging Face hub, by id (extra hub)",
            argument="path",
        ),
    ]
