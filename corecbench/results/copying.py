"""Copies stored cells, whole or without some of their files, and puts complete folders in place."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from corecbench.data.durable import sync
from corecbench.results.checksums import contents_of, read_file, sealed
from corecbench.results.layout import RECORD_FILE
from corecbench.results.record_file import read_record, record_text

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from corecbench.api import CellResult


def files_of(folder: Path, record: CellResult) -> list[str]:
    """Return the names of the files of a cell beside its record, relative to its folder."""
    if "files" in record:
        return sorted(record["files"])
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name != RECORD_FILE)


def copy_files(source: Path, target: Path, without: Collection[str] = ()) -> None:
    """Copy the files of a cell to a folder that is new.

    The record is copied as it is. If files are left out, or if it holds what is private, it is written and sealed
    anew.

    Args:
        source: the folder of the cell.
        target: the new folder.
        without: files and folders of the cell that are left out.

    Raises:
        ResultsError: the cell is damaged.
    """
    record = read_record(source)
    names = files_of(source, record)
    kept = [name for name in names if name.split("/")[0] not in without]
    target.mkdir(parents=True)
    for name in kept:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(read_file(source, name, record))
    contents = contents_of(source / RECORD_FILE)
    if kept != names or json.loads(contents) != record:
        contents = record_text(sealed(record, target) if "files" in record else record).encode()
    (target / RECORD_FILE).write_bytes(contents)


def put_copy(source: Path, folder: Path, without: Collection[str] = ()) -> None:
    """Put a copy of a cell in the place of what a folder held. Only the owner of its lease may do so.

    Whenever the process stops, the folder holds all of the old, all of the new, or is not there. Arguments and
    errors are those of `copy_files`.
    """
    new = new_beside(folder)
    shutil.rmtree(new, ignore_errors=True)
    try:
        copy_files(source, new, without)
        put_in_place(new, folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def new_beside(folder: Path) -> Path:
    """Return the hidden folder in which a process prepares what takes the place of a cell's folder."""
    return folder.with_name(f".{folder.name}.{os.getpid()}.new")


def put_in_place(new: Path, folder: Path) -> None:
    """Make a complete folder durable and give it its name."""
    for path in (*new.rglob("*"), new):
        sync(path)
    old = new.with_suffix(".old")
    if os.path.lexists(folder):
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        if os.path.lexists(old):
            old.rename(folder)
        raise
    sync(folder.parent)
    if old.is_symlink() or old.is_file():
        old.unlink()
    shutil.rmtree(old, ignore_errors=True)
