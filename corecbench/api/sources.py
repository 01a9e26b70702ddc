"""Data sets: what a source gives, and where a published one is kept."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from corecbench.api.errors import DataError
from corecbench.api.hooks import PROJECT

if TYPE_CHECKING:
    import pandas as pd


class DatasetSource(Protocol):
    """Where interactions and item texts come from. Ids are text.

    An attribute is optional: `k_core: int`, for a set that is published with its users and items filtered. Those
    with fewer interactions are left out when the data are loaded.
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
    terms: str = ""
    """Terms of use in a few words, shown with the download."""


def ordinary_file(path: Path) -> Path:
    """Return a path, unless it is a pipe, a device or a socket, which reading may never reach the end of.

    Raises:
        OSError: it is one of these, or does not exist.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "a file is needed, but it is a pipe, a device or a socket", str(path))
    return path


def cache_folder() -> Path:
    """Return where what is expensive to get or to compute is kept: CORECBENCH_CACHE, or the platform's place."""
    chosen = os.environ.get("CORECBENCH_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path(PROJECT)


def dataset_places(name: str) -> list[Path]:
    """Return the folders that a published data set may be in, the first first.

    That is NAME in the data folder (`--data-dir`, or CORECBENCH_DATA), if there is one, then NAME in the cache,
    where `corecbench datasets fetch` puts it.
    """
    chosen = os.environ.get("CORECBENCH_DATA")
    roots = [Path(chosen).expanduser()] if chosen else []
    return [root / name for root in (*roots, cache_folder() / "datasets")]


def dataset_folder(name: str) -> Path:
    """Return the folder of a published data set.

    Raises:
        DataError: it is in none of its places; the message has the command that gets it.
    """
    places = dataset_places(name)
    for place in places:
        if place.is_dir():
            return place
    looked = ", ".join(map(str, places))
    raise DataError(f"data set '{name}' is not here; looked for {looked}; get it: corecbench datasets fetch {name}")
