"""Data sets: ml-100k from RecBole's wheel, published sets to be fetched, and the user's own files."""

from __future__ import annotations

from corecbench.api import DatasetComponent, Download, hookimpl
from corecbench_plugins.datasets.settings import Amazon, Columns, Csv, Folder, Hub, MovieLens

RECBOLE = "https://recbole.s3-accelerate.amazonaws.com/ProcessedDatasets"
"""Where RecBole publishes data sets as atomic files (`properties/dataset/url.yaml` of RecBole 1.2.1)."""

MOVIELENS_TERMS = "GroupLens: research use, cite, no redistribution (https://grouplens.org/datasets/movielens)"
AMAZON_TERMS = "McAuley lab, UCSD: research use, cite (https://jmcauley.ucsd.edu/data/amazon)"
AMAZON_PAPERS = "He and McAuley 2016, doi:10.1145/2872427.2883037"

SEQREC = (
    "https://raw.githubusercontent.com/Tiny-Snow/SeqRecBenchmark-Datasets/3bc413edfdf5c8bf408efe63db7b63f0f8d37503"
)
"""SeqRecBenchmark's data sets, at one commit."""
SEQREC_TERMS = "McAuley lab, UCSD: research use, cite (https://cseweb.ucsd.edu/~jmcauley/datasets.html)"


def seqrec(folder: str) -> Download:
    """Return where an archive of SeqRecBenchmark is got from, and what makes atomic files of it."""
    return Download(
        f"{SEQREC}/data/{folder}/proc.zip",
        files=("user2item.pkl", "item2title.pkl"),
        max_bytes=1 << 26,
        max_unpacked_bytes=1 << 28,
        convert="corecbench_plugins.datasets.seqrec_benchmark:convert",
        terms=SEQREC_TERMS,
    )


@hookimpl
def corecbench_datasets() -> list[DatasetComponent]:
    """Offer published data sets, `folder`, `csv`, `parquet` and `hub`."""
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
            name="amazon-beauty-timed",
            build="corecbench_plugins.datasets.seqrec_benchmark:open_beauty_timed",
            summary="Amazon 2014 Beauty with real times, titled items, 5-core (datasets fetch)",
            paper=AMAZON_PAPERS,
            download=seqrec("amazon2014-beauty"),
        ),
        DatasetComponent(
            name="amazon-games",
            build="corecbench_plugins.datasets.seqrec_benchmark:open_games",
            summary="Amazon 2018 Video Games with real times, titled items, 5-core (datasets fetch)",
            paper="Ni, Li and McAuley 2019, doi:10.18653/v1/D19-1018",
            download=seqrec("amazon2018-game"),
        ),
        DatasetComponent(
            name="folder",
            build="corecbench_plugins.datasets.atomic_folder:open_folder",
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
            suffixes=(".csv", ".tsv"),
        ),
        DatasetComponent(
            name="parquet",
            build="corecbench_plugins.datasets.parquet_file:open_parquet",
            config=Columns,
            summary="a Parquet file or folder, its columns by --set parquet.user=NAME and so on",
            argument="path",
            suffixes=(".parquet",),
        ),
        DatasetComponent(
            name="hub",
            build="corecbench_plugins.datasets.hub:open_hub",
            config=Hub,
            summary="a data set of the Hugging Face hub, by id (extra hub)",
            argument="path",
        ),
    ]
