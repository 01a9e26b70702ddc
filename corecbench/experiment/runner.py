"""The spine: every cell of a plan is trained, ranked and stored. One that fails is a record; the others go on."""

from __future__ import annotations

import functools
import time
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.torch import load_file

from corecbench.api import CellResult, CorecbenchError, Lists, Setup, Side
from corecbench.evaluation.measuring import measure
from corecbench.evaluation.ranking import PROTOCOL, Ranks
from corecbench.experiment import process
from corecbench.experiment.cells import CHECKPOINT, Cell, record_of, settings_of
from corecbench.plugin.guard import guard
from corecbench.results.frames import item_frequency, items_frame, ranks_frame, top_frame
from corecbench.results.record import SCHEMA
from corecbench.results.store import ITEMS_FILE, Store
from corecbench.training.cell import OnEpoch, Solo, Trained, Workshop, save_checkpoint
from corecbench.training.controls import shuffle_texts
from corecbench.training.ensemble import Ensemble
from corecbench.training.loop import Trainee, sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.api import Failure, RowSide, SideRecord
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host


def run(plan: Plan, host: Host, store: Store) -> list[CellResult]:
    """Run every cell that is not done and return the records of all, in the order of the plan."""
    process.keep_freed_memory()
    for label in plan.config.trackers:
        host.track(host.select("trackers", label, plan.config.settings))
    return [store.read(cell.folder) if cell.done else run_cell(cell, plan, host, store) for cell in plan.cells]


@dataclass(frozen=True)
class Outcome:
    """What became of a cell."""

    trainees: Mapping[Side, Trainee] = field(default_factory=dict)
    ranks: Mapping[RowSide, Ranks] = field(default_factory=dict)
    sides: Mapping[RowSide, SideRecord] = field(default_factory=dict)
    error: Failure | None = None


def run_cell(cell: Cell, plan: Plan, host: Host, store: Store) -> CellResult:
    """Train, rank and store one cell, and return its record, failed or not."""
    facts = cell.facts
    host.notify("corecbench_cell_started", cell=facts)
    process.reset_peak_memory()
    known, started, clock = describe(cell, plan), datetime.now(UTC), time.perf_counter()
    epochs: list[dict[str, Any]] = []

    def on_epoch(record: dict[str, Any]) -> None:
        epochs.append(record)
        host.notify("corecbench_epoch_finished", cell=facts, record=record)

    outcome = attempt(cell, plan, host, store, on_epoch)
    record: CellResult = {
        **known,
        "status": "ok" if outcome.error is None else "failed",
        "error": outcome.error,
        "started": started.isoformat(timespec="seconds"),
        "duration_s": time.perf_counter() - clock,
        "peak_memory_bytes": process.peak_memory_bytes(),
        "sides": dict(outcome.sides),
        "epochs": epochs,
    }
    catalog, train = cell.data.catalog, cell.data.train
    frames = {side: ranks_frame(ranks, catalog, train) for side, ranks in outcome.ranks.items()}
    files = {}
    if cell.llm is None and outcome.error is None:  # what pairs start from
        files[CHECKPOINT] = functools.partial(save_checkpoint, outcome.trainees["domain"])
    top = {side: top_frame(ranks, catalog) for side, ranks in outcome.ranks.items()}
    if top and plan.config.top_k:
        items = items_frame(catalog, train)
        files[ITEMS_FILE] = functools.partial(items.to_parquet, index=False, compression="zstd")
    store.write(cell.folder, record, frames, files, top if plan.config.top_k else None)
    store.drop_failed(cell.folder)
    host.notify("corecbench_cell_finished", cell=facts, result=record)
    return record


def attempt(cell: Cell, plan: Plan, host: Host, store: Store, on_epoch: OnEpoch) -> Outcome:
    """Train the sides of a cell and rank each on the test items; whatever goes wrong is part of the outcome."""
    try:
        workshop = make_workshop(cell, plan, host)
        trained = train(cell, plan, store, workshop, on_epoch)
        ranks, sides, states = {}, {}, {}
        for side, trainee in trained.trainees.items():
            trainee.finish()  # a side's best weights: what both sides read may differ in the other's
            ranks[side], ranking_s = rank_timed(workshop, trainee, plan.config.top_k)
            sides[side] = side_record(trainee, ranks[side], ranking_s, cell, plan, host)
            if cell.combines:
                states[side] = workshop.states(trainee.model)
        if cell.combines:
            ensemble = Ensemble(trained.module, workshop, trained.trainees, states)
            ranks["ensemble"] = ensemble.rank_test(plan.config.top_k)
            sides["ensemble"] = {**measured(ranks["ensemble"], cell, plan, host), **ensemble.record(sides)}
        return Outcome(trained.trainees, ranks, sides)
    except Exception as error:
        message, trace = " ".join(str(error).split()), "".join(traceback.format_exception(error))
        return Outcome(error={"type": type(error).__name__, "message": message, "traceback": trace})


def rank_timed(workshop: Workshop, trainee: Trainee, top_k: int) -> tuple[Ranks, float]:
    """Rank a side on the test items; return the ranks and the seconds that it took."""
    _ = workshop.tasks  # laying them out is no part of ranking
    clock = time.perf_counter()
    with guard(trainee.owner, "states"):
        ranks = workshop.rank(trainee.model, "test", top_k)
    return ranks, time.perf_counter() - clock


def make_workshop(cell: Cell, plan: Plan, host: Host) -> Workshop:
    """Return what the training of a cell needs."""
    facts = cell.facts

    def progress(what: str, done: int, total: int) -> None:
        host.notify("corecbench_progress", cell=facts, what=what, done=done, total=total)

    catalog = cell.data.catalog
    setup = Setup(
        shuffle_texts(catalog, cell.seed) if cell.control == "shuffled-texts" else catalog,
        cell.max_history,
        cell.seed,
        plan.config.device,
        plan.cache,
        progress,
        untrained_llm=cell.control == "untrained-llm",
    )
    metric = host.build(host.select("metrics", "NDCG@10", {}))
    return Workshop(host, setup, cell.data.split, cell.seeded_as, metric)


def train(cell: Cell, plan: Plan, store: Store, workshop: Workshop, on_epoch: OnEpoch) -> Trained:
    """Train the side or the sides of a cell."""
    if cell.sharing is None:
        side: Side = "domain" if cell.llm is None else "llm"
        return Trained(workshop.train_solo(side, cell.domain or cell.llm, on_epoch))
    alone = plan.solo_of(cell)
    stored = store.read(alone.folder)
    if stored["status"] != "ok":
        raise CorecbenchError(f"cell {alone.name}, where this one starts, failed: {stored['error']['message']}")
    solo = Solo(alone.domain, load_file(alone.folder / CHECKPOINT), stored["sides"]["domain"]["best_epoch"])
    return workshop.train_pair(cell.domain, cell.llm, cell.sharing, solo, on_epoch, cell.control != "no-mutual")


def side_record(trainee: Trainee, ranks: Ranks, ranking_s: float, cell: Cell, plan: Plan, host: Host) -> SideRecord:
    """Return what is stored about one side."""
    return {
        **measured(ranks, cell, plan, host),
        **sizes([trainee.model]),
        "epochs": trainee.epochs,
        "best_epoch": trainee.best_epoch,
        "validation": trainee.best_value,
        "stopped_by": trainee.stopped_by,
        "train_s": trainee.train_s,
        "inference_ms_per_user": 1000 * ranking_s / len(ranks.users),
    }


def measured(ranks: Ranks, cell: Cell, plan: Plan, host: Host) -> dict[str, Any]:
    """Return the metrics of a row."""
    frequency = item_frequency(cell.data.catalog, cell.data.train)
    lists = Lists(ranks.top_items, ranks.target, ranks.rank, frequency)
    metrics = {name: host.build(host.select("metrics", name, plan.config.settings)) for name in plan.config.metrics}
    return {
        "metrics": {
            name: float(np.mean(measure(metric, ranks.rank, ranks.n_candidates, lists)))
            for name, metric in metrics.items()
        },
        "n_users": len(ranks.users),
    }


def describe(cell: Cell, plan: Plan) -> dict[str, Any]:
    """Return what is known of a cell before it is trained."""
    data, config = cell.data, plan.config
    return {
        "schema": SCHEMA,
        "cell": record_of(cell),
        "hash": cell.hash,
        "settings": {part.label: settings_of(part) for part in cell.components},
        **({"in_pairs": in_pairs} if (in_pairs := plan.in_pairs(cell)) else {}),
        "protocol": {
            "split": "leave-one-out",
            **PROTOCOL,
            "repeated pairs": config.repeats,
            "max_history": cell.max_history,
        },
        "data": {
            "fingerprint": data.dataset.fingerprint,
            "split_fingerprint": data.split.fingerprint,
            **data.dataset.facts,
        },
        **code(),
        "plugins": {
            part.label: {
                "distribution": part.plugin.distribution,
                "version": part.plugin.version,
                **({"variant_of": part.name} if part.is_variant else {}),
            }
            for part in cell.components
        },
        "device": config.device,
        "machine": process.machine(config.device),
    }


@functools.cache
def code() -> dict[str, Any]:
    """Return what runs; asked for once, since a later commit does not change what was loaded."""
    return {"versions": process.versions(), "commit": process.commit()}
