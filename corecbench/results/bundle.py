"""Bundles: the cells of some benchmarks in one zip file, with the checksum of every file.

    MANIFEST.json     format, versions, the number of cells of each benchmark, and the sha256 of each file
    README.txt        says how a bundle is checked and read
    BENCHMARK/...     the cells, as in a folder of results; see `corecbench.results.store`

The same cells give the same bundle, byte for byte: dates are fixed, names are sorted, and nothing is compressed,
since libraries do not all compress alike.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench.api import DataError
from corecbench.data.archive import sha256_of, unpack_all
from corecbench.results.copying import copy_files
from corecbench.results.layout import CHECKPOINT, MODEL
from corecbench.results.record import ResultsError
from corecbench.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from corecbench.api import CellResult
    from corecbench.results.store import Store

FORMAT = 1
MANIFEST, README = "MANIFEST.json", "README.txt"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of all files, the first that a zip file can state."""
MOST_COMPRESSED = 50
"""How many times its size a bundle may have when it is unpacked. Ours are not compressed; a person may do so."""

TEXT = """\
Results of corecbench {version}: {cells}.

Each folder BENCHMARK/DATASET/CELL/SEED-HASH is a trained cell: result.json says how it was made, and ranks.parquet
has the rank of the held-out item of every user. {manifest} has the sha256 of every file.

    pip install corecbench=={version}
    corecbench results verify FILE.zip                       checks every file, and the metrics against the ranks
    corecbench report FILE.zip                               tables and tests, computed again from the ranks
    corecbench compare FILE.zip --baseline CELL --set compare.test=permutation
    corecbench results merge FILE.zip --into results         puts the cells into a folder of your own

None of these needs the data set, the models or a GPU. `corecbench reproduce` trains a cell again, with the data.
"""


@dataclass(frozen=True)
class Packed:
    """A bundle that was written."""

    n_cells: int
    n_files: int
    sha256: str
    """sha256 of the bundle."""


def pack(stores: Sequence[Store], target: Path, with_models: bool = False) -> Packed:
    """Write the cells of some benchmarks as a bundle. `Store.damaged` says which are left out, and why.

    Args:
        stores: the benchmarks.
        target: the file to write, in place of the one that is there.
        with_models: whether kept models and checkpoints are packed, too.

    Raises:
        ResultsError: there is no cell that is not damaged, or the file cannot be written.
    """
    without = () if with_models else (MODEL, CHECKPOINT)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".bundle-") as made:
            stage, archive = Path(made, "files"), Path(made, "bundle.zip")
            records = list(_copied(stores, stage, without))
            if not records:
                raise ResultsError(f"{stores[0].root}: no cell that can be packed")
            n_files = _describe(stage, records)
            _zip(stage, archive)
            digest = sha256_of(archive)
            archive.replace(target)
    except OSError as error:
        raise ResultsError(f"{target}: cannot be written ({error.strerror or error})") from error
    return Packed(len(records), n_files, digest)


def _copied(stores: Iterable[Store], stage: Path, without: Sequence[str]) -> Iterator[tuple[str, CellResult]]:
    """Copy all cells that are not damaged, and yield the benchmark and the record of each."""
    for store in stores:
        for folder in store.folders():
            with store.noting(folder):
                record = store.checked(folder)
                copy_files(folder, stage / folder.relative_to(store.root), without)
                yield store.own_folder.name, record


def _describe(stage: Path, records: Sequence[tuple[str, CellResult]]) -> int:
    """Write README and manifest, and return the number of files."""
    counts = Counter(benchmark for benchmark, _ in records)
    cells = ", ".join(f"{n} cells of {benchmark}" for benchmark, n in sorted(counts.items()))
    text = TEXT.format(version=__version__, cells=cells, manifest=MANIFEST)
    (stage / README).write_text(text, encoding="utf-8", newline="\n")
    versions: dict[str, set[str]] = {}
    for _, record in records:
        for package, version in record["versions"].items():
            versions.setdefault(package, set()).add(version)
    files = [path for path in stage.rglob("*") if path.is_file()]
    manifest = {
        "format": FORMAT,
        "corecbench": __version__,
        "cells": counts,
        "versions": {package: sorted(found) for package, found in versions.items()},
        "files": {path.relative_to(stage).as_posix(): sha256_of(path) for path in files},
    }
    (stage / MANIFEST).write_text(
        json.dumps(manifest, sort_keys=True, indent=1) + "\n", encoding="utf-8", newline="\n"
    )
    return len(files) + 1


def _zip(stage: Path, archive: Path) -> None:
    """Write all files of a folder to a zip file."""
    names = sorted(path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file())
    with zipfile.ZipFile(archive, "w") as opened:
        for name in names:
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # Unix, whatever system writes it
            entry.file_size = (stage / name).stat().st_size
            with (stage / name).open("rb") as source, opened.open(entry, "w") as target:
                shutil.copyfileobj(source, target)


def unpack(archive: Path, folder: Path) -> list[str]:
    """Unpack a bundle to an existing folder, and return what is not as its manifest says, a line for each file.

    Raises:
        ResultsError: it is no bundle, or nothing that can be unpacked safely.
    """
    try:
        digests = unpack_all(archive, folder, MOST_COMPRESSED * archive.stat().st_size)
    except OSError as error:
        raise ResultsError(f"{archive}: cannot be read ({error.strerror})") from error
    except DataError as error:
        raise ResultsError(str(error)) from error
    stated = _manifest(archive, folder)["files"]
    del digests[MANIFEST]
    faults = [f"{name} is missing" for name in stated if name not in digests]
    faults += [f"{name} is not in {MANIFEST}" for name in digests if name not in stated]
    faults += [
        f"the sha256 of {name} is not the one in {MANIFEST}, so it was changed"
        for name, digest in digests.items()
        if stated.get(name, digest) != digest
    ]
    return [f"{archive}: {fault}" for fault in faults]


def _manifest(archive: Path, folder: Path) -> Mapping[str, Any]:
    """Return the manifest of an unpacked bundle."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ResultsError(f"{archive}: no {MANIFEST}, so this is no bundle of results") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(f"{archive}: {MANIFEST} cannot be read ({error})") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise ResultsError(f"{archive}: {MANIFEST} names no files")
    if manifest.get("format") != FORMAT:
        raise ResultsError(
            f"{archive}: a bundle of format {manifest.get('format')}, and this corecbench reads {FORMAT}"
        )
    return manifest


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Return a folder of results as it is, or unpack a bundle to a temporary folder that is removed afterwards.

    What is not as the manifest says is returned with the folder; see `unpack`.
    """
    if not path.is_file():
        yield path, []
        return
    with tempfile.TemporaryDirectory(prefix="corecbench-bundle-") as made:
        folder = Path(os.path.realpath(made))
        yield folder, unpack(path, folder)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Path]:
    """Return the same folder as `unpacked`.

    Raises:
        ResultsError: the bundle is not as its manifest says.
    """
    with unpacked(path) as (folder, faults):
        if faults:
            raise ResultsError(f"{faults[0]}; `corecbench results verify {path}` checks all files")
        yield folder
