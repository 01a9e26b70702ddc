"""Waterfall: the gain of each pair in steps from the model alone, and the pair minus single controls."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from corecbench.report.evidence.contrasts import FEWEST_SEEDS
from corecbench.report.evidence.ledger_plan import pairs_with_controls
from corecbench.report.plots.canvas import (
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
from corecbench.report.plots.study import NAME_WIDTH, NothingToShow, Study, label
from corecbench.report.views.captions import t_intervals
from corecbench.report.views.findings import row_name
from corecbench.report.wording import percent, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from corecbench.api import RowSide
    from corecbench.report.evidence.ledger import Ledger, Line
    from corecbench.report.evidence.ledger_plan import Kind
    from corecbench.results.rows import RowKey

LABEL_WIDTH, TITLE_WIDTH = 44, 54
"""Characters of a line beside the bars and over them."""
NAME_SIZES = (NAME_WIDTH, 18, 14, 10)
MOST_HEIGHT = 8.0
"""The most inches of all lines on a page."""
WHOLE_COLOUR, STRIPE = "#9A9A9A", "#EFEFEF"
FEW = "°"
"""The mark of a line with too few seeds for a verdict."""


@dataclass(frozen=True)
class Line:
    """One contrast, in percent of the model alone."""

    kind: Kind
    label: str
    start: float
    """The place where the bar begins: 0, or for a step the end of the one below."""
    change: float
    interval: tuple[float, float] | None
    """The interval of the change at 95 %."""
    lacks_seeds: bool


@dataclass(frozen=True)
class Waterfall:
    """The lines of one side of a pair."""

    title: str
    side: RowSide
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Waterfalls:
    """The numbers of the plot."""

    dataset: str
    ledgers: tuple[Waterfall, ...]
    tested: str
    higher_is_better: bool
    extent: str
    page: str = ""
    """The end of the title, where there are several pages."""


def prepare(study: Study) -> Waterfalls:
    """Return the ledgers of one data set.

    Raises:
        NothingToShow: no pair has a control, or all means compared with are 0.
    """
    (dataset,) = study.datasets
    if not pairs_with_controls(study.rows, study.tested, study.evidence.controls.unshared):
        raise NothingToShow("no pair has a control")
    ledgers = study.evidence.ledgers()
    shown = [_waterfall(ledger) for ledger in ledgers if all(each.comparison.base for each in ledger.contrasts)]
    if not shown:
        raise NothingToShow("no control can be compared with its pair")
    return Waterfalls(dataset, tuple(shown), study.tested, study.higher_is_better, study.extent())


def _waterfall(ledger: Ledger) -> Waterfall:
    whole = [_line(each) for each in ledger.of_kind("whole")]
    steps, end = [], 0.0
    for each in ledger.of_kind("step"):
        steps.append(_line(each, end))
        end += 100 * steps[-1].change
    contrasts = [_line(each) for each in ledger.of_kind("contrast")]
    return Waterfall(_title(ledger.pair), ledger.pair.side, (*steps, *whole, *contrasts))


def _title(pair: RowKey) -> str:
    """Return the name of a pair and its side, the models' names short enough for a line over the bars."""
    titles = [f"{label(pair, size)} ({SIDE_NAMES[pair.side]})" for size in NAME_SIZES]
    return next((title for title in titles if len(title) <= TITLE_WIDTH), titles[-1])


def _line(contrast: Line, start: float = 0.0) -> Line:
    comparison, planned = contrast.comparison, contrast.planned
    upper, lower = (row_name(key, contrast.pair) for key in (planned.upper, planned.lower))
    names = {
        "step": f"{upper}: {planned.tells}",
        "whole": f"{upper} {MINUS} {lower}: {planned.tells}",
        "contrast": f"{upper} {MINUS} {lower}: {planned.tells}",
    }
    changes = comparison.sizes.changes
    return Line(
        kind=planned.kind,
        label=names[planned.kind],
        start=start,
        change=comparison.difference / abs(comparison.base),
        interval=(changes.low, changes.high) if changes is not None and changes.bounded else None,
        lacks_seeds=comparison.lacks_seeds,
    )


def pages(shown: Waterfalls) -> list[Waterfalls]:
    """Return the numbers of each page, with every ledger whole."""
    tallest = max(len(each.lines) for each in shown.ledgers) + 1
    return paged(shown, "ledgers", max(1, int(MOST_HEIGHT / (_line_height(shown) * tallest))))


def _line_height(shown: Waterfalls) -> float:
    """Return the height of a line in inches."""
    names = [line.label for each in shown.ledgers for line in each.lines]
    return 0.06 + 0.13 * max(1 + wrap(name, LABEL_WIDTH).count("\n") for name in names)


def draw(shown: Waterfalls) -> Figure:
    """Draw the ledgers of each side on axes of their own, as the sides can gain very different amounts."""
    by_side = [list(group) for _, group in groupby(shown.ledgers, lambda each: each.side)]
    heights = [_line_height(shown) * sum(1 + len(each.lines) for each in group) + 0.4 for group in by_side]
    lacking = [line.lacks_seeds for each in shown.ledgers for line in each.lines]
    made = figure(
        sum(heights) + 0.3,
        f"{plain(shown.dataset)}: what exactly helps, change in {shown.tested}{shown.page}",
        sentences(
            [
                shown.extent,
                "Coloured bars: steps from the model alone to the pair, each named by the row it leads to; white "
                "where the metric falls. Grey: the whole gain. Markers: the pair minus one control",
                f"Lines: 95% intervals of the change ({t_intervals(lacking)}), not adjusted for their number",
                *([f"{FEW}: a verdict needs {FEWEST_SEEDS} seeds"] if any(lacking) else []),
            ]
        ),
    )
    grid = made.subplots(len(by_side), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes, group in zip(grid[:, 0], by_side, strict=True):
        _draw_side(axes, group)
    better = "right" if shown.higher_is_better else "left"
    grid[-1, 0].set_xlabel(f"change in {shown.tested}, % of the model alone ({better}: better)")
    return made


def _draw_side(axes: Axes, group: Sequence[Waterfall]) -> None:
    place, ticks = 0, []
    width = 6 + 5.2 * max(len(_change(line)) for each in group for line in each.lines)
    for each in group:
        ticks.append((place, plain(each.title), True))
        axes.axhspan(place - 0.5, place + 0.5, color=STRIPE, linewidth=0, zorder=5)
        for line in each.lines:
            place += 1
            ticks.append((place, wrap(line.label, LABEL_WIDTH), False))
            _draw_line(axes, place, line, each.side, width)
        place += 1
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.locator_params(axis="x", nbins=7)
    axes.set_ylim(place - 0.5, -0.5)
    _name(axes, ticks)


def _name(axes: Axes, ticks: Sequence[tuple[int, str, bool]]) -> None:
    """Write the names of lines, and those of ledgers over their lines, which may be long."""
    axes.set_yticks([place for place, _, _ in ticks], ["" if is_title else text for _, text, is_title in ticks])
    for place, text, is_title in ticks:
        if is_title:
            where: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
            axes.annotate(text, (0, place), xytext=(4, 0), va="center", fontweight="bold", zorder=6, **where)
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)


def _draw_line(axes: Axes, place: int, line: Line, side: RowSide, width: float) -> None:
    """Draw a line; `width` is that of the changes at the right, in typographic points."""
    colour, start, end = SIDE_COLOURS[side], line.start, line.start + 100 * line.change
    if line.kind == "contrast":
        axes.plot(end, place, SIDE_MARKERS[side], color=colour, markerfacecolor="white", markersize=4, zorder=4)
    else:
        fill = WHOLE_COLOUR if line.kind == "whole" else colour if line.change >= 0 else "white"
        edge = WHOLE_COLOUR if line.kind == "whole" else colour
        axes.barh(place, end - start, left=start, height=0.62, color=fill, edgecolor=edge, linewidth=0.9, zorder=2)
    if line.kind == "step":
        axes.plot((end, end), (place, place + 1), color=INK, linewidth=0.5, zorder=1)
    if line.interval:
        ends = [start + 100 * each for each in line.interval]
        ink, dashes = (colour, (0, (2, 1.2))) if line.kind == "contrast" else (INK, "-")
        axes.plot(ends, (place, place), color=ink, linestyle=dashes, linewidth=1.0, zorder=3)
        axes.plot(ends, (place, place), color=ink, linestyle="", marker="|", markersize=4, zorder=3)
    axes.annotate(
        _change(line),
        (1, place),
        xytext=(width, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        ha="right",
        va="center",
    )


def _change(line: Line) -> str:
    return percent(line.change).replace("-", MINUS) + FEW * line.lacks_seeds
