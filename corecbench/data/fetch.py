"""Fetches a published data set into a folder, and records what was fetched.

ROOT/NAME/                  the files, NAME.inter and NAME.item
ROOT/NAME.download.json     address, date, and sha256 of the archive and of each file
ROOT/NAME.zip.part          the first bytes of an interrupted download
"""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from corecbench.api import DataError
from corecbench.data.archive import sha256_of, unpack
from corecbench.data.download import PATIENT, Policy, download
from corecbench.data.durable import no_link, sync, synced
from corecbench.toolkit import private_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from corecbench.api import Download


@dataclass(frozen=True)
class Fetched:
    """The record of a fetched data set."""

    url: str
    sha256: str
    """sha256 of the archive, in hex."""
    size_bytes: int
    """Size of the archive."""
    files: dict[str, str]
    """name -> sha256 in hex."""
    fetched: str
    """Date and time of the download, ISO 8601 in UTC."""


def fetch(
    name: str,
    source: Download,
    root: Path,
    again: bool = False,
    policy: Policy = PATIENT,
    progress: Callable[[int, int | None], None] = lambda *_: None,
) -> Fetched | None:
    """Fetch a data set into ROOT/NAME. One that is there already is checked against its record instead.

    The size limit of the source replaces that of the policy; `progress(done, total)` is called with bytes.

    Returns:
        The record; None for an existing folder without a record, which is left as it is.

    Raises:
        DataError: The download fails, a checksum differs, or an existing file was changed. An existing data set
            stays as it was.
    """
    folder, record = root / name, root / f"{name}.download.json"
    recorded = read_record(record)
    if folder.is_dir() and not again:
        if recorded is not None:
            _check_files(name, folder, recorded)
        return recorded
    private_folder(root)
    archive = root / f"{name}.zip"
    download(source.url, archive, replace(policy, max_bytes=source.max_bytes), progress)
    try:
        sha256, size_bytes = sha256_of(archive), archive.stat().st_size
        _check_archive(source, sha256, recorded, record)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=root, ignore_cleanup_errors=True) as made:
            new = root.joinpath(made, name)  # with the usual permissions, unlike the folder around it
            new.mkdir()
            files = unpack(
                archive, new, {suffix: f"{name}{suffix}" for suffix in source.files}, source.max_unpacked_bytes
            )
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            fetched = Fetched(source.url, sha256, size_bytes, files, now)
            _write_record(record, fetched)
            _put(new, folder)
    finally:
        archive.unlink(missing_ok=True)
    return fetched


def read_record(path: Path) -> Fetched | None:
    """Return the record in a file; None if there is no file.

    Raises:
        DataError: The record cannot be read.
    """
    if not path.exists():
        return None
    try:
        return Fetched(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); delete it and fetch again") from error


def _check_files(name: str, folder: Path, recorded: Fetched) -> None:
    """Raise a DataError if a file was changed since it was fetched."""
    for file, sha256 in recorded.files.items():
        path = folder / file
        if not path.is_file() or sha256_of(path) != sha256:
            fault = "was changed since it was fetched" if path.is_file() else "is missing"
            raise DataError(f"{path} {fault}; get it anew: corecbench datasets fetch --again {name}")


def _check_archive(source: Download, sha256: str, recorded: Fetched | None, record: Path) -> None:
    """Raise a DataError if the archive differs from the stated checksum, or from what was fetched before."""
    if source.sha256 and sha256 != source.sha256.lower():
        raise DataError(f"{source.url}: sha256 is {sha256}, must be {source.sha256.lower()}; nothing was changed")
    if recorded is not None and recorded.url == source.url and sha256 != recorded.sha256:
        fault = f"sha256 is {sha256}, was {recorded.sha256} on {recorded.fetched[:10]}; nothing was changed"
        raise DataError(f"{source.url}: {fault}; if the new file is the right one, delete {record} first")


def _put(new: Path, folder: Path) -> None:
    """Move a complete folder to its place. An existing folder is moved away first, since it cannot be replaced."""
    sync(new)
    if folder.exists():
        os.replace(folder, new.with_name("old"))
    os.replace(new, folder)
    sync(folder.parent)


def _write_record(path: Path, fetched: Fetched) -> None:
    new = path.with_name(f"{path.name}.new")
    with open(new, "wb", opener=no_link) as file:
        file.write(json.dumps(asdict(fetched), indent=2).encode() + b"\n")
        synced(file)
    os.replace(new, path)
