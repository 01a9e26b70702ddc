"""The plot of a search: what each trial reached, and what each setting was in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corecbench.api import Choices, Follows
from corecbench.api import Search as Range
from corecbench.report.plots.canvas import COLOURS, FAINT, INK, figure, log_ticks, plain, save, style
from corecbench.results.layout import slug
from corecbench.tuning.study import best_of, best_trial, is_finished, state_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from optuna.trial import FrozenTrial

    from corecbench.tuning.search import Search

COLUMNS, ROW_HEIGHT, MARGIN = 4, 1.2, 1.2
STATES = {"complete": "o", "out of time": "s", "pruned": "x", "cut off": "v", "interrupted": "v"}
"""How a trial ended -> its marker."""


@dataclass(frozen=True)
class Point:
    """A trial that trained for an epoch or more."""

    number: int
    validation: float
    state: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Course:
    """The numbers of the plot."""

    title: str
    caption: str
    points: tuple[Point, ...]
    best: int
    """The number of the best trial."""
    spaces: dict[str, Range | Choices]
    """Setting -> what was searched for it."""


def prepare(search: Search, trials: Sequence[FrozenTrial]) -> Course | None:
    """Return the numbers of the plot of a search; None before its first epoch."""
    best = best_trial(trials)
    if best is None:
        return None
    points = tuple(
        Point(
            trial.number,
            best_of(trial),
            state_of(trial),
            {f"{label}.{key}": v for label, own in trial.user_attrs["settings"].items() for key, v in own.items()},
        )
        for trial in trials
        if trial.intermediate_values and trial.state.name != "RUNNING"
    )
    spaces = {
        f"{label}.{name}": mark
        for label, space in search.spaces.items()
        for name, mark in space.items()
        if not isinstance(mark, Follows)
    }
    parts = "+".join(label for _, label in search.labels)
    finished = sum(map(is_finished, trials))
    caption = (
        f"Best NDCG@10 on validation of each trial. {finished} of {len(points)} trials finished (circle: trained "
        "to its end; square: its time was over; cross: stopped as clearly worse). The line is the best so far; the "
        "best trial is orange."
    )
    return Course(
        f"Search of {parts} on {search.data.name}, seed {search.seed}", caption, points, best.number, spaces
    )


def draw(course: Course) -> Figure:
    """Draw the trials in their order, and below them validation against each setting."""
    from matplotlib.ticker import MaxNLocator

    n_rows = math.ceil(len(course.spaces) / COLUMNS)
    made = figure(1.7 + ROW_HEIGHT * n_rows, course.title, course.caption)
    grid = made.add_gridspec(1 + n_rows, COLUMNS, height_ratios=[1.3, *[1.0] * n_rows])
    over = made.add_subplot(grid[0, :])
    mark_points(over, [(point.number, point) for point in course.points], course.best)
    ordered = sorted(course.points, key=lambda point: point.number)
    so_far = [max(point.validation for point in ordered[: place + 1]) for place in range(len(ordered))]
    over.step([point.number for point in ordered], so_far, where="post", color=INK, linewidth=0.8)
    over.set_xlabel("trial")
    over.xaxis.set_major_locator(MaxNLocator(integer=True))
    for place, (name, mark) in enumerate(course.spaces.items()):
        axes = made.add_subplot(grid[1 + place // COLUMNS, place % COLUMNS], sharey=over)
        draw_setting(axes, name, mark, course)
    return made


def draw_setting(axes: Axes, name: str, mark: Range | Choices, course: Course) -> None:
    """Draw validation against a setting over all that was searched: a range on its scale, choices side by side."""
    from matplotlib.ticker import MaxNLocator

    known = [(point.settings[name], point) for point in course.points if name in point.settings]
    if isinstance(mark, Choices):
        mark_points(axes, [(mark.values.index(value), point) for value, point in known], course.best)
        axes.set_xticks(range(len(mark.values)), [plain(str(value)) for value in mark.values])
        axes.set_xlim(-0.5, len(mark.values) - 0.5)
    else:
        mark_points(axes, known, course.best)
        if mark.log:
            axes.set_xscale("log")
            log_ticks(axes.xaxis, mark.low, mark.high)
            axes.set_xlim(mark.low / MARGIN, mark.high * MARGIN)
        else:
            beside = 0.08 * (mark.high - mark.low)
            axes.set_xlim(mark.low - beside, mark.high + beside)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=3, integer=isinstance(mark.high, int)))
    axes.set_title(plain(name.rpartition(".")[2]), fontsize=7).set_in_layout(False)
    axes.tick_params(axis="x", labelsize=6)
    axes.tick_params(axis="y", labelleft=False)


def mark_points(axes: Axes, places: Sequence[tuple[Any, Point]], best: int) -> None:
    """Draw trials, each by how it ended, the best one last and in a colour of its own."""
    for x, point in sorted(places, key=lambda place: place[1].number == best):
        colour = COLOURS[1] if point.number == best else COLOURS[0] if point.state == "complete" else FAINT
        axes.plot([x], [point.validation], STATES.get(point.state, "v"), color=colour)


def write_plot(search: Search, trials: Sequence[FrozenTrial], folder: Path) -> list[Path]:
    """Write the plot of a search as SVG and PNG; nothing before its first epoch."""
    course = prepare(search, trials)
    if course is None:
        return []
    with style():
        return save(draw(course), folder, slug(search.name.replace("/", "-")))
