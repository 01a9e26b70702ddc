"""Writes bundles: the cells of some benchmarks in one zip file, with the checksum of every file.

    MANIFEST.json     format, versions, the number of cells of each benchmark, and the sha256 of each file
    README.txt        says how a bundle is checked and read
    records.json      the records of all cells, by the paths of their result.json
    BENCHMARK/...     their other files, as in a folder of results; see `corecbench.results.store`

The same cells give the same bundle, byte for byte, where the same libraries write it: dates are fixed and names are
sorted. Of files with the same contents the first is stored, and the manifest names the others. Tables are
compressed already, and what is JSON is here. `corecbench.results.packed` reads bundles.
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
from typing import TYPE_CHECKING

from corecbench.api import CellResult, UsageError
from corecbench.data.archive import sha256_of
from corecbench.results.copying import copy_files
from corecbench.results.layout import CHECKPOINT, MODEL, RECORD_FILE
from corecbench.results.packed import FORMAT, MANIFEST, RECORDS, is_bundle
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


README = "README.txt"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of all files, the first that a zip file can state."""

TEXT = """\
Results of corecbench {version}: {cells}.

Each folder BENCHMARK/DATASET/CELL/SEED-HASH is a trained cell: records.json says how it was made, and ranks.parquet
has the rank of the held-out item of every user, in the order of users-*.parquet above it. {manifest} has the sha256
of every file. Files with the same sha256 are stored once, so let `corecbench results merge` unpack them.

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
    """Write the cells of some benchmarks as a bundle, with kept models and checkpoints if that is wished.

    `Store.damaged` says which are left out, and why. A bundle that is there is replaced.

    Raises:
        ResultsError: there is no cell that is not damaged, or the file cannot be written.
        UsageError: something else than a bundle is there.
    """
    check_replaceable(target)
    without = () if with_models else (MODEL, CHECKPOINT)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".bundle-") as made:
            stage, archive = Path(made, "files"), Path(made, "bundle.zip")
            records = list(_copied(stores, stage, without))
            if not records:
                reasons = [reason for store in stores for reason in store.damaged.values()]
                raise ResultsError(": ".join([f"{stores[0].root}: no cell that can be packed", *reasons[:1]]))
            files = _describe(stage, records)
            _zip(stage, files, archive)
            digest = sha256_of(archive)
            archive.replace(target)
    except OSError as error:
        raise ResultsError(f"{target}: cannot be written ({error.strerror or error})") from error
    return Packed(len(records), len(files) + 1, digest)


def check_replaceable(target: Path) -> None:
    if not os.path.lexists(target):
        return
    with contextlib.suppress(ResultsError):
        if is_bundle(target):
            return
    raise UsageError(f"{target}: this is no bundle that corecbench wrote, and is not replaced; choose another name")


def _copied(stores: Iterable[Store], stage: Path, without: Sequence[str]) -> Iterator[tuple[str, CellResult]]:
    """Copy all cells that are not damaged, and yield the benchmark and the record of each."""
    for store in stores:
        store.check_own()
        target = Store(stage, store.benchmark)
        for folder in store.folders():
            with store.noting(folder):
                store.checked(folder)
                place = stage / folder.relative_to(store.root)
                copy_files(folder, place, place, without)
                yield store.own_folder.name, target.read(place)


def _describe(stage: Path, records: Sequence[tuple[str, CellResult]]) -> Mapping[str, str]:
    """Write README, records and manifest; return the sha256 of each file but the manifest by its name."""
    counts = Counter(benchmark for benchmark, _ in records)
    cells = ", ".join(f"{n} cells of {benchmark}" for benchmark, n in sorted(counts.items()))
    text = TEXT.format(version=__version__, cells=cells, manifest=MANIFEST)
    (stage / README).write_text(text, encoding="utf-8", newline="\n")
    versions: dict[str, set[str]] = {}
    for _, record in records:
        for package, version in record["versions"].items():
            versions.setdefault(package, set()).add(version)
    of_cells = {path.relative_to(stage).as_posix(): path for path in stage.glob(f"*/*/*/*/{RECORD_FILE}")}
    together = {name: json.loads(path.read_bytes()) for name, path in of_cells.items()}
    for path in of_cells.values():
        path.unlink()
    (stage / RECORDS).write_text(json.dumps(together, sort_keys=True, separators=(",", ":")), encoding="utf-8")
    paths = sorted(path for path in stage.rglob("*") if path.is_file())
    files = {path.relative_to(stage).as_posix(): sha256_of(path) for path in paths}
    manifest = {
        "format": FORMAT,
        "corecbench": __version__,
        "cells": counts,
        "versions": {package: sorted(found) for package, found in versions.items()},
        "files": files,
    }
    (stage / MANIFEST).write_text(
        json.dumps(manifest, sort_keys=True, indent=1) + "\n", encoding="utf-8", newline="\n"
    )
    return files


def _zip(stage: Path, files: Mapping[str, str], archive: Path) -> None:
    """Write the files of a folder to a zip file, of those with the same sha256 the first."""
    first = {digest: name for name, digest in sorted(files.items(), reverse=True)}
    with zipfile.ZipFile(archive, "w") as opened:
        for name in sorted([MANIFEST, *first.values()]):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # Unix, whatever system writes it
            entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            entry.file_size = (stage / name).stat().st_size
            with (stage / name).open("rb") as source, opened.open(entry, "w") as target:
                shutil.copyfileobj(source, target)
