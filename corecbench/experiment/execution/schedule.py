"""Runs a plan: hands each cell over once it needs nothing any more, and collects the records of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.experiment.execution.lost import store_lost
from corecbench.experiment.execution.needs import needs_alone
from corecbench.experiment.execution.order import Queue, begin_alike, same_texts, side_by_side
from corecbench.experiment.execution.told import Told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.api import CellResult
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.execution.executor import Ended, Executor
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store


def run(plan: Plan, host: Host, store: Store, executor: Executor) -> list[CellResult]:
    """Run every cell that is not done and return the records of all that are not left out, in the plan's order."""
    for label in plan.config.trackers:
        host.track(host.select("trackers", label, plan.config.settings))
    for folder, other in plan.elsewhere.items():
        store.take_over(other, folder)
    aside = {*plan.elsewhere, *plan.left_out}
    left = [cell for cell in plan.cells if not cell.done and cell.folder not in aside]
    results = {}
    if left:
        told = Told(host)
        with executor:
            for ended in ends(queue_of(left, plan, host, executor), executor, told):
                results[ended.cell.folder] = finish(ended, plan, store, told)
    cells = [cell for cell in plan.cells if cell.folder not in plan.left_out]
    return [results.get(cell.folder) or store.read(cell.folder) for cell in cells]


def queue_of(left: Sequence[Cell], plan: Plan, host: Host, executor: Executor) -> Queue:
    """Return the queue of cells: in the order of the plan, in which nothing waits, if one runs after another."""
    if executor.slots == 1 and not executor.backlog:
        return Queue(list(left))
    return side_by_side(left, needs_alone(plan, host))


def ends(queue: Queue, executor: Executor, told: Told) -> Iterator[Ended]:
    """Hand over all cells of a queue, and yield each when it ends."""
    running: list[Cell] = []

    def put_off(cell: Cell) -> bool:  # it would wait for texts that another cell encodes, or do what that one does
        beside = [other for other in running if same_texts(cell, other)]
        waits = bool(beside) and not any(map(told.has_trained, beside))
        repeats = any(begin_alike(cell, other) and not told.is_past_first_turn(other) for other in running)
        return (waits or repeats) and not executor.backlog

    while queue.left or running:
        while (len(running) < executor.slots or executor.backlog) and (cell := queue.next(put_off)) is not None:
            executor.submit(cell)
            running.append(cell)
        ended = executor.wait(told.tell)
        running.remove(ended.cell)
        queue.ended(ended.cell)
        yield ended


def finish(ended: Ended, plan: Plan, store: Store, told: Told) -> CellResult:
    """Return the record of a cell that ended, also where its process could not store one."""
    result = ended.result
    if result is None:
        result = store_lost(ended.cell, plan, store, told.so_far(ended.cell.facts), ended.reason)
    told.finished(ended.cell, result)
    return result
