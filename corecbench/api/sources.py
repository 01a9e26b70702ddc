"""Data sets: what a source gives, and where a published one is got from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd


class DatasetSource(Protocol):
    """Where interactions and item texts come from. Ids are text.

    An attribute is optional: `k_core: int`, for a set that is published with its users and items filtered. Those
    with fewer interactions are left out when the data are loaded. So is a method: `users()` returns columns user_id
    and text (str), which become `Catalog.user_texts`.
    """

    def interactions(self) -> pd.DataFrame:
        """Return columns user_id (str), item_id (str), timestamp (int64 or float64), in file order."""
        ...

    def items(self) -> pd.DataFrame:
        """Return columns item_id (str) and title (str; "" where there is none).

        Further columns (str; "" where there is nothing) are fields of items, which `--item-text` can make texts of.
        """
        ...


@dataclass(frozen=True)
class Download:
    """Where a data set is published: a zip archive, which `corecbench datasets fetch NAME` gets into the cache.

    `build(config)` of such a data set reads `dataset_folder(NAME)` and downloads nothing itself.
    """

    url: str
    """Begins with https."""
    files: tuple[str, ...] = (".inter", ".item")
    """Suffixes. The archive has one file with each, which becomes NAME + suffix in the folder; others are left."""
    sha256: str = ""
    """Checksum of the archive, in hex. Where it is "", the first fetch records its own for later ones."""
    max_bytes: int = 1 << 30
    """Largest size of the archive in bytes; a larger one is refused."""
    max_unpacked_bytes: int = 4 << 30
    """Largest size in bytes of all files in the archive together."""
    convert: str | Callable[[Path], None] = ""
    """Called with the folder NAME of these files, before it takes its place: makes of them what `build` reads.

    It removes the files that are left over, and raises a DataError where the result is not the data set."""
    terms: str = ""
    """Terms of use in a few words, shown with the download."""
