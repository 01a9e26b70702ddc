"""Data sets: the ml-100k inside RecBole's wheel, published sets to be fetched, and any folder of atomic files."""

from __future__ import annotations

from dataclasses import dataclass

from corecbench.api import Component, Download, hookimpl

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
def corecbench_datasets() -> list[Component]:
    """Offer `ml-100k`, `ml-1m`, `amazon-beauty`, `amazon-toys-games` and `folder`."""
    return [
        Component(
            name="ml-100k",
            build="corecbench_plugins.datasets.ml100k:open_ml100k",
            summary="MovieLens 100K with film titles, from the installed RecBole",
            paper="Harper and Konstan 2015, doi:10.1145/2827872",
        ),
        Component(
            name="ml-1m",
            build="corecbench_plugins.datasets.published:open_ml1m",
            config=MovieLens,
            summary="MovieLens 1M with film titles (datasets fetch)",
            paper="Harper and Konstan 2015, doi:10.1145/2827872",
            download=Download(f"{RECBOLE}/MovieLens/ml-1m.zip", terms=MOVIELENS_TERMS),
        ),
        Component(
            name="amazon-beauty",
            build="corecbench_plugins.datasets.published:open_beauty",
            config=Amazon,
            summary="Amazon 2014 Beauty, 5-core (datasets fetch)",
            paper=AMAZON_PAPERS,
            download=Download(f"{RECBOLE}/Amazon_ratings/Amazon_Beauty.zip", terms=AMAZON_TERMS),
        ),
        Component(
            name="amazon-toys-games",
            build="corecbench_plugins.datasets.published:open_toys",
            config=Amazon,
            summary="Amazon 2014 Toys and Games, 5-core (datasets fetch)",
            paper=AMAZON_PAPERS,
            download=Download(f"{RECBOLE}/Amazon_ratings/Amazon_Toys_and_Games.zip", terms=AMAZON_TERMS),
        ),
        Component(
            name="folder",
            build="corecbench_plugins.datasets.folder:open_folder",
            config=Folder,
            summary="a folder of RecBole atomic files: NAME.inter and NAME.item",
            argument="path",
        ),
    ]
