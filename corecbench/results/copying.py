"""Copies stored cells, whole or without some of their files, and puts complete folders in place."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from corecbench.data.durable import sync
from corecbench.results.checksums import check_links, read_file, sealed
from corecbench.results.layout import RECORD_FILE, SHARED, shared_file
from corecbench.results.packed import contents_of, remove
from corecbench.results.record import record_text
from corecbench.results.record_file import read_record

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from corecbench.api import CellResult


def files_of(record: CellResult) -> list[str]:
    return sorted(record["files"])


def check_files(folder: Path, record: CellResult, without: Collection[str] = ()) -> None:
    for name in files_of(record):
        if name.split("/")[0] not in without:
            read_file(folder, name, record)


def copy_files(source: Path, target: Path, folder: Path, without: Collection[str] = ()) -> None:
    """Copy the files of a cell, but for some files and folders, to a target that is new and will be `folder`.

    The record is copied as it is. If files are left out, or if it holds what is private, it is written and sealed
    anew.

    Raises:
        ResultsError: the cell is damaged.
    """
    record = read_record(source)
    names = files_of(record)
    kept = [name for name in names if name.split("/")[0] not in without]
    target.mkdir(parents=True)
    for name in kept:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(read_file(source, name, record))
    contents = contents_of(source / RECORD_FILE)
    if kept != names or json.loads(contents) != record:
        record = sealed(record, target)
        contents = record_text(record).encode()
    share(target, folder, record)
    (target / RECORD_FILE).write_bytes(contents)


def share(new: Path, folder: Path, record: CellResult) -> None:
    """Move the files that a new cell shares to where those of its data set lie.

    The folder is the one that the cell will have.
    """
    for name in SHARED:
        if name in record["files"]:
            sync(new / name)
            (new / name).replace(shared_file(folder, name, record["files"][name]))
            sync(folder.parents[1])


def put_copy(source: Path, folder: Path, without: Collection[str] = ()) -> None:
    """Put a copy of a cell in the place of what a folder held. Only the owner of its lease may do so.

    Whenever the process stops, the folder holds all of the old, all of the new, or is not there. Arguments and
    errors are those of `copy_files`.
    """
    check_links(folder, folder)
    new = new_beside(folder)
    shutil.rmtree(new, ignore_errors=True)
    try:
        copy_files(source, new, folder, without)
        put_in_place(new, folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def new_beside(folder: Path) -> Path:
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
    remove(old)
