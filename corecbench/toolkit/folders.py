"""Folders of data sets and of what is expensive to get or to compute."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from corecbench.api import PROJECT, DataError


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
