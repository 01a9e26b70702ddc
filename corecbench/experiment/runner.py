"""Trains, ranks and stores one cell. A cell that fails becomes a record, too."""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from corecbench.evaluation.protocol import protocol_on
from corecbench.evaluation.text_similarity import target_similarity
from corecbench.experiment import process
from corecbench.experiment.attempt import Attempt, Outcome
from corecbench.experiment.cells import CHECKPOINT, Cell, record_of, settings_of
from corecbench.experiment.together import ALONE, Together
from corecbench.results.frames import items_frame, ranks_frame, top_frame
from corecbench.results.record import SCHEMA
from corecbench.results.store import ITEMS_FILE
from corecbench.training.weights import save_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from corecbench.api import CellResult, EpochRecord
    from corecbench.data.loaded import SplitDataset
    from corecbench.experiment.attempt import Tell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store


def run_cell(
    cell: Cell, plan: Plan, host: Host, store: Store, tell: Tell, together: Together = ALONE
) -> CellResult:
    """Train, rank and store one cell, and return its record, failed or not.

    Args:
        cell: the cell.
        plan: the plan that it belongs to.
        host: builds its components.
        store: where its result goes.
        tell: is told of its start, its epochs and other long work. Its end is what this function returns.
        together: the processes that train it; one that does not lead tells and stores nothing.
    """
    facts = cell.facts
    tell = tell if together.leads else ignore
    tell("corecbench_cell_started", cell=facts)
    process.reset_peak_memory()
    known, started, clock = describe(cell, plan), datetime.now(UTC), time.perf_counter()
    epochs: list[EpochRecord] = []

    def on_epoch(record: EpochRecord) -> None:
        epochs.append(record)
        tell("corecbench_epoch_finished", cell=facts, record=record)

    with process.state_kept():
        outcome = Attempt(cell, plan, host, store, tell, on_epoch, together).outcome()
    record = {
        **known,
        "machine": process.machine(plan.config.device),
        "status": "failed" if outcome.failures else "ok",
        "error": next(iter(outcome.failures.values()), None),
        **({"failed_sides": failed} if (failed := outcome.failed_sides()) else {}),
        "started": started.isoformat(timespec="seconds"),
        "duration_s": time.perf_counter() - clock,
        "peak_memory_bytes": process.peak_memory_bytes() + together.peak_memory_bytes(),
        "sides": dict(outcome.sides),
        "epochs": [dict(epoch) for epoch in epochs],
    }
    result = cast("CellResult", record)  # checked against its schema when it is written
    if together.leads:
        save(cell, plan, store, outcome, result)
    return result


def ignore(hook_name: str, **arguments: Any) -> None:
    """Tell nobody what happens."""


def save(cell: Cell, plan: Plan, store: Store, outcome: Outcome, record: CellResult) -> None:
    """Store a cell: record, ranks and best candidates of its rows, and the checkpoint of a domain model alone."""
    catalog, train = cell.data.catalog, cell.data.train
    split = cell.data.split
    similarity = (
        target_similarity(catalog.item_texts, split.task("test", cell.max_history)) if outcome.ranks else None
    )
    frames = {side: ranks_frame(ranks, catalog, split, similarity) for side, ranks in outcome.ranks.items()}
    top = {side: top_frame(ranks, catalog) for side, ranks in outcome.ranks.items()}
    files: dict[str, Callable[[Path], object]] = {}
    if cell.llm is None and not outcome.failures:  # pairs start from it
        files[CHECKPOINT] = functools.partial(save_checkpoint, outcome.trained["domain"].best_state)
    if top and plan.config.top_k:
        items = items_frame(catalog, train)
        files[ITEMS_FILE] = functools.partial(items.to_parquet, index=False, compression="zstd")
    store.write(cell.folder, record, frames, files, top if plan.config.top_k else None)
    store.drop_failed(cell.folder)


def describe(cell: Cell, plan: Plan) -> dict[str, Any]:
    """Return what is known of a cell before it is trained."""
    data, config = cell.data, plan.config
    return {
        "schema": SCHEMA,
        "cell": record_of(cell),
        "hash": cell.hash,
        "settings": {part.label: settings_of(part) for part in cell.recorded},
        **({"in_pairs": in_pairs} if (in_pairs := plan.in_pairs(cell)) else {}),
        "protocol": protocol_on(data.whole_name, config),
        "data": {
            "fingerprint": data.dataset.fingerprint,
            "split_fingerprint": data.split.fingerprint,
            **data.dataset.facts,
            **reduced_facts(data),
        },
        **code(),
        "plugins": {
            part.label: {
                "distribution": part.plugin.distribution,
                "version": part.plugin.version,
                **({"variant_of": part.name} if part.is_variant else {}),
            }
            for part in cell.recorded
        },
        "device": config.device,
        "processes": config.processes,
    }


def reduced_facts(data: SplitDataset) -> dict[str, int]:
    """Return the counts of a reduced training part; none where nothing is left out."""
    if not data.reduction:
        return {}
    return {
        "training_users": len(np.unique(data.train.user)),
        "training_items": len(np.unique(data.train.item)),
        "training_interactions": len(data.train.user),
    }


@functools.cache
def code() -> dict[str, Any]:
    """Return the versions and the commit that run; asked for once, since a later commit does not change them."""
    return {"versions": process.versions(), "commit": process.commit()}
