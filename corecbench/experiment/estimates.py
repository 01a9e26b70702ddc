"""Says before a run how long its cells will take, in how much memory, by stored cells of the same kind."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from corecbench.experiment.cells import record_of
from corecbench.experiment.work import kind_of
from corecbench.results.store import Store

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping
    from pathlib import Path

    from corecbench.api import CellRecord, CellResult
    from corecbench.experiment.plan import Plan


class Estimate(NamedTuple):
    """What a cell will probably take."""

    duration_s: float
    memory_bytes: int


def estimates(plan: Plan, store: Store) -> dict[Path, Estimate]:
    """Return folder -> estimate for each cell to be trained of which a cell of the same kind is stored."""
    known: dict[Hashable, list[CellResult]] = {}
    stored = (record for _, record in Store(store.root, store.benchmark).sound())
    for record in (each for each in stored if each["status"] == "ok" and "duration_s" in each):
        for key in keys_of(record["cell"]):
            known.setdefault(key, []).append(record)
    if not known:
        return {}
    found = ((cell.folder, estimate_of(record_of(cell), known)) for cell in plan.to_do)
    return {folder: estimate for folder, estimate in found if estimate is not None}


def keys_of(cell: CellRecord) -> Iterator[Hashable]:
    """Yield what cells are alike in, the closest first: cell and data set, then kind and data set."""
    yield cell["name"], cell["dataset"]
    yield kind_of(cell)


def estimate_of(cell: CellRecord, known: Mapping[Hashable, list[CellResult]]) -> Estimate | None:
    """Return the mean time and the largest memory of the cells that are most alike; None if there is none."""
    alike = next((known[key] for key in keys_of(cell) if key in known), None)
    if alike is None:
        return None
    seconds = statistics.fmean(record["duration_s"] for record in alike)
    return Estimate(seconds, max(record.get("peak_memory_bytes", 0) for record in alike))


def in_all_s(found: Iterable[Estimate], slots: int) -> float:
    """Return the seconds that cells take together, so many side by side.

    >>> in_all_s([Estimate(60, 1), Estimate(20, 1), Estimate(20, 1)], slots=2)
    60
    """
    durations = [each.duration_s for each in found]
    return max([sum(durations) / slots, *durations], default=0.0)
