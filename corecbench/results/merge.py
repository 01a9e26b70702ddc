"""Merges the cells of several folders of results into one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corecbench.results.copying import files_of, put_copy
from corecbench.results.frames import COLUMNS
from corecbench.results.lease import Lease, lease_of, owner_of
from corecbench.results.record import NewerError, ResultsError
from corecbench.results.store import Entry, Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TYPES = {"user_id": str, "target_item_id": str, "rank": "int64", "n_candidates": "int64"}
"""The types in which ranks are compared, whatever stored them."""

Held = tuple[Store, "Entry"]
"""A cell, and the store that holds it."""


@dataclass(frozen=True)
class Merged:
    """What came of merging."""

    copied: list[Path] = field(default_factory=list)
    """The folders that were written."""
    kept: list[Path] = field(default_factory=list)
    """The folders of cells that were there already."""
    left_out: list[str] = field(default_factory=list)
    """Why other cells were not taken, a line for each."""


def merge(stores: Sequence[Store], root: Path) -> Merged:
    """Copy the cells of some benchmarks into a folder of results.

    Of cells of the same benchmark, data set, name, seed and hash one is kept: one that succeeded, or else the one
    with the most rows. A damaged cell is left out, and one in the folder itself is replaced.
    The folder is made if it does not exist.

    Raises:
        ResultsError: cells with the same hash have other ranks. Then nothing is written.
    """
    merged = Merged()
    cells = _cells(stores, root, merged)
    pairs = [(first, other) for first, *others in cells.values() for other in others]
    if conflicts := [conflict for first, other in pairs for conflict in _differences(first, other)]:
        raise ResultsError(f"{'; '.join(conflicts)}; nothing was merged, since only one of them can be right")
    for folder, held in cells.items():
        source = max(held, key=_worth)[1][0]  # the first of those that are worth the same
        if source.resolve() == folder.resolve():
            merged.kept.append(folder)
        elif reason := _put(source, folder):
            merged.left_out.append(reason)
        else:
            merged.copied.append(folder)
    return merged


def _cells(stores: Sequence[Store], root: Path, merged: Merged) -> dict[Path, list[Held]]:
    """Return the cells of each folder to write, beginning with the one that is there."""
    cells: dict[Path, list[Held]] = {}
    newer: set[Path] = set()
    for store in stores:
        store.check_own()
        Store(root, store.benchmark).check_own()
        for source in store.folders():
            folder = root / source.relative_to(store.root)
            if folder not in cells and folder not in newer:
                own = Store(root, store.benchmark)
                try:
                    cells[folder] = [(own, (folder, own.checked(folder)))]
                except NewerError as error:
                    newer.add(folder)
                    merged.left_out.append(str(error))
                except ResultsError:  # there is none yet, or it is replaced
                    cells[folder] = []
            if folder in newer or source.resolve() == folder.resolve():
                continue
            try:
                cells[folder].append((store, (source, store.checked(source))))
            except ResultsError as error:
                merged.left_out.append(str(error))
    return {folder: held for folder, held in cells.items() if held}


def _worth(held: Held) -> tuple[bool, int, int]:
    _, record = held[1]
    return record["status"] == "ok", len(record["sides"]), len(files_of(record))


def _differences(first: Held, other: Held) -> list[str]:
    """Return how the ranks of a cell differ from those of the same cell elsewhere, in words."""
    (store, (folder, record)), (other_store, (other_folder, other_record)) = first, other
    cell, found = record["cell"], []
    name = f"{cell['name']} on {cell['dataset']}, seed {cell['seed']}, hash {record['hash']}"
    for side in record["sides"]:
        if side not in other_record["sides"]:
            continue
        ranks, others = (
            of.ranks(place, side).sort_values("user_id", ignore_index=True)[list(COLUMNS)].astype(TYPES)
            for of, place in ((store, folder), (other_store, other_folder))
        )
        if not ranks.equals(others):
            found.append(f"{name}: the {side} ranks in {folder} and {other_folder} differ")
    return found


def _put(source: Path, folder: Path) -> str:
    """Copy a cell; return why it was not, "" if it was."""
    lease = Lease.take(folder)
    if lease is None:
        return f"{folder}: {owner_of(lease_of(folder)) or 'another process'} is training this cell"
    try:
        put_copy(source, folder)
    except OSError as error:
        raise ResultsError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        lease.release()
    return ""
