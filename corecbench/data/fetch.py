"""Gets a published data set into a folder, and remembers what it got.

ROOT/NAME/                  the files, NAME.inter and NAME.item
ROOT/NAME.download.json     address, date, and sha256 of the archive and of each file
ROOT/NAME.zip.part          what an interrupted download left
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from corecbench.api import DataError
from corecbench.data.archive import sha256_of, unpack
from corecbench.data.download import PATIENT, Policy, download
from corecbench.data.durable import sync, synced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from corecbench.api import Download


@dataclass(frozen=True)
class Fetched:
    """What was got, as it is recorded."""

    url: str
    sha256: str
    """Of the archive, in hex."""
    size_bytes: int
    files: dict[str, str]
    """name -> sha256 in hex."""
    fetched: str
    """Date and time, ISO 8601 in UTC."""


def fetch(
    name: str,
    source: Download,
    root: Path,
    again: bool = False,
    policy: Policy = PATIENT,
    progress: Callable[[int, int | None], None] = lambda *_: None,
) -> Fetched | None:
    """Get a data set into ROOT/NAME; if it is there already, check that it is as it was got.

    Args:
        name: Of the data set.
        source: Where it is published; its limits count, not those of the policy.
        root: The folder of all fetched data sets.
        again: Whether it is got anew if it is there.
        policy: How it is got.
        progress: `progress(done, total)` is called with bytes.

    Returns:
        What is recorded; None for a folder that is there without a record, which is left as it is.

    Raises:
        DataError: It cannot be got, it is not what it should be, or what is there was changed. What was there
            before is there still.
    """
    folder, record = root / name, root / f"{name}.download.json"
    known = read_record(record)
    if folder.is_dir() and not again:
        if known is not None:
            _check_files(name, folder, known)
        return known
    root.mkdir(parents=True, exist_ok=True)
    archive = root / f"{name}.zip"
    download(source.url, archive, replace(policy, max_bytes=source.max_bytes), progress)
    try:
        sha256, size_bytes = sha256_of(archive), archive.stat().st_size
        _check_archive(source, sha256, known, record)
        with _new_folder(root, name) as new:
            files = unpack(archive, new, {s: f"{name}{s}" for s in source.files}, source.max_unpacked_bytes)
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            fetched = Fetched(source.url, sha256, size_bytes, files, now)
            _write_record(record, fetched)
            _put(new, folder)
    finally:
        archive.unlink(missing_ok=True)
    return fetched


def read_record(path: Path) -> Fetched | None:
    """Return what was recorded; None if nothing was.

    Raises:
        DataError: The record cannot be read.
    """
    if not path.exists():
        return None
    try:
        return Fetched(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); delete it and fetch again") from error


def _check_files(name: str, folder: Path, known: Fetched) -> None:
    """Raise an error if a file is not as it was got."""
    for file, sha256 in known.files.items():
        path = folder / file
        if not path.is_file() or sha256_of(path) != sha256:
            what = "was changed since it was fetched" if path.is_file() else "is missing"
            raise DataError(f"{path} {what}; get it anew: corecbench datasets fetch --again {name}")


def _check_archive(source: Download, sha256: str, known: Fetched | None, record: Path) -> None:
    """Raise an error if the archive is not the one that was stated, or that was got before."""
    if source.sha256 and sha256 != source.sha256.lower():
        raise DataError(f"{source.url}: sha256 is {sha256}, must be {source.sha256.lower()}; nothing was changed")
    if known is not None and known.url == source.url and sha256 != known.sha256:
        fault = f"sha256 is {sha256}, was {known.sha256} on {known.fetched[:10]}; nothing was changed"
        raise DataError(f"{source.url}: {fault}; if the new file is the right one, delete {record} first")


@contextlib.contextmanager
def _new_folder(root: Path, name: str) -> Iterator[Path]:
    """Make a folder beside the place that its contents will have; it is gone afterwards."""
    outer = tempfile.mkdtemp(prefix=f".{name}-", dir=root)
    try:
        inner = root.joinpath(outer, name)  # has the usual permissions, unlike what mkdtemp makes
        inner.mkdir()
        yield inner
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def _put(new: Path, folder: Path) -> None:
    """Move a complete folder to its place; one that is there goes aside first, since folders replace none."""
    sync(new)
    if folder.exists():
        os.replace(folder, new.with_name("old"))
    os.replace(new, folder)
    sync(folder.parent)


def _write_record(path: Path, fetched: Fetched) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(json.dumps(asdict(fetched), indent=2).encode() + b"\n")
        synced(file)
    os.replace(new, path)
