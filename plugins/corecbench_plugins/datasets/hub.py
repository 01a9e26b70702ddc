"""Data sets of the Hugging Face hub, read by `datasets` (the extra `hub`), which reads local folders alike."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from corecbench.api import DataError, UsageError
from corecbench_plugins.datasets.mapped import MappedSource
from corecbench_plugins.datasets.parquet_file import ArrowSheet

if TYPE_CHECKING:
    from corecbench_plugins.datasets import Hub

MISSING = "a data set of the hub is read by `datasets`; install it by `pip install 'corecbench[hub]'`"


def open_hub(config: Hub) -> MappedSource:
    """Return the data set of one subset, or of two."""
    items = functools.partial(read_hub, config, config.items, config.items_split) if config.items else None
    return MappedSource(config, functools.partial(read_hub, config, config.subset, config.split), items)


def read_hub(config: Hub, subset: str, split: str) -> ArrowSheet:
    """Return one split of one subset, downloading what is not in the cache of `datasets`.

    Raises:
        UsageError: `datasets` is not installed.
        DataError: there is no such data set, subset or split, or it cannot be got.
    """
    try:
        import datasets
    except ImportError as error:
        raise UsageError(MISSING) from error
    name = ":".join(part for part in (config.path, subset, split) if part)
    try:
        found = datasets.load_dataset(config.path, subset or None, split=split, revision=config.revision or None)
    except Exception as error:  # of many classes, among them those of what it is downloaded and parsed by
        raise DataError(f"hub:{name}: {' '.join(str(error).split()) or type(error).__name__}") from error
    return ArrowSheet(f"hub:{name}", found.with_format("arrow")[:])
