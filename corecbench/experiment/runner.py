"""Trains, ranks and stores one cell. A cell that fails becomes a record, too."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from corecbench.evaluation.text_similarity import target_similarity
from corecbench.experiment import process
from corecbench.experiment.attempt import Attempt, Tell, Waits
from corecbench.experiment.described import describe
from corecbench.experiment.number_formats import dtypes
from corecbench.experiment.refit import refit
from corecbench.results.frames import items_frame, ranks_frame, top_frame
from corecbench.results.layout import CHECKPOINT, ITEMS_FILE, MODEL
from corecbench.results.privacy import without_private
from corecbench.results.spare import store_or_keep
from corecbench.results.store import state_of
from corecbench.training.weights import save_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from corecbench.api import CellResult, EpochRecord
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.outcome import Outcome
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store


COSTS = "costs.json"
"""Beside the state of a pair that waits: what it has cost so far."""


def run_cell(
    cell: Cell,
    plan: Plan,
    host: Host,
    store: Store,
    tell: Tell,
    stop: threading.Event | None = None,
) -> CellResult:
    """Train, rank and store one cell, and return its record, failed or not.

    `tell` hears of its start, its epochs and other long work; its end is what this function returns. When `stop` is
    set, the training is to end.

    Raises:
        Stopped: the training was asked to end, and its state is written.
        Waits: it is a pair that has to be run again once its domain model alone has been.
    """
    facts = cell.facts
    tell("corecbench_cell_started", cell=facts)
    process.reset_peak_memory()
    known, started, clock, before = describe(cell, plan), datetime.now(UTC), time.perf_counter(), costs_before(cell)
    epochs: list[EpochRecord] = []

    def on_epoch(record: EpochRecord) -> None:
        epochs.append(record)
        tell("corecbench_epoch_finished", cell=facts, record=record)

    def costs() -> dict[str, Any]:
        spent_s, peak = before["duration_s"] + time.perf_counter() - clock, process.peak_memory_bytes()
        return {"duration_s": spent_s, "peak_memory_bytes": max(peak, before["peak_memory_bytes"])}

    try:
        attempt = Attempt(cell, plan, host, store, tell, on_epoch, stop or threading.Event())
        outcome = refit(attempt) if plan.config.refits else attempt.outcome()
    except Waits:
        keep_costs(cell, costs())
        raise
    record = {
        **known,
        "machine": process.machine(plan.config.device),
        "dtypes": dtypes(cell, plan.config.device),
        "run": {**known["run"], "threads": process.n_threads()},
        "status": "failed" if outcome.failures else "ok",
        "error": next(iter(outcome.failures.values()), None),
        **({"failed_sides": failed} if (failed := outcome.failed_sides()) else {}),
        "started": started.isoformat(timespec="seconds"),
        **costs(),
        **({"llm_parameters": outcome.llm_parameters} if outcome.llm_parameters else {}),
        "sides": dict(outcome.sides),
        "epochs": [dict(epoch) for epoch in epochs],
    }
    result = cast("CellResult", without_private(record))  # checked against its schema when it is written
    return save(cell, plan, store, outcome, result)


def keep_costs(cell: Cell, costs: Mapping[str, Any]) -> None:
    file = state_of(cell.folder) / COSTS
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(costs), encoding="utf-8")


def costs_before(cell: Cell) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads((state_of(cell.folder) / COSTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"duration_s": 0.0, "peak_memory_bytes": 0}
    return kept


def save(cell: Cell, plan: Plan, store: Store, outcome: Outcome, record: CellResult) -> CellResult:
    """Store a cell, and return its record as it is stored.

    That is record, ranks and best candidates of its rows, the checkpoint of a domain model alone, and kept models.
    """
    catalog, train = cell.data.catalog, cell.data.train
    split = cell.data.split
    similarity = (
        target_similarity(catalog.item_texts, split.task("test", cell.max_history)) if outcome.ranks else None
    )
    frames = {side: ranks_frame(ranks, catalog, split, similarity) for side, ranks in outcome.ranks.items()}
    top = {side: top_frame(ranks, catalog) for side, ranks in outcome.ranks.items()}
    files: dict[str, Callable[[Path], object]] = {}
    if cell.llm is None and not outcome.failures:  # pairs start from it
        files[CHECKPOINT] = functools.partial(save_checkpoint, outcome.checkpoint)
    if top and plan.config.top_k:
        items = items_frame(catalog, train)
        files[ITEMS_FILE] = functools.partial(items.to_parquet, index=False, compression="zstd")
    if outcome.kept is not None and outcome.kept.sides:
        files[MODEL] = outcome.kept.write
    lists = top if plan.config.top_k else None
    stored = store_or_keep(
        lambda folder: store.write(folder, record, frames, files, lists), store, cell.folder, plan.cache
    )
    store.drop_failed(cell.folder)
    return stored
