"""The checksums of a stored cell: the sha256 of each of its files and of the record itself, kept in result.json."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

from corecbench.data.archive import sha256_of
from corecbench.results.layout import RECORD_FILE
from corecbench.results.record import damaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from corecbench.api import CellResult

SEALS = ("files", "checksum")
"""The fields of a record that hold checksums. Results from before these were stored lack both."""


def sealed(record: Mapping[str, Any], folder: Path) -> CellResult:
    """Return a record with the checksums of all files in the folder of its cell, and its own.

    Args:
        record: what JSON holds, as it is read from there.
        folder: holds all files of the cell but its record.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    digests = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
    new = {**unsealed(record), "files": digests}
    return cast("CellResult", {**new, "checksum": checksum(new)})


def unsealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without its checksums."""
    return {name: value for name, value in record.items() if name not in SEALS}


def checksum(record: Mapping[str, Any]) -> str:
    """Return the sha256 of a record's contents. The order of keys and the layout of the file do not matter."""
    contents = {name: value for name, value in record.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()


def check_record(record: CellResult, file: Path) -> None:
    """Make sure that a record is as it was stored, if it has a checksum.

    Raises:
        DamagedError: it was changed.
    """
    if ("checksum" in record) != ("files" in record):
        raise damaged(file, f"it has one of {' and '.join(SEALS)}, and not the other")
    for name in record.get("files", ()):
        if not set(name.split("/")).isdisjoint(("", ".", "..")) or set(name) & set("\\:\0"):
            raise damaged(file, f"{name!r} cannot be the name of a file of a cell")
    if "checksum" in record and checksum(record) != record["checksum"]:
        raise damaged(file, "its contents do not have the checksum that it states, so it was changed")


def contents_of(file: Path) -> bytes:
    """Return the contents of a file.

    Raises:
        DamagedError: it is missing, no regular file, or cannot be read.
    """
    try:
        if not file.is_file():  # opening a pipe or a device would hang
            raise damaged(file, "this is no file" if file.exists() else "the file is missing")
        return file.read_bytes()
    except OSError as error:
        raise damaged(file, f"cannot be read ({error.strerror})") from error


def read_file(folder: Path, name: str, record: CellResult) -> bytes:
    """Return the contents of a file of a cell, as they were stored.

    Args:
        folder: the folder of the cell.
        name: the file, relative to the folder, such as "domain/ranks.parquet".
        record: the record of the cell. Without checksums the contents are returned as they are.

    Raises:
        DamagedError: the file is missing, cannot be read, or is not the one that was stored.
    """
    file = folder / name
    contents = contents_of(file)
    if "files" not in record:
        return contents
    if name not in record["files"]:
        raise damaged(file, f"{RECORD_FILE} names no such file")
    if hashlib.sha256(contents).hexdigest() != record["files"][name]:
        raise damaged(file, f"its sha256 is not the one in {RECORD_FILE}, so it was changed")
    return contents


def is_stored(folder: Path, name: str, record: CellResult) -> bool:
    """Return whether a file was stored with a cell, or lies there now."""
    return name in record.get("files", ()) or (folder / name).exists()
