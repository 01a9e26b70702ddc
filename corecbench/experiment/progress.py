"""Shows what a run is doing, on stderr: bars on a terminal, else a line for each cell now and then."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from corecbench.api import CellFacts, CellResult, EpochRecord, hookimpl
from corecbench.experiment.remaining import Remaining, in_words
from corecbench.toolkit import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console
    from rich.progress import Task, TaskID

    from corecbench.experiment.work import Work
    from corecbench.plugin.host import Host

QUIET_S = 15.0
"""Without a terminal, each cell has at most one line in this time, beside those at its start and end."""

BAR_WIDTH = 10
"""Characters; 80 columns hold it beside the name of a pair, its scores and its minutes."""

Key = tuple[str, str, int]
"""What tells the cells of a run apart: name, data set and seed."""


def key_of(cell: CellFacts) -> Key:
    return cell["name"], cell["dataset"], cell["seed"]


@contextlib.contextmanager
def shown(host: Host, works: Mapping[Key, Work], every_epoch: bool = False) -> Iterator[None]:
    """Show the progress of a run, for as long as the context lasts; in bars, or with a line for each epoch."""
    from rich.console import Console

    console = Console(stderr=True)
    bars = console.is_terminal and not every_epoch
    display = Bars(console, works) if bars else Lines(works, quiet_s=0.0 if every_epoch else QUIET_S)
    host.register(display, "progress")
    with display:
        yield


def title(cell: CellFacts) -> str:
    return printable(f"{cell['name']}, {cell['dataset']}, seed {cell['seed']}")


def outcome(result: CellResult) -> str:
    """Return how a cell ended."""
    if result["status"] == "failed":
        error = result["error"]
        return f"failed: {' '.join(printable(str(error and error['message'])).split())}"
    sides = ", ".join(
        f"{side} NDCG@10 {values['metrics']['NDCG@10']:.4f}"
        for side, values in result["sides"].items()
        if "NDCG@10" in values["metrics"]
    )
    return f"done in {result['duration_s']:.0f} s{': ' if sides else ''}{sides}"


@dataclass
class Line:
    """A cell that is running."""

    number: int
    """It was the first to start, the second, and so on."""
    last: float
    """When something was said of it."""
    trained: int = 0
    """Number of epochs."""


class Lines:
    """Plain lines."""

    def __init__(
        self,
        works: Mapping[Key, Work],
        write: Callable[[str], None] = lambda line: click.echo(line, err=True),
        clock: Callable[[], float] = time.monotonic,
        quiet_s: float = QUIET_S,
    ) -> None:
        self.n_cells, self.write, self.clock, self.quiet_s = len(works), write, clock, quiet_s
        self.remaining = Remaining(works)
        self.cells: dict[Key, Line] = {}

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is to be put back."""

    def say(self, cell: CellFacts, what: str) -> None:
        line = self.cells[key_of(cell)]
        line.last = self.clock()
        self.write(f"[{line.number}/{self.n_cells}] {title(cell)}: {what}")

    def due(self, cell: CellFacts) -> bool:
        return self.clock() - self.cells[key_of(cell)].last >= self.quiet_s

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        self.cells[key_of(cell)] = Line(len(self.cells) + 1, self.clock())
        self.remaining.started(key_of(cell), self.clock())
        self.say(cell, "started")

    @hookimpl
    def corecbench_progress(self, cell: CellFacts, what: str, done: int, total: int) -> None:
        if self.due(cell):
            self.say(cell, f"{printable(what)} {done}/{total}")

    @hookimpl
    def corecbench_epoch_finished(self, cell: CellFacts, record: EpochRecord) -> None:
        line = self.cells[key_of(cell)]
        line.trained += 1
        self.remaining.trained(key_of(cell), record, self.clock())
        if self.due(cell):
            epochs = f"epoch {line.trained} of at most {record['planned_epochs']}"
            validation = f"validation NDCG@10 {record['validation']:.4f}"
            self.say(cell, f"{record['side']}, {epochs}, {validation}{self.left()}")

    @hookimpl
    def corecbench_cell_finished(self, cell: CellFacts, result: CellResult) -> None:
        self.remaining.ended(key_of(cell), self.clock())
        self.say(cell, f"{outcome(result)}{self.left()}")

    def left(self) -> str:
        left_s = self.remaining.left_s(self.clock())
        return f"; about {in_words(left_s)} left" if left_s else ""


@dataclass
class CellBars:
    """The bars of a cell that is running."""

    epochs: TaskID
    work: TaskID
    """Its other long work; the bar is there only while that lasts."""
    best: float = 0.0


class Bars:
    """A bar for all cells with the time left; for each that is running, one for epochs and one for other work."""

    def __init__(
        self, console: Console, works: Mapping[Key, Work], clock: Callable[[], float] = time.monotonic
    ) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.table import Column

        self.console, self.clock = console, clock
        self.remaining = Remaining(works)
        text = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self.bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=text),
            BarColumn(BAR_WIDTH),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            expand=True,
            speed_estimate_period=1800,
        )
        self.number, self.n_cells = 0, len(works)
        self.all = self.bars.add_task(f"cells 0/{self.n_cells}", total=self.n_cells)
        self.running: dict[Key, CellBars] = {}

    def __enter__(self) -> Bars:
        self.bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bars.stop()

    def task(self, number: TaskID) -> Task:
        return next(task for task in self.bars.tasks if task.id == number)

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        epochs = self.bars.add_task(title(cell), total=None)
        self.running[key_of(cell)] = CellBars(epochs, self.bars.add_task("", visible=False))
        self.remaining.started(key_of(cell), self.clock())

    @hookimpl
    def corecbench_progress(self, cell: CellFacts, what: str, done: int, total: int) -> None:
        work, what = self.running[key_of(cell)].work, printable(what)
        if self.task(work).description != what:
            self.bars.reset(work, total=total, description=what)
        self.bars.update(work, completed=done, total=total, visible=done < total)

    @hookimpl
    def corecbench_epoch_finished(self, cell: CellFacts, record: EpochRecord) -> None:
        own = self.running[key_of(cell)]
        own.best = max(own.best, record["validation"])
        scores = f"{record['side']} {record['validation']:.4f}, best {own.best:.4f}"
        total = record["planned_epochs"]
        self.remaining.trained(key_of(cell), record, self.clock())
        self.bars.update(own.epochs, advance=1, total=total, description=f"{title(cell)}: {scores}")
        self.move()

    def move(self) -> None:
        shares = sum(min(self.share(own), 0.99) for own in self.running.values())
        left_s = self.remaining.left_s(self.clock())
        left = "" if left_s is None else f", about {in_words(left_s)} left"
        description = f"cells {self.number}/{self.n_cells}{left}; NDCG@10 of validation"
        self.bars.update(self.all, completed=self.number + shares, description=description)

    def share(self, own: CellBars) -> float:
        task = self.task(own.epochs)
        return task.completed / task.total if task.total else 0.0

    @hookimpl
    def corecbench_cell_finished(self, cell: CellFacts, result: CellResult) -> None:
        own = self.running.pop(key_of(cell))
        self.remaining.ended(key_of(cell), self.clock())
        self.bars.remove_task(own.epochs)
        self.bars.remove_task(own.work)
        self.number += 1
        self.move()
        self.console.print(f"{title(cell)}: {outcome(result)}", markup=False, highlight=False)
