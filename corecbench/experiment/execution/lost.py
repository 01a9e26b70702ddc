"""The record of a cell whose process ended before it could store one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from corecbench.api import CellResult
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.execution.told import CellSoFar
    from corecbench.experiment.plan import Plan
    from corecbench.results.store import Store


def store_lost(cell: Cell, plan: Plan, store: Store, so_far: CellSoFar, reason: str) -> CellResult:
    """Store that a cell failed, with the epochs that were heard of, and return the record."""
    from corecbench.experiment.runner import describe
    from corecbench.results.unstored import store_or_keep

    record = {
        **describe(cell, plan),
        "status": "failed",
        "error": {"type": "WorkerLost", "message": reason, "traceback": ""},
        "started": so_far.started.isoformat(timespec="seconds"),
        "duration_s": so_far.duration_s,
        "peak_memory_bytes": 0,  # the process that knew it is gone
        "sides": {},
        "epochs": [dict(record) for record in so_far.epochs.values()],
    }
    result = cast("CellResult", record)
    result = store_or_keep(lambda folder: store.write(folder, result, {}), store, cell.folder, plan.cache)
    store.drop_failed(cell.folder)
    return result
