"""The plot of a search: what each trial reached, and what each setting was in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from corecbench.api import Choices, Follows
from corecbench.api import Search as Range
from corecbench.drawing.canvas import COLOURS, FAINT, INK, save
from corecbench.drawing.chart import Chart
from corecbench.drawing.panels import Axis, Look, Panel, Panels, Series, around, named
from corecbench.results.layout import slug
from corecbench.toolkit.printable import one_line
from corecbench.tuning.study import best_of, best_trial, is_finished, state_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optuna.trial import FrozenTrial

    from corecbench.tuning.search import Search

COLUMNS, MARGIN = (4, 2), 1.2
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


def chart(course: Course) -> Chart:
    """Return the plot: the trials in their order, and below them validation against each setting."""
    ordered = sorted(course.points, key=lambda point: point.number)
    corners: list[tuple[float, float]] = []
    for point in ordered:  # the best so far: a step to the right, then up
        corners += [(float(point.number), corners[-1][1])] if corners else []
        corners.append((float(point.number), max([point.validation, *(y for _, y in corners)])))
    so_far = Series("best so far", Look(INK, dash="", width=0.8), tuple(corners))
    y = around("validation NDCG@10", [point.validation for point in course.points])
    over = Panel(
        around("trial", [point.number for point in ordered]),
        y,
        (so_far, *marked([(float(point.number), point) for point in ordered], course.best)),
    )
    settings = tuple(panel_of(name, mark, course, replace(y, label="")) for name, mark in course.spaces.items())
    below = (Panels(settings, columns=COLUMNS, height=90),) if settings else ()
    return Chart(course.title, course.caption, (Panels((over,), columns=(1, 1), height=125), *below))


def panel_of(name: str, mark: Range | Choices, course: Course, y: Axis) -> Panel:
    """Return validation against a setting: a range on its scale, choices side by side."""
    known = [(point.settings[name], point) for point in course.points if name in point.settings]
    title = name.rpartition(".")[2]
    if isinstance(mark, Choices):
        values = list(mark.values)
        places = [(float(values.index(value)), point) for value, point in known]
        return Panel(named("", [one_line(str(value)) for value in values]), y, marked(places, course.best), title)
    low, high = float(mark.low), float(mark.high)
    axis = Axis("", low / MARGIN, high * MARGIN, is_log=True) if mark.log else around("", (low, high), pad=0.08)
    return Panel(axis, y, marked(known, course.best), title)


def marked(places: Sequence[tuple[float, Point]], best: int) -> tuple[Series, ...]:
    """Return trials, each marked by how it ended, the best one last and in a colour of its own."""
    series = []
    for x, point in sorted(places, key=lambda place: place[1].number == best):
        colour = COLOURS[1] if point.number == best else COLOURS[0] if point.state == "complete" else FAINT
        look = Look(colour, STATES.get(point.state, "v"))
        series.append(Series(str(point.number), look, ((float(x), point.validation),)))
    return tuple(series)


def write_plot(search: Search, trials: Sequence[FrozenTrial], folder: Path) -> list[Path]:
    """Write the plot of a search as SVG and PNG; nothing before its first epoch."""
    course = prepare(search, trials)
    if course is None:
        return []
    made = chart(course)
    return save(made.with_words(), made.words, folder, slug(search.name.replace("/", "-")))
