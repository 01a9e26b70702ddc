"""Reads stored files where they lie: in a folder, or in a bundle, whose files have paths that lead through it.

    results/published/ledger/toy/sasrec/seed0-1a2b3c4d/result.json        in a folder
    results/published/ledger.zip/ledger/toy/sasrec/seed0-1a2b3c4d/result.json   in a bundle

The records of a bundle stand together in one file, since they are alike, and of files with the same contents one is
stored. Nothing is unpacked. What has a name or a size that is not safe is refused when a bundle is opened, and
`corecbench.results.folders.stores` refuses what is not as its manifest says.
"""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import json
import os
import shutil
import stat
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from corecbench.api import DataError
from corecbench.data.archive import UNREADABLE, plain_entries
from corecbench.data.durable import no_link
from corecbench.results.record import ResultsError, damaged, record_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 3
MANIFEST, RECORDS = "MANIFEST.json", "records.json"
"""What names all other files, and the records of all cells by the paths of their result.json."""
MOST_COMPRESSED = 50
"""How many times its size a bundle may have when it is unpacked."""
MOST_FILES = 50_000


@dataclass(frozen=True, eq=False)
class Bundle:
    """The files of a bundle."""

    path: Path
    archive: zipfile.ZipFile
    stored: Mapping[str, zipfile.ZipInfo]
    """What the zip file holds, by names."""
    most_bytes: int
    """How large all files may be together."""

    @functools.cached_property
    def entries(self) -> Mapping[str, zipfile.ZipInfo]:
        """The files by their names, and where the contents of each are stored.

        Raises:
            ResultsError: there is no manifest that can be read, or it names what is not safe.
        """
        stated = self._manifest()["files"]
        holder = {stated[name]: entry for name, entry in self.stored.items() if name in stated}
        twins = {name: holder[of] for name, of in stated.items() if name not in self.stored and of in holder}
        if len(self.stored) + len(twins) + len(self.records) > MOST_FILES:
            raise ResultsError(f"{self.path}: {MANIFEST} names more than {MOST_FILES:,} files")
        named = [_named(name, entry.file_size) for name, entry in twins.items()]
        named += [_named(name, 0) for name in self.records]  # their bytes are counted already
        try:
            plain_entries(self.path, [*self.stored.values(), *named], self.most_bytes)
        except DataError as error:
            raise ResultsError(str(error)) from error
        return {**self.stored, **twins, **{name: _named(name, len(of)) for name, of in self.records.items()}}

    @functools.cached_property
    def records(self) -> Mapping[str, bytes]:
        """The contents of each result.json by its name.

        Raises:
            ResultsError: they are missing, or cannot be read.
        """
        return {name: record_text(record).encode() for name, record in self._json(RECORDS).items()}

    @functools.cached_property
    def faults(self) -> list[str]:
        """What is not as the manifest says, a line for each file.

        Raises:
            ResultsError: there is no manifest that can be read.
        """
        stated = self._manifest()["files"]
        own = {MANIFEST, *self.records}
        held = {name: self._digest(name) for name in self.stored}
        digests = {name: held[entry.filename] for name, entry in self.entries.items() if name not in own}
        faults = [f"{name} is missing" for name in stated if name not in digests]
        faults += [f"{name} is not in {MANIFEST}" for name in digests if name not in stated]
        faults += [
            f"the sha256 of {name} is not the one in {MANIFEST}, so it was changed"
            for name, digest in digests.items()
            if stated.get(name, digest) != digest
        ]
        return [f"{self.path}: {fault}" for fault in faults]

    def contents(self, name: str) -> bytes:
        entry = self.entries[name]
        return self.records[name] if name in self.records else self._read(name, entry)

    def _read(self, name: str, entry: zipfile.ZipInfo) -> bytes:
        try:
            return self.archive.read(entry)
        except (*UNREADABLE, OSError) as error:
            raise ResultsError(f"{self.path}: {name} cannot be read ({error})") from error

    def _digest(self, name: str) -> str:
        try:
            with self.archive.open(self.stored[name]) as source:
                return hashlib.file_digest(cast("Any", source), "sha256").hexdigest()
        except (*UNREADABLE, OSError) as error:
            raise ResultsError(f"{self.path}: {name} cannot be read ({error})") from error

    def _json(self, name: str) -> dict[str, Any]:
        if name not in self.stored:
            raise ResultsError(f"{self.path}: no {name}, so this is no bundle of results")
        try:
            found = json.loads(self._read(name, self.stored[name]))
        except (ValueError, RecursionError) as error:
            raise ResultsError(f"{self.path}: {name} cannot be read ({error})") from error
        if not isinstance(found, dict):
            raise ResultsError(f"{self.path}: {name} names no files")
        return found

    def _manifest(self) -> Mapping[str, Any]:
        manifest = self._json(MANIFEST)
        if not isinstance(manifest.get("files"), dict):
            raise ResultsError(f"{self.path}: {MANIFEST} names no files")
        if manifest.get("format") != FORMAT:
            stated = manifest.get("format")
            raise ResultsError(f"{self.path}: a bundle of format {stated}, and this corecbench reads {FORMAT}")
        if not all(name and isinstance(digest, str) for name, digest in manifest["files"].items()):
            raise ResultsError(f"{self.path}: {MANIFEST} has a file without name or sha256")
        return manifest


def _named(name: str, n_bytes: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.orig_filename, entry.file_size = name, n_bytes
    return entry


def bundle_at(path: Path) -> Bundle:
    """Return the bundle that a file is.

    Raises:
        ResultsError: it is no zip file that can be read safely.
    """
    try:
        known = path.stat()
        return _opened(path, known.st_ino, known.st_mtime_ns, known.st_size)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror})") from error
    except DataError as error:
        raise ResultsError(str(error)) from error


@functools.lru_cache(maxsize=64)
def _opened(path: Path, _number: int, _changed: int, n_bytes: int) -> Bundle:
    """Return the bundle in a file, which is opened once as long as it does not change."""
    try:
        archive = zipfile.ZipFile(path)
    except UNREADABLE as error:
        why = error or type(error).__name__
        raise ResultsError(f"{path.name}: not a zip archive that can be read: {why}") from error
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise ResultsError(f"{path.name}: {len(entries):,} files, at most {MOST_FILES:,} are allowed")
    most_bytes = MOST_COMPRESSED * n_bytes
    return Bundle(path, archive, plain_entries(path, entries, most_bytes), most_bytes)


def is_bundle(path: Path) -> bool:
    """Return whether a file in a folder of results is a bundle: a zip file with a manifest.

    Raises:
        ResultsError: it is a zip file that cannot be read safely.
    """
    return is_regular(path) and zipfile.is_zipfile(path) and MANIFEST in bundle_at(path).stored


def is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)  # which would wait for a pipe
    else:
        path.unlink(missing_ok=True)


def _inside(path: Path) -> tuple[Bundle, str] | None:
    for above in path.parents:
        if above.is_file():
            return bundle_at(above), path.relative_to(above).as_posix()
        if above.is_dir():
            return None
    return None


def contents_of(file: Path, shown: Path | None = None) -> bytes:
    """Return the contents of a stored file, which errors may call by another name.

    Raises:
        DamagedError: it is missing, no regular file, or cannot be read.
        ResultsError: it lies in a bundle that cannot be read.
    """
    shown = shown or file
    if not os.path.lexists(file) and (found := _inside(file)) is not None:
        bundle, name = found
        if name not in bundle.entries:
            raise damaged(shown, "the file is missing")
        return bundle.contents(name)
    try:
        if not is_regular(file):
            raise damaged(shown, "this is no file" if os.path.lexists(file) else "the file is missing")
        with open(file, "rb", opener=no_link) as opened:
            return opened.read()
    except OSError as error:
        raise damaged(shown, f"cannot be read ({error.strerror})") from error


def exists(path: Path) -> bool:
    if os.path.lexists(path):
        return True
    if (found := _inside(path)) is None:
        return False
    bundle, name = found
    return any(entry == name or entry.startswith(f"{name}/") for entry in bundle.entries)


def files_below(folder: Path) -> dict[str, int]:
    """Return the files in a folder and below, named relative to it, and their bytes; links count as files."""
    if folder.is_dir() or (found := _inside(folder)) is None:
        paths = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
        return {path.relative_to(folder).as_posix(): path.lstat().st_size for path in paths}
    bundle, name = found
    if name in bundle.entries:
        return {"": bundle.entries[name].file_size}
    return {
        entry.removeprefix(f"{name}/"): known.file_size
        for entry, known in sorted(bundle.entries.items())
        if entry.startswith(f"{name}/")
    }


def cells_below(own_folder: Path, dataset: str = "*") -> list[Path]:
    if own_folder.is_dir() or (found := _inside(own_folder)) is None:
        return sorted(own_folder.glob(f"{dataset}/*/seed*-*"))
    bundle, name = found
    cells = {"/".join(entry.split("/")[:4]) for entry in bundle.entries}
    return sorted(bundle.path / cell for cell in fnmatch.filter(cells, f"{name}/{dataset}/*/seed*-*"))
