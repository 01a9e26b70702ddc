"""The record of a cell whose process ended before it could store one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from corecbench.experiment.execution.worker_process import TIMED_OUT

if TYPE_CHECKING:
    from corecbench.api import CellResult
    from corecbench.experiment.execution.executor import Ended
    from corecbench.experiment.execution.told import CellSoFar
    from corecbench.experiment.plan import Plan
    from corecbench.results.store import Store


def store_lost(ended: Ended, plan: Plan, store: Store, so_far: CellSoFar) -> CellResult:
    """Store that a cell failed, with the epochs that were heard of, and return the record.

    The state of a cell that took too long is kept: with more time it goes on there.
    """
    from corecbench.experiment.runner import describe
    from corecbench.results.privacy import without_private
    from corecbench.results.unstored import store_or_keep

    cell = ended.cell
    record = {
        **describe(cell, plan),
        "status": "failed",
        "error": {"type": ended.kind, "message": ended.reason, "traceback": ""},
        "started": so_far.started.isoformat(timespec="seconds"),
        "duration_s": so_far.duration_s,
        "peak_memory_bytes": 0,  # the process that knew it is gone
        "sides": {},
        "epochs": [dict(record) for record in so_far.epochs.values()],
    }
    result = cast("CellResult", without_private(record))
    result = store_or_keep(
        lambda folder: store.write(folder, result, {}, keep_state=ended.kind == TIMED_OUT),
        store,
        cell.folder,
        plan.cache,
    )
    store.drop_failed(cell.folder)
    return result
