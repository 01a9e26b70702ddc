"""Runs a plan: hands each cell over once it needs nothing any more, and collects the records of all."""

from __future__ import annotations

import logging
import signal
import time
from typing import TYPE_CHECKING, cast

from corecbench.experiment.described import describe
from corecbench.experiment.execution.claims import Claims, owner_in_words
from corecbench.experiment.execution.executor import Ended, Executor
from corecbench.experiment.execution.order import Need, Queue, begin_alike, needs_alone, same_texts, side_by_side
from corecbench.experiment.execution.relay import HeardOf, Relay
from corecbench.experiment.execution.worker_process import WAITS, named
from corecbench.experiment.progress import title
from corecbench.results.privacy import without_private
from corecbench.results.spare import store_or_keep
from corecbench.toolkit.caches import remove_left_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from corecbench.api import CellResult
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store

LOG = logging.getLogger(__name__)
LOOK_S = 1.0
"""Seconds after which it is looked again whether another run has done with a cell."""


def run(plan: Plan, host: Host, store: Store, executor: Executor) -> list[CellResult]:
    """Run every cell that is not done; return the records of all that are not left out, in the order of the plan.

    A cell that another run has claimed is left to it. If that run stores it, its result is taken; if it dies, the
    cell is run here.
    """
    for label in plan.config.trackers:
        host.track(host.select("trackers", label, plan.config.settings))
    remove_left_behind(plan.begun)
    results = {}
    with Claims(plan, store) as claims:
        claims.tidy(cell for cell in plan.cells if cell.done or cell.failed)
        copied = {
            cell.folder
            for cell in plan.cells
            if (other := plan.elsewhere.get(cell.folder)) and claims.copy(cell, other)
        }
        aside = {*copied, *plan.left_out}
        left = [cell for cell in plan.cells if not (cell.done or cell.failed or cell.folder in aside)]
        if left:
            relay, ask = Relay(host), needs_alone(plan, host)
            one_by_one = executor.slots == 1 and not executor.backlog  # in the order of the plan nothing waits
            queue = Queue(left) if one_by_one else side_by_side(left, ask, takes_back=not executor.backlog)
            with executor:
                for ended in ends(queue, executor, relay, claims, ask):
                    results[ended.cell.folder] = finish(ended, plan, store, relay)
                    claims.give_back(ended.cell)
            claims.tidy(cell for cell in left if cell.folder in results)  # of a run that was killed beside this one
    cells = [cell for cell in plan.cells if cell.folder not in plan.left_out]
    return [results.get(cell.folder) or store.read(cell.folder) for cell in cells]


def ends(
    queue: Queue, executor: Executor, relay: Relay, claims: Claims, ask: Callable[[Cell], Need | None]
) -> Iterator[Ended]:
    """Hand over all cells of a queue, and yield each when it ends."""
    running: list[Cell] = []
    again: list[Cell] = []
    retried: set[Path] = set()
    theirs = Theirs()

    def put_off(cell: Cell) -> bool:  # it would wait for texts that another cell encodes, or do what that one does
        beside = [other for other in running if same_texts(cell, other)]
        waits = bool(beside) and not any(map(relay.has_trained, beside))
        repeats = any(begin_alike(cell, other) and not relay.is_past_first_turn(other) for other in running)
        return (waits or repeats) and not executor.backlog

    def has_room() -> bool:  # a cell whose process was killed has the machine for itself once
        alone = again or any(cell.folder in retried for cell in running)
        return executor.backlog or (len(running) < executor.slots and not alone)

    while queue.left or running or theirs.cells or again:
        if again and not running:
            running.append(again.pop())
            executor.submit(running[0])
        while has_room() and (cell := queue.next(put_off)) is not None:
            if not executor.backlog and not claims.take(cell):
                theirs.cells.append(cell)
                queue.hold(cell, ask)
            elif not executor.backlog and (result := claims.found(cell)) is not None:
                queue.ended(cell)
                yield Ended(cell, result, by_other=True)
            else:
                executor.submit(cell)
                queue.begun(cell)
                running.append(cell)
        if not running:
            theirs.wait()
        elif (ended := executor.wait(relay.tell, LOOK_S if theirs.cells else None)) is not None:
            running.remove(ended.cell)
            if ended.kind == WAITS:
                queue.back(ended.cell, [*running, *again, *theirs.cells])
            elif was_killed(ended) and ended.cell.folder not in retried:
                said = "%s: %s; it goes on once more, with nothing beside it"
                LOG.warning(said, title(ended.cell.facts), ended.reason)
                retried.add(ended.cell.folder)
                again.append(ended.cell)
            else:
                queue.ended(ended.cell)
                yield ended
        queue.left += theirs.cells
        theirs.cells.clear()


def was_killed(ended: Ended) -> bool:
    return ended.result is None and ended.reason.endswith(named(-signal.SIGKILL))


class Theirs:
    """Cells that other runs have claimed."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        self.said: set[tuple[str, str]] = set()

    def wait(self) -> None:
        for cell in self.cells:
            what = f"{cell.name}, {cell.data.name}, seed {cell.seed}", owner_in_words(cell)
            if what not in self.said:
                self.said.add(what)
                LOG.warning("waiting for %s, which %s trains", *what)
        if self.cells:
            time.sleep(LOOK_S)


def finish(ended: Ended, plan: Plan, store: Store, relay: Relay) -> CellResult:
    result = ended.result
    if result is None:
        result = store_failure(ended, plan, store, relay.so_far(ended.cell.facts))
    if not ended.by_other:
        relay.finished(ended.cell, result)
    return result


def store_failure(ended: Ended, plan: Plan, store: Store, heard: HeardOf) -> CellResult:
    """Store that a cell failed, with the epochs that were heard of, and return the record.

    The state of its training is kept: with more time or memory it goes on there.
    """
    cell = ended.cell
    record = {
        **describe(cell, plan),
        "status": "failed",
        "error": {"type": ended.kind, "message": ended.reason, "traceback": ""},
        "started": heard.started.isoformat(timespec="seconds"),
        "duration_s": heard.duration_s,
        "peak_memory_bytes": 0,  # the process that knew it is gone
        "sides": {},
        "epochs": [dict(record) for record in heard.epochs.values()],
    }
    result = cast("CellResult", without_private(record))
    result = store_or_keep(
        lambda folder: store.write(folder, result, {}, keep_state=True),
        store,
        cell.folder,
        plan.cache,
    )
    store.drop_failed(cell.folder)
    return result
