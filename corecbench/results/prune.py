"""What may be removed from a folder of results: old settings, leftovers of runs that ended, and kept models."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from corecbench.results.choice import CellKey, key_of, latest
from corecbench.results.copying import put_copy
from corecbench.results.layout import MODEL, SHARED, shared_file
from corecbench.results.lease import EXPIRES_S, Lease, age_s, is_dead, lease_of
from corecbench.results.packed import files_below
from corecbench.results.record import ResultsError
from corecbench.results.store import Store, remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from corecbench.api import CellResult

HIDDEN = re.compile(r"\.(seed\d+-[0-9a-f]+)\.\w.*")
"""How files are named that belong to a cell's training: `.seed0-1a2b3c4d.lease` and so on."""


@dataclass(frozen=True)
class Removal:
    """Something that may be removed."""

    what: Literal["cell", "leftovers", "models", "shared"]
    folder: Path
    """The folder of the cell that it is or belongs to, or the file that cells shared."""
    reason: str
    n_bytes: int


def old(store: Store) -> Iterator[Removal]:
    """Yield cells of which newer settings are stored, and what runs that have ended left behind."""
    entries = store.sound()
    groups: dict[tuple[CellKey, int], list[CellResult]] = {}
    cells: dict[CellKey, list[CellResult]] = {}
    for _, record in entries:
        groups.setdefault((key_of(record), record["cell"]["seed"]), []).append(record)
        cells.setdefault(key_of(record), []).append(record)
    for folder, record in entries:
        newest = latest(groups[key_of(record), record["cell"]["seed"]])
        if newest["hash"] != record["hash"]:
            yield Removal("cell", folder, f"newer settings are stored, {newest['hash']}", size_of(folder))
        elif record["status"] == "failed" and (now := latest(cells[key_of(record)])["hash"]) != record["hash"]:
            yield Removal("cell", folder, f"failed under other settings than the latest, {now}", size_of(folder))
    yield from leftovers(store)
    yield from unshared(store)


def leftovers(store: Store) -> Iterator[Removal]:
    """Yield what runs that have ended left beside the folders of cells."""
    found: dict[Path, list[Path]] = {}
    for path in sorted(store.own_folder.glob("*/*/.seed*")):
        if match := HIDDEN.fullmatch(path.name):
            found.setdefault(path.with_name(match[1]), []).append(path)
    for folder, paths in found.items():
        lease = lease_of(folder)
        if lease not in paths or is_dead(lease):
            kinds = sorted({path.suffix.removeprefix(".") for path in paths})
            reason = f"left by a run that has ended: {', '.join(kinds)}"
            if "state" in kinds:
                reason += "; the run would go on from it"
            yield Removal("leftovers", folder, reason, sum(map(size_of, paths)))


def unshared(store: Store) -> Iterator[Removal]:
    """Yield the files that no cell of a data set shares any more."""
    used: dict[Path, set[Path]] = {}
    for folder in store.folders():
        with store.noting(folder):
            files = store.read(folder).get("files", {})
            shared = {shared_file(folder, name, files[name]) for name in SHARED if name in files}
            used.setdefault(folder.parents[1], set()).update(shared)
    unknown = {folder.parents[1] for folder in store.damaged}
    for place in store.own_folder.glob("*"):
        for name in SHARED if place not in unknown else ():
            for file in sorted(place.glob(shared_file(place / "cell" / "seed", name, "?" * 16).name)):
                if file not in used.get(place, ()) and age_s(file) > EXPIRES_S:  # a run may be about to use it
                    yield Removal("shared", file, "no cell uses it", size_of(file))


def models(store: Store) -> Iterator[Removal]:
    for folder, _ in store.sound():
        if (folder / MODEL).is_dir():
            yield Removal("models", folder, "kept models", size_of(folder / MODEL))


def remove(removals: Sequence[Removal]) -> Iterator[tuple[Removal, str]]:
    """Remove things, and yield each with why it was not removed, "" if it was.

    What another process is working on is left alone.
    """
    for removal in removals:
        lease = Lease.take(removal.folder)
        if lease is None:
            yield removal, "another process is training this cell"
            continue
        try:
            _remove(removal)
        except (ResultsError, OSError) as error:
            yield removal, str(error)
        else:
            yield removal, ""
        finally:
            lease.release()


def _remove(removal: Removal) -> None:
    """Remove something of a cell whose lease this process has."""
    if removal.what == "leftovers":
        remove_leftovers(removal.folder, with_state=True)
    elif removal.what == "shared":
        removal.folder.unlink()
    elif removal.what == "models":
        put_copy(removal.folder, removal.folder, without=(MODEL,))
    else:
        shutil.rmtree(removal.folder)


def size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(files_below(path).values())
