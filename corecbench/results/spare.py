"""Keeps a trained cell that cannot be stored where it belongs, such as for want of disk space."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.results.layout import own_folder
from corecbench.results.record import ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from corecbench.api import CellResult
    from corecbench.results.store import Store


def spare_folder(store: Store, folder: Path, cache: Path) -> Path:
    root = hashlib.sha256(os.path.abspath(store.root).encode()).hexdigest()[:12]
    return cache / "unstored" / root / Path(*folder.parts[-4:])


def store_or_keep(write: Callable[[Path], CellResult], store: Store, folder: Path, cache: Path) -> CellResult:
    """Write a cell to its folder. If that fails, keep it in the cache or in the system's temporary folder.

    `write` writes it to the folder that it is given, and returns the record as it is stored.

    Raises:
        ResultsError: it can be written to none of them.
    """
    try:
        return write(folder)
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
    for place in spare_places(store, folder, cache):
        try:
            record = write(place)
        except OSError:
            continue
        logging.getLogger(__name__).warning(
            "%s: cannot be written (%s); the cell is kept in %s: %s",
            folder,
            reason,
            place,
            "the same command takes it from there once it can be stored"
            if place.is_relative_to(cache)
            else "move it to its own folder",
        )
        return record
    raise ResultsError(f"{folder}: cannot be written ({reason}), and neither can the cache or a temporary folder")


def not_stored(records: Iterable[CellResult], store: Store) -> list[Path]:
    """Return the folders of those cells that were run and could not be stored there.

    A cell is looked for by its seed and hash, since private parts of its name may be hidden in its record.
    """
    places = [own_folder(record) for record in records]
    return [
        store.own_folder.joinpath(*place) for place in places if not any(store.own_folder.glob(f"*/*/{place[-1]}"))
    ]


def spare_places(store: Store, folder: Path, cache: Path) -> Iterator[Path]:
    yield spare_folder(store, folder, cache)
    try:
        yield Path(tempfile.mkdtemp(prefix="corecbench-"), *folder.parts[-4:])
    except OSError:
        return
