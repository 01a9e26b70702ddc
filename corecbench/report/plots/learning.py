"""Learning curves: validation over the epochs of a cell, with the turns in which each side trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from corecbench.report.plots.canvas import SIDE_COLOURS, SIDE_MARKERS, SIDE_NAMES, figure, plain, wrap
from corecbench.report.plots.pages import paged
from corecbench.report.plots.study import NothingToShow, Study, cell_label
from corecbench.report.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from corecbench.api import CellResult, Side
    from corecbench.results.rows import RowKey

MOST = 10
"""The most cells on a page."""
COLUMNS, TITLE_WIDTH = 2, 48
BANDS: Mapping[Side, Mapping[str, Any]] = {
    "domain": {"facecolor": "#DEECF5", "linewidth": 0},
    "llm": {"facecolor": "#FBEADF", "edgecolor": "#EFC9AE", "hatch": "////", "linewidth": 0},
}
ALONE: Mapping[Side, Any] = {"domain": (0, (1, 1)), "llm": (0, (5, 1.5))}
"""The dashes of a model trained alone."""
NEEDED = ("turn", "side", "epoch", "validation", "duration_s")


@dataclass(frozen=True)
class Band:
    """A turn: the stretch in which one side trained."""

    side: Side
    first: int
    """The first epoch of the turn, from 1, counted over both sides of the cell."""
    last: int


@dataclass(frozen=True)
class Course:
    """The training of one cell."""

    label: str
    seed: int
    duration_s: float
    bands: tuple[Band, ...]
    validation: Mapping[Side, tuple[tuple[int, float], ...]]
    """side -> (epoch of the cell, NDCG@10)."""
    kept: Mapping[Side, tuple[int, float]]
    """side -> the epoch whose weights were kept."""
    alone: Mapping[Side, float]
    """side -> NDCG@10 on validation of the same model trained alone, where it was under the same seed."""


@dataclass(frozen=True)
class Courses:
    """The numbers of the plot."""

    dataset: str
    cells: tuple[Course, ...]
    extent: str
    page: str = ""
    """The end of the title, where there are several pages."""


def prepare(study: Study) -> Courses:
    """Return the courses of one data set, of each cell's first seed, in the order of the table.

    Raises:
        NothingToShow: no epochs were stored.
    """
    (dataset,) = study.datasets
    alone = {
        (key, record["cell"]["seed"]): record["sides"][key.side]["validation"]
        for key, row in study.rows.items()
        if key.is_solo
        for record in row.records
    }
    first: dict[str, tuple[RowKey, CellResult]] = {}
    for key, row in study.rows.items():
        if row.records and _is_known(row.records[0]["epochs"]):
            first.setdefault(key.cell, (key, row.records[0]))
    if not first:
        raise NothingToShow("no epochs are stored")
    courses = [_course(key, record, alone) for key, record in first.values()]
    return Courses(dataset, tuple(courses), study.extent())


def pages(courses: Courses) -> list[Courses]:
    """Return the numbers of each page."""
    return paged(courses, "cells", MOST)


def _is_known(epochs: Sequence[Mapping[str, Any]]) -> bool:
    return bool(epochs) and all(set(NEEDED) <= set(epoch) for epoch in epochs)


def _course(key: RowKey, record: CellResult, alone: Mapping[tuple[RowKey, int], float | None]) -> Course:
    numbered = list(enumerate(record["epochs"], start=1))
    bands = []
    for (_, side), part in groupby(numbered, lambda each: (each[1]["turn"], each[1]["side"])):
        places = [place for place, _ in part]
        bands.append(Band(side, places[0], places[-1]))
    validation: dict[Side, list[tuple[int, float]]] = {}
    kept = {}
    for place, epoch in numbered:
        side, value = epoch["side"], epoch["validation"]
        validation.setdefault(side, []).append((place, value))
        if side in record["sides"] and epoch["epoch"] == record["sides"][side]["best_epoch"]:
            kept[side] = place, value
    known = {
        side: alone.get((replace(key, side=side).solo, record["cell"]["seed"]))
        for side in validation
        if key.sharing
    }
    return Course(
        label=cell_label(key),
        seed=record["cell"]["seed"],
        duration_s=sum(epoch["duration_s"] for _, epoch in numbered),
        bands=tuple(bands),
        validation={side: tuple(points) for side, points in validation.items()},
        kept=kept,
        alone={side: value for side, value in known.items() if value is not None},
    )


def draw(courses: Courses) -> Figure:
    """Draw a panel for each cell."""
    n_rows = -(-len(courses.cells) // COLUMNS)
    made = figure(
        1.55 * n_rows + 0.55,
        f"{plain(courses.dataset)}: validation NDCG@10 over the epochs, and which side trained when{courses.page}",
        sentences(
            [
                courses.extent,
                "The first seed of each cell; bands: turns; ringed: the weights that were kept; dotted and dashed: "
                "the kept weights of the same domain model and LLM trained alone",
            ]
        ),
    )
    parts = made.add_gridspec(n_rows + 1, COLUMNS, height_ratios=[0.1, *[1] * n_rows])
    grid = [
        made.add_subplot(parts[1 + number // COLUMNS, number % COLUMNS]) for number in range(len(courses.cells))
    ]
    for axes, course in zip(grid, courses.cells, strict=False):
        _draw_panel(axes, course)
    for axes in grid[::COLUMNS]:
        axes.set_ylabel("validation NDCG@10")
    for axes in grid[-COLUMNS:]:
        axes.set_xlabel("epoch of the cell, both sides counted")
    _legend(made.add_subplot(parts[0, :]), courses)
    return made


def _draw_panel(axes: Axes, course: Course) -> None:
    from matplotlib.ticker import MaxNLocator

    for band in course.bands:
        axes.axvspan(
            band.first - 0.5,
            band.last + 0.5,
            **BANDS[band.side],
        )
        axes.axvline(band.last + 0.5, color="white", linewidth=1.5)
    for side, points in course.validation.items():
        colour, (x, y) = SIDE_COLOURS[side], zip(*points, strict=True)
        marker = SIDE_MARKERS[side] if len(points) <= 40 else ""
        axes.plot(x, y, color=colour, marker=marker, markersize=3, linewidth=1)
        if side in course.kept:
            axes.plot(*course.kept[side], "o", color=colour, markerfacecolor="none", markersize=8, clip_on=False)
    for side, value in course.alone.items():
        axes.axhline(value, color=SIDE_COLOURS[side], linestyle=ALONE[side], linewidth=1.2)
    axes.set_xlim(0.5, course.bands[-1].last + 0.5)
    values = [value for points in course.validation.values() for _, value in points]
    axes.set_ylim(0, 1.15 * max(*values, *course.alone.values(), 1e-9))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.grid(False, axis="x")
    axes.set_title(_title(course))


def _title(course: Course) -> str:
    extent = f"seed {course.seed}, {course.duration_s:,.{0 if course.duration_s >= 10 else 1}f} s"
    one_line = plain(f"{course.label}: {extent}")
    return one_line if len(one_line) <= TITLE_WIDTH else f"{wrap(course.label, TITLE_WIDTH)}\n{extent}"


def _legend(axes: Axes, courses: Courses) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    labels = []
    for side in sorted({side for course in courses.cells for side in course.validation}):
        colour = SIDE_COLOURS[side]
        handles += [
            Line2D([], [], color=colour, marker=SIDE_MARKERS[side], markersize=3),
            Patch(**BANDS[side]),
        ]
        labels += [SIDE_NAMES[side], f"{SIDE_NAMES[side]} trains"]
    axes.axis("off")
    axes.legend(handles, labels, loc="upper left", ncols=4, borderpad=0, borderaxespad=0)
