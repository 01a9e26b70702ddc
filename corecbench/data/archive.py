"""Unpacks a few files from a zip archive that is not trusted, or lists those to read in place."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import stat
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from corecbench.api import DataError
from corecbench.toolkit import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

CHUNK_BYTES = 1 << 20
PLAIN = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*")
"""A part of a path that means the same on every system."""
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""Errors of zipfile for an archive that is damaged, encrypted or compressed by an unknown method."""


def unpack(archive: Path, folder: Path, wanted: Mapping[str, str], max_bytes: int) -> None:
    """Write the files with the wanted suffixes (suffix -> new name, one file each) to an existing folder.

    The whole archive is refused if any entry has a path that leads out of the folder, or is a link or a device.
    Hidden files and the files that macOS adds are ignored. zipfile reads no more of a file than its stated size.

    Raises:
        DataError: The archive is damaged, too large or suspicious, or lacks a file.
    """
    with _readable(archive) as opened:
        entries = _checked(archive, opened.infolist(), max_bytes)
        chosen = {name: _only(archive, entries, suffix) for suffix, name in wanted.items()}
        for name, entry in chosen.items():
            with opened.open(entry) as source, (folder / name).open("xb") as target:
                shutil.copyfileobj(source, target, CHUNK_BYTES)


def plain_entries(archive: Path, entries: Sequence[zipfile.ZipInfo], max_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive that is read without being unpacked, by their names.

    The whole archive is refused as in `unpack`, and if a part of a path is not of letters, digits and `._+-`, or
    begins with a dot.

    Raises:
        DataError: The archive is too large or suspicious, or has a file twice.
    """
    named: dict[str, zipfile.ZipInfo] = {}
    for entry in _checked(archive, entries, max_bytes):
        if not all(PLAIN.fullmatch(part) for part in entry.orig_filename.split("/")):
            raise DataError(
                f"{archive.name}: entry {entry.orig_filename!r} has no plain name; nothing was unpacked"
            )
        if entry.filename in named:
            raise DataError(f"{archive.name}: entry {entry.filename!r} is there twice; nothing was unpacked")
        named[entry.filename] = entry
    for name in named:
        if above := next((str(path) for path in PurePosixPath(name).parents if str(path) in named), None):
            raise DataError(f"{archive.name}: entry {above!r} is a file and a folder; nothing was read")
    return named


@contextlib.contextmanager
def _readable(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file. What cannot be read or written becomes a DataError."""
    try:
        with zipfile.ZipFile(archive) as opened:
            yield opened
    except UNREADABLE as error:
        raise DataError(
            f"{archive.name}: not a zip archive that can be read: {error or type(error).__name__}"
        ) from error
    except OSError as error:  # a place before the beginning of the file, or no room for what is written
        raise DataError(f"{archive.name}: cannot be unpacked: {error.strerror or error}") from error


def _checked(archive: Path, entries: Sequence[zipfile.ZipInfo], max_bytes: int) -> list[zipfile.ZipInfo]:
    """Return the files of an archive; raise a DataError if an entry is suspicious or the size is too large."""
    for entry in entries:
        fault = _fault(entry)
        if fault:
            raise DataError(f"{archive.name}: entry {entry.orig_filename!r} {fault}; nothing was unpacked")
    total = sum(entry.file_size for entry in entries)
    if total > max_bytes:
        raise DataError(f"{archive.name}: {total:,} bytes unpacked, at most {max_bytes:,} are allowed")
    return [entry for entry in entries if not entry.is_dir()]


def _fault(entry: zipfile.ZipInfo) -> str:
    """Return the fault of an entry's path or type; "" for none."""
    path = entry.orig_filename  # the path as stored; `filename` is cut at NUL
    if "\0" in path:
        return "has a NUL character in its name"
    if path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", path):
        return "has an absolute path"
    if ".." in re.split(r"[/\\]", path):
        return "leads out of the folder"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link" if kind == stat.S_IFLNK else "is no file"
    return ""


def _only(archive: Path, entries: Sequence[zipfile.ZipInfo], suffix: str) -> zipfile.ZipInfo:
    """Return the file with a suffix, of which there must be one."""
    matches = []
    for entry in entries:
        parts = entry.filename.split("/")
        if parts[-1].endswith(suffix) and not any(part.startswith((".", "__MACOSX")) for part in parts):
            matches.append(entry)
    if len(matches) != 1:
        have = ", ".join(printable(entry.filename) for entry in (matches or entries)[:5]) or "nothing"
        raise DataError(f"{archive.name}: {len(matches)} files with the suffix {suffix}, 1 is needed; have: {have}")
    return matches[0]


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
