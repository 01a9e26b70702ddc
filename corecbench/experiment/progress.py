"""Shows what a run is doing, on stderr: bars on a terminal, else a line now and then."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

from corecbench.api import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from corecbench.api import CellFacts, CellResult, EpochRecord
    from corecbench.plugin.host import Host

QUIET_S = 15.0
"""Without a terminal, at most one line in this time, beside those at a cell's start and end."""


@contextlib.contextmanager
def shown(host: Host, n_cells: int) -> Iterator[None]:
    """Show the progress of a run of so many cells, for as long as the context lasts."""
    from rich.console import Console

    console = Console(stderr=True)
    display = Bars(console, n_cells) if console.is_terminal else Lines(n_cells)
    host.register(display, "progress")
    with display:
        yield


def title(cell: CellFacts) -> str:
    """Return a cell in a few words."""
    return f"{cell['name']}, {cell['dataset']}, seed {cell['seed']}"


def outcome(result: CellResult) -> str:
    """Return how a cell ended."""
    if result["status"] == "failed":
        error = result["error"]
        return f"failed: {' '.join(str(error and error['message']).split())}"
    sides = ", ".join(
        f"{side} NDCG@10 {values['metrics']['NDCG@10']:.4f}"
        for side, values in result["sides"].items()
        if "NDCG@10" in values["metrics"]
    )
    return f"done in {result['duration_s']:.0f} s{': ' if sides else ''}{sides}"


class Lines:
    """Plain lines."""

    def __init__(
        self,
        n_cells: int,
        write: Callable[[str], None] = lambda line: click.echo(line, err=True),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.n_cells, self.write, self.clock = n_cells, write, clock
        self.number, self.trained, self.last = 0, 0, clock()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is to be put back."""

    def say(self, cell: CellFacts, what: str) -> None:
        """Write a line."""
        self.last = self.clock()
        self.write(f"[{self.number}/{self.n_cells}] {title(cell)}: {what}")

    def due(self) -> bool:
        """Return whether it has been quiet for long enough."""
        return self.clock() - self.last >= QUIET_S

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        """Say which cell it is."""
        self.number, self.trained = self.number + 1, 0
        self.say(cell, "started")

    @hookimpl
    def corecbench_progress(self, cell: CellFacts, what: str, done: int, total: int) -> None:
        """Say what long work is going on."""
        if self.due():
            self.say(cell, f"{what} {done}/{total}")

    @hookimpl
    def corecbench_epoch_finished(self, cell: CellFacts, record: EpochRecord) -> None:
        """Say how far training is."""
        self.trained += 1
        if self.due():
            epochs = f"epoch {self.trained} of at most {record['planned_epochs']}"
            self.say(cell, f"{record['side']}, {epochs}, validation NDCG@10 {record['validation']:.4f}")

    @hookimpl
    def corecbench_cell_finished(self, cell: CellFacts, result: CellResult) -> None:
        """Say how it ended."""
        self.say(cell, outcome(result))


class Bars:
    """Three bars: all cells with the time left, the epochs of the current cell, and its other long work."""

    def __init__(self, console: Console, n_cells: int) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.console = console
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
            speed_estimate_period=1800,
        )
        self.number, self.n_cells, self.best = 0, n_cells, 0.0
        self.cells = self.bars.add_task(f"cells 0/{n_cells}", total=n_cells)
        self.epochs = self.bars.add_task("", visible=False)
        self.work = self.bars.add_task("", visible=False)

    def __enter__(self) -> Bars:
        self.bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bars.stop()

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        """Begin the bar of a cell's epochs."""
        self.best = 0.0
        self.bars.reset(self.epochs, total=None, description=title(cell), visible=True)
        self.bars.update(self.work, visible=False)

    @hookimpl
    def corecbench_progress(self, cell: CellFacts, what: str, done: int, total: int) -> None:
        """Move the bar of long work; it is there only while the work lasts."""
        if self.bars.tasks[self.work].description != what:
            self.bars.reset(self.work, total=total, description=what)
        self.bars.update(self.work, completed=done, total=total, visible=done < total)

    @hookimpl
    def corecbench_epoch_finished(self, cell: CellFacts, record: EpochRecord) -> None:
        """Move the bar of epochs, and that of the cells by the cell's share."""
        self.best = max(self.best, record["validation"])
        scores = f"{record['side']} validation NDCG@10 {record['validation']:.4f}, best {self.best:.4f}"
        total = record["planned_epochs"]
        self.bars.update(self.epochs, advance=1, total=total, description=f"{title(cell)}: {scores}")
        self.bars.update(self.cells, completed=self.number + min(self.share(), 0.99))

    def share(self) -> float:
        """Return how much of the current cell's epochs are behind it."""
        task = self.bars.tasks[self.epochs]
        return task.completed / task.total if task.total else 0.0

    @hookimpl
    def corecbench_cell_finished(self, cell: CellFacts, result: CellResult) -> None:
        """Count the cell and leave a line above the bars."""
        self.number += 1
        self.bars.update(self.cells, completed=self.number, description=f"cells {self.number}/{self.n_cells}")
        self.bars.update(self.epochs, visible=False)
        self.console.print(f"{title(cell)}: {outcome(result)}", markup=False, highlight=False)
