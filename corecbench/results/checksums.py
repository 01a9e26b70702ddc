"""The checksums of a stored cell: the sha256 of each of its files and of the record itself, kept in result.json."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

from corecbench.data.archive import sha256_of
from corecbench.results.layout import RECORD_FILE, SHARED, shared_file
from corecbench.results.packed import contents_of, exists, files_below
from corecbench.results.record import damaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from corecbench.api import CellResult

SEALS = ("files", "checksum")
"""The fields of a stored record that hold checksums."""


def sealed(record: Mapping[str, Any], folder: Path) -> CellResult:
    digests = {name: sha256_of(folder / name) for name in files_below(folder)}
    new = {**unsealed(record), "files": digests}
    return cast("CellResult", {**new, "checksum": checksum(new)})


def unsealed(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in SEALS}


def checksum(record: Mapping[str, Any]) -> str:
    contents = {name: value for name, value in record.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()


def check_record(record: CellResult, file: Path) -> None:
    if not set(SEALS) <= record.keys():
        raise damaged(file, "it lacks checksums")
    for name in record["files"]:
        if not set(name.split("/")).isdisjoint(("", ".", "..")) or set(name) & set("\\:\0"):
            raise damaged(file, f"{name!r} cannot be the name of a file of a cell")
    if checksum(record) != record["checksum"]:
        raise damaged(file, "its contents do not have the checksum that it states, so it was changed")


def place_of(folder: Path, name: str, record: CellResult) -> Path:
    digest = record.get("files", {}).get(name)
    if name in SHARED and digest is not None and not exists(folder / name):
        return shared_file(folder, name, digest)
    return folder / name


def read_file(folder: Path, name: str, record: CellResult) -> bytes:
    """Return the contents of a file of a cell, as they were stored; as they are if its record is not stored yet.

    Raises:
        DamagedError: the file is missing, cannot be read, or is not the one that was stored.
    """
    file, shown = place_of(folder, name, record), folder / name
    check_links(file, folder)
    if file != shown:
        shown = folder / f"{name} (in {file.name})"
    contents = contents_of(file, shown)
    if "files" not in record:
        return contents
    if name not in record["files"]:
        raise damaged(shown, f"{RECORD_FILE} names no such file")
    if hashlib.sha256(contents).hexdigest() != record["files"][name]:
        raise damaged(shown, f"its sha256 is not the one in {RECORD_FILE}, so it was changed")
    return contents


def is_stored(folder: Path, name: str, record: CellResult) -> bool:
    return name in record.get("files", ()) or exists(folder / name)


def check_links(file: Path, folder: Path) -> None:
    """Make sure that no link leads to a file of a cell: it might be one that is not to be read, or passed on.

    The folders above that of its benchmark may be links.

    Raises:
        DamagedError: there is a link.
    """
    for path in (file, *file.parents):
        if path in folder.parents[2:]:
            return
        if path.is_symlink():
            raise damaged(path, "this is a link, and links are not followed")
