"""Data sets of the Hugging Face hub or of a local folder, read by the package `datasets` (the extra `hub`)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from corecbench.api import DataError, UsageError
from corecbench_plugins.datasets.column_source import ColumnSource
from corecbench_plugins.datasets.parquet_file import ArrowTable

if TYPE_CHECKING:
    from corecbench_plugins.datasets.settings import Hub

MISSING = "a data set of the hub needs the package `datasets`; install it by `pip install 'corecbench[hub]'`"


def open_hub(config: Hub) -> ColumnSource:
    """Return the data set of one subset, or of two."""
    items = functools.partial(read_hub, config, config.items, config.items_split) if config.items else None
    return ColumnSource("hub", config, functools.partial(read_hub, config, config.subset, config.split), items)


def read_hub(config: Hub, subset: str, split: str) -> ArrowTable:
    """Return one split of one subset. What is not in the cache of `datasets` is downloaded.

    Raises:
        UsageError: `datasets` is not installed.
        DataError: the data set, subset or split does not exist or cannot be downloaded.
    """
    try:
        import datasets
    except ImportError as error:
        raise UsageError(MISSING) from error
    name = ":".join(part for part in (config.path, subset, split) if part)
    try:
        loaded = datasets.load_dataset(config.path, subset or None, split=split, revision=config.revision or None)
    except Exception as error:  # any class, also of the packages that download and parse
        raise DataError(f"hub:{name}: {' '.join(str(error).split()) or type(error).__name__}") from error
    return ArrowTable(f"hub:{name}", loaded.with_format("arrow")[:])
