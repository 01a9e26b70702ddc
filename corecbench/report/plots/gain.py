"""Forest plot: the gain of every joint row over the same model trained alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from corecbench.report.plots.canvas import (
    FAINT,
    INK,
    MINUS,
    SIDE_COLOURS,
    SIDE_MARKERS,
    SIDE_NAMES,
    figure,
    plain,
    wrap,
)
from corecbench.report.plots.pages import paged
from corecbench.report.plots.study import FIRST_NAMED, Study, label
from corecbench.report.views.captions import t_intervals
from corecbench.report.views.columns import NONE
from corecbench.report.wording import percent, sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from corecbench.api import RowSide
    from corecbench.stats.intervals import Interval


LABEL_WIDTH = 46
MOST_HEIGHT = 8.5
"""The most inches of all rows on a page."""


@dataclass(frozen=True)
class Gain:
    """One line of the plot."""

    dataset: str
    label: str
    side: RowSide
    is_control: bool
    difference: float
    interval: Interval | None
    change: float | None
    lacks_seeds: bool


@dataclass(frozen=True)
class Gains:
    """The numbers of the plot."""

    rows: tuple[Gain, ...]
    tested: str
    higher_is_better: bool
    extents: Mapping[str, str]
    """data set -> its number of users and its seeds, in words."""
    page: str = ""
    """The end of the title, where there are several pages."""


def prepare(study: Study) -> Gains:
    """Return the difference of every comparable joint row, in the order of the table.

    Raises:
        NothingToShow: there is none.
    """
    rows = []
    for key in study.joint():
        (effect,) = study.effects(key)
        rows.append(
            Gain(
                dataset=key.dataset,
                label=label(key),
                side=key.side,
                is_control=study.is_control(key),
                difference=effect.difference,
                interval=effect.sizes.interval,
                change=effect.change,
                lacks_seeds=effect.lacks_seeds,
            )
        )
    return Gains(tuple(rows), study.tested, study.higher_is_better, study.extents())


def pages(gains: Gains) -> list[Gains]:
    """Return the numbers of each page: all rows, or first the pairs, then all rows of each data set."""
    most = int(MOST_HEIGHT / _row_height(gains))
    datasets = list(dict.fromkeys(row.dataset for row in gains.rows))
    if len(gains.rows) + len(datasets) <= most:
        return [gains]
    on_pages: list[Gains] = []
    pairs = tuple(row for row in gains.rows if not row.is_control)
    if 0 < len(pairs) < len(gains.rows):
        on_pages += paged(replace(gains, rows=pairs), "rows", most, ", without controls")
    for dataset in datasets:
        rows = tuple(row for row in gains.rows if row.dataset == dataset)
        on_pages += paged(replace(gains, rows=rows), "rows", most, f", {plain(dataset)}")
    return on_pages


def _row_height(gains: Gains) -> float:
    """Return the height of a row in inches."""
    return 0.06 + 0.13 * max(1 + wrap(row.label, LABEL_WIDTH).count("\n") for row in gains.rows)


def draw(gains: Gains) -> Figure:
    """Draw a line for each row, those of a data set together under its name."""
    datasets = list(dict.fromkeys(row.dataset for row in gains.rows))
    names = [wrap(row.label, LABEL_WIDTH) for row in gains.rows]
    kind = t_intervals(row.lacks_seeds for row in gains.rows)
    controls = ". Open and dashed: controls" if any(row.is_control for row in gains.rows) else ""
    made = figure(
        _row_height(gains) * (len(gains.rows) + len(datasets)) + 0.75,
        f"Gain in {gains.tested} of training together over training alone{gains.page}",
        sentences(
            [
                "; ".join(gains.extents[dataset] for dataset in datasets),
                f"Lines: 95% intervals ({kind}), not adjusted for the number of rows; at the right the "
                f"relative change{controls}",
                FIRST_NAMED,
            ]
        ),
    )
    axes = made.subplots()
    place, ticks = 0, []
    width = 6 + 5.2 * max(len(_change(row)) for row in gains.rows)
    for dataset in datasets:
        ticks.append((place, plain(dataset), True))
        axes.axhspan(place - 0.5, place + 0.5, color="#EFEFEF", linewidth=0)
        for row, name in zip(gains.rows, names, strict=True):
            if row.dataset == dataset:
                place += 1
                ticks.append((place, name, False))
                _draw_row(axes, place, row, width)
        place += 1
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.locator_params(axis="x", nbins=6)
    _name(axes, ticks)
    axes.set_ylim(place - 0.5, -0.5)
    better = "right" if gains.higher_is_better else "left"
    axes.set_xlabel(f"{gains.tested} together {MINUS} {gains.tested} alone ({better} of 0: together is better)")
    _legend(axes, gains)
    return made


def _name(axes: Axes, ticks: Sequence[tuple[int, str, bool]]) -> None:
    """Write the names of rows and, in bold, of data sets."""
    axes.set_yticks([place for place, _, _ in ticks], [text for _, text, _ in ticks])
    for tick, (_, _, is_heading) in zip(axes.get_yticklabels(), ticks, strict=True):
        tick.set_fontweight("bold" if is_heading else "normal")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)


def _draw_row(axes: Axes, place: int, row: Gain, width: float) -> None:
    """Draw a row; `width` is that of the changes at the right, in typographic points."""
    colour = SIDE_COLOURS[row.side]
    if row.interval:
        dashes = (0, (2, 1.2)) if row.is_control else "-"
        axes.plot(row.interval, (place, place), color=colour, linestyle=dashes, linewidth=1.4)
        axes.plot(row.interval, (place, place), color=colour, linestyle="", marker="|", markersize=4)
    fill = "white" if row.is_control else colour
    marker = SIDE_MARKERS[row.side]
    axes.plot(row.difference, place, marker, color=colour, markerfacecolor=fill, markersize=4)
    axes.annotate(
        _change(row),
        (1, place),
        xytext=(width, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        ha="right",
        va="center",
        color=FAINT if row.is_control else INK,
    )


def _change(row: Gain) -> str:
    return NONE if row.change is None else percent(row.change).replace("-", MINUS)


def _legend(axes: Axes, gains: Gains) -> None:
    from matplotlib.lines import Line2D

    kinds = {(row.side, row.is_control) for row in gains.rows}
    handles, labels = [], []
    for side, is_control in sorted(kinds):
        colour = SIDE_COLOURS[side]
        style: dict[str, Any] = {"linestyle": (0, (2, 1.2)), "markerfacecolor": "white"} if is_control else {}
        handles.append(Line2D([], [], color=colour, marker=SIDE_MARKERS[side], **style))
        labels.append(f"{SIDE_NAMES[side]}{', control' if is_control else ''}")
    axes.legend(
        handles, labels, loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderpad=0.2, columnspacing=1.2
    )
