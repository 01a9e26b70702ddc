"""The spine: every cell of a plan is trained, ranked and stored. One that fails is a record; the others go on."""

from __future__ import annotations

import functools
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file

from corecbench import process
from corecbench.api import CorecbenchError, Setup, Side
from corecbench.evaluation.ranking import PROTOCOL, Ranks
from corecbench.plan import Cell, Plan, settings_of
from corecbench.results import SCHEMA, Record, Store, ranks_frame
from corecbench.training.cell import Solo, Workshop, save_checkpoint
from corecbench.training.loop import Trainee, trainable

if TYPE_CHECKING:
    from corecbench.host import Host

CHECKPOINT = "checkpoint.safetensors"


def run(plan: Plan, host: Host, store: Store) -> list[Record]:
    """Run every cell that is not done and return the records of all, in the order of the plan."""
    process.keep_freed_memory()
    return [store.read(cell.folder) if cell.done else run_cell(cell, plan, host, store) for cell in plan.cells]


def run_cell(cell: Cell, plan: Plan, host: Host, store: Store) -> Record:
    """Train, rank and store one cell, and return its record, failed or not."""
    host.notify("corecbench_cell_started", cell=cell)
    process.reset_peak_memory()
    started, clock, epochs = datetime.now(UTC), time.perf_counter(), []

    def on_epoch(record: dict[str, Any]) -> None:
        epochs.append(record)
        host.notify("corecbench_epoch_finished", cell=cell, record=record)

    trainees: dict[Side, Trainee] = {}
    ranks: dict[Side, Ranks] = {}
    error = None
    try:
        workshop = make_workshop(cell, plan, host)
        trainees = train(cell, plan, store, workshop, on_epoch)
        for side, trainee in trainees.items():
            trainee.finish()
            ranks[side] = workshop.rank(trainee.model, "test")
        sides = {side: side_record(trainees[side], ranks[side], plan, host) for side in trainees}
    except Exception as caught:
        error = {
            "type": type(caught).__name__,
            "message": " ".join(str(caught).split()),
            "traceback": "".join(traceback.format_exception(caught)),
        }
        ranks, sides = {}, {}
    record: Record = {
        **describe(cell, plan),
        "status": "ok" if error is None else "failed",
        "error": error,
        "started": started.isoformat(timespec="seconds"),
        "duration_s": time.perf_counter() - clock,
        "peak_memory_bytes": process.peak_memory_bytes(),
        "sides": sides,
        "epochs": epochs,
    }
    catalog = cell.dataset.dataset.catalog
    is_start = error is None and cell.llm is None
    files = {CHECKPOINT: functools.partial(save_checkpoint, trainees["domain"])} if is_start else {}
    store.write(cell.folder, record, {side: ranks_frame(r, catalog) for side, r in ranks.items()}, files)
    host.notify("corecbench_cell_finished", cell=cell, result=record)
    return record


def make_workshop(cell: Cell, plan: Plan, host: Host) -> Workshop:
    """Return what the training of a cell needs."""

    def progress(what: str, done: int, total: int) -> None:
        host.notify("corecbench_progress", cell=cell, what=what, done=done, total=total)

    config, catalog = plan.config, cell.dataset.dataset.catalog
    setup = Setup(catalog, config.max_history, cell.seed, config.device, plan.cache, progress)
    metric = host.build(host.select("metrics", "NDCG@10", {}))
    return Workshop(host, setup, cell.dataset.split, cell.name, metric)


def train(cell: Cell, plan: Plan, store: Store, workshop: Workshop, on_epoch: Any) -> dict[Side, Trainee]:
    """Train the side or the sides of a cell."""
    if cell.sharing is None:
        side: Side = "domain" if cell.llm is None else "llm"
        return workshop.train_solo(side, cell.domain or cell.llm, on_epoch)
    alone = plan.solo_of(cell)
    stored = store.read(alone.folder)
    if stored["status"] != "ok":
        raise CorecbenchError(f"cell {alone.name}, where this one starts, failed: {stored['error']['message']}")
    solo = Solo(load_file(alone.folder / CHECKPOINT), stored["sides"]["domain"]["best_epoch"])
    return workshop.train_pair(cell.domain, cell.llm, cell.sharing, solo, on_epoch)


def side_record(trainee: Trainee, ranks: Ranks, plan: Plan, host: Host) -> dict[str, Any]:
    """Return what is stored about one side."""
    metrics = {name: host.build(host.select("metrics", name, plan.config.settings)) for name in plan.config.metrics}
    return {
        "metrics": {
            name: float(metric.per_user(ranks.rank, ranks.n_candidates).mean()) for name, metric in metrics.items()
        },
        "n_users": len(ranks.users),
        "epochs": trainee.epochs,
        "best_epoch": trainee.best_epoch,
        "validation": trainee.best_value,
        "stopped_by": trainee.stopped_by,
        "train_s": trainee.train_s,
        "trainable_parameters": sum(parameter.numel() for parameter in trainable(trainee.model).values()),
    }


def describe(cell: Cell, plan: Plan) -> dict[str, Any]:
    """Return what is known of a cell before it is trained."""
    names = {kind: None if part is None else part.label for kind, part in vars(cell).items() if kind in KINDS}
    data, config = cell.dataset, plan.config
    return {
        "schema": SCHEMA,
        "cell": {"name": cell.name, "dataset": data.name, **names, "seed": cell.seed},
        "hash": cell.hash,
        "settings": {part.label: settings_of(part) for part in cell.components},
        "protocol": {
            "split": "leave-one-out",
            **PROTOCOL,
            "repeated pairs": config.repeats,
            "max_history": config.max_history,
        },
        "data": {
            "fingerprint": data.dataset.fingerprint,
            "split_fingerprint": data.split.fingerprint,
            **data.dataset.facts,
        },
        "versions": process.versions(),
        "plugins": {
            part.label: {"distribution": part.plugin.distribution, "version": part.plugin.version}
            for part in cell.components
        },
        "commit": process.commit(),
        "device": config.device,
    }


KINDS = ("domain", "llm", "sharing")
