"""Says before a run how long its cells will take, in how much memory.

Cells of the same kind that are stored tell it; where there are none, a few steps of each model are timed.
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from corecbench.experiment.cells import record_of
from corecbench.experiment.execution.task import make_task
from corecbench.experiment.execution.worker_process import TaskEnd, WorkerProcess
from corecbench.experiment.session import threads_of
from corecbench.experiment.work import Timed, Work, kind_of, work_of
from corecbench.results.store import Store

if TYPE_CHECKING:
    from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from corecbench.api import CellRecord, CellResult
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host

MOST_S, AT_LENGTH_S = 20.0, 40.0
"""Seconds after which no further model is timed, and how much longer the last one may take."""
COUPLED = 1.3
"""How much longer an epoch takes that learns from the other side, as in published pairs of SASRec and an LLM."""


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
    yield cell["name"], cell["dataset"]
    yield kind_of(cell)


def estimate_of(cell: CellRecord, known: Mapping[Hashable, list[CellResult]]) -> Estimate | None:
    alike = next((known[key] for key in keys_of(cell) if key in known), None)
    if alike is None:
        return None
    seconds = statistics.fmean(record["duration_s"] for record in alike)
    return Estimate(seconds, max(record.get("peak_memory_bytes", 0) for record in alike))


def timed_estimates(
    plan: Plan, host: Host, store: Store, known: Container[Path], seconds: float = MOST_S
) -> dict[Path, Estimate]:
    """Return folder -> estimate for each cell to be trained that is not known, from timed steps of its models.

    The models are timed one after another in a worker process, for about so many seconds: those that train first,
    since they take longest. One that fails, or is not downloaded yet, leaves its cells without an estimate.
    """
    unknown = [cell for cell in plan.to_do if cell.folder not in known]
    if not unknown or plan.config.executor != "processes":
        return {}
    works = {cell.folder: work_of(cell, plan, host) for cell in unknown}
    found = timed_models(models_of(unknown, plan), plan, host, store, seconds)
    guessed = ((cell.folder, guess(cell, works[cell.folder], found)) for cell in unknown)
    return {folder: estimate for folder, estimate in guessed if estimate is not None}


Model = tuple[str, str]
"""Data set and label of a model."""


def models_of(cells: Sequence[Cell], plan: Plan) -> dict[Model, Cell]:
    """Return each model of cells -> a cell of the plan that is this model alone; models that train come first."""
    needed = {
        (cell.data.name, part.label) for cell in cells for part in (cell.domain, cell.llm) if part is not None
    }
    alone: dict[Model, Cell] = {}
    for cell in (*plan.cells, *plan.unasked):
        part = cell.domain or cell.llm
        if cell.sharing is None and part is not None and (cell.llm is None or not plan.downloads):
            alone.setdefault((cell.data.name, part.label), cell)
    found = [(model, cell) for model, cell in alone.items() if model in needed]
    return dict(sorted(found, key=lambda each: kind_of(each[1].facts).parts == "reference"))


def timed_models(
    models: Mapping[Model, Cell], plan: Plan, host: Host, store: Store, seconds: float
) -> dict[Model, Timed]:
    """Return what models take, of as many as are begun in so many seconds from when the worker process is ready."""
    worker: WorkerProcess | None = None
    until, found = math.inf, dict[Model, Timed]()
    for model, cell in models.items():
        if time.monotonic() >= until:
            break
        worker = worker or WorkerProcess(threads_of(plan.config))
        worker.give(replace(make_task(cell, plan, host, store), only_timed=True))
        end = None
        while end is None:
            until = min(until, worker.given + seconds) if worker.ready else until
            worker.limit = (until - worker.given + AT_LENGTH_S) / 60 if worker.ready else None
            try:
                end = worker.hear(lambda *_, **__: None)
            except Exception:  # the run will say what is wrong
                end = TaskEnd(None)
        if isinstance(end.result, Timed):
            found[model] = end.result
        if end.result is None or worker.has_foreign_code:
            worker.end(0.0)
            worker = None
    if worker is not None:
        worker.end(0.0)
    return found


def guess(cell: Cell, work: Work, found: Mapping[Model, Timed]) -> Estimate | None:
    """Return what a cell will take from what its models take, None if one of them is not known."""
    parts = [part.label for part in (cell.domain, cell.llm) if part is not None]
    timed = {label: found[cell.data.name, label] for label in parts if (cell.data.name, label) in found}
    if not timed or len(timed) < len(parts):
        return None
    seconds = sum(each.beside_s for each in timed.values())
    for each in work.stretches:
        seconds += each.likely * timed[each.model].epoch_s * (COUPLED if each.coupled else 1.0)
    return Estimate(seconds, max(each.memory_bytes for each in timed.values()))


def in_all_s(found: Iterable[Estimate], slots: int) -> float:
    """Return the seconds that cells take together, so many side by side.

    >>> in_all_s([Estimate(60, 1), Estimate(20, 1), Estimate(20, 1)], slots=2)
    60
    """
    durations = [each.duration_s for each in found]
    return max([sum(durations) / slots, *durations], default=0.0)
