"""Passes on to this process's trackers and display what happens in cells, wherever they run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.api import CellFacts, CellResult, EpochRecord
    from corecbench.experiment.cells import Cell
    from corecbench.plugin.host import Host


@dataclass
class HeardOf:
    """What was heard of a cell."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)
    epochs: dict[tuple[str, int], EpochRecord] = field(default_factory=dict)
    """Side and number of the epoch -> its record."""

    @property
    def duration_s(self) -> float:
        return time.perf_counter() - self.clock


@dataclass
class Relay:
    """What the plugins of this process were told of each cell.

    They hear of each start and each epoch once, also where a cell is begun anew on another machine, or where it was
    running before this process followed it.
    """

    host: Host
    cells: dict[tuple[str, str, int], HeardOf] = field(default_factory=dict)

    def tell(self, hook_name: str, cell: CellFacts, **arguments: Any) -> None:
        so_far = self.so_far(cell)
        if hook_name == "corecbench_epoch_finished":
            self.epoch(cell, so_far, arguments["record"])
        elif hook_name != "corecbench_cell_started":
            self.host.notify(hook_name, cell=cell, **arguments)

    def so_far(self, cell: CellFacts) -> HeardOf:
        key = cell["name"], cell["dataset"], cell["seed"]
        if key not in self.cells:
            self.cells[key] = HeardOf()
            self.host.notify("corecbench_cell_started", cell=cell)
        return self.cells[key]

    def has_trained(self, cell: Cell) -> bool:
        key = cell.name, cell.data.name, cell.seed
        return key in self.cells and bool(self.cells[key].epochs)

    def is_past_first_turn(self, cell: Cell) -> bool:
        key = cell.name, cell.data.name, cell.seed
        return key in self.cells and any(epoch["turn"] > 1 for epoch in self.cells[key].epochs.values())

    def epoch(self, cell: CellFacts, so_far: HeardOf, record: EpochRecord) -> None:
        key = record["side"], record["epoch"]
        if key not in so_far.epochs:
            so_far.epochs[key] = record
            self.host.notify("corecbench_epoch_finished", cell=cell, record=record)

    def finished(self, cell: Cell, result: CellResult) -> None:
        facts = cell.facts
        so_far = self.so_far(facts)
        for record in cast("list[Mapping[str, Any]]", result["epochs"]):
            self.epoch(facts, so_far, cast("EpochRecord", record))
        self.host.notify("corecbench_cell_finished", cell=facts, result=result)
