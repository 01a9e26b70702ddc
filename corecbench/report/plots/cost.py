"""Quality against its cost: training time and inference time."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.report.plots.canvas import (
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    figure,
    log_ticks,
    plain,
    wrap,
)
from corecbench.report.plots.spread import NEAR, place_labels
from corecbench.report.plots.study import FIRST_NAMED, NothingToShow, Study, label
from corecbench.report.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from corecbench.api import Side
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey


@dataclass(frozen=True)
class Point:
    """One row; costs are means over seeds."""

    label: str
    is_joint: bool
    quality: float
    train_s: float
    """Seconds of training of both sides of a pair."""
    inference_ms: float | None
    """Milliseconds per user; None where they were not stored."""


@dataclass(frozen=True)
class Costs:
    """The numbers of the plot."""

    dataset: str
    points: tuple[Point, ...]
    tested: str
    higher_is_better: bool
    extent: str


def prepare(study: Study) -> Costs:
    """Return quality and costs of the rows of one data set, without controls and rows whose cell failed in part.

    Raises:
        NothingToShow: no row that was trained here succeeded.
    """
    (dataset,) = study.datasets
    keys = [key for key in study.present() if not study.is_control(key) and _is_trained(study.rows[key])]
    points = tuple(_point(study, key) for key in keys)
    if not points:
        raise NothingToShow("no row that was trained here succeeded")
    return Costs(dataset, points, study.tested, study.higher_is_better, study.extent())


def _is_trained(row: Row) -> bool:
    """Return whether the training time of all sides of the cell is known; that of imported results is not."""
    return all(
        record["sides"].keys() >= trained_sides(row.key) and "imported" not in record for record in row.records
    )


def trained_sides(key: RowKey) -> set[Side]:
    """Return the sides of a cell that are trained; an ensemble is not."""
    models: dict[Side, str | None] = {"domain": key.domain, "llm": key.llm}
    return {side for side, model in models.items() if model is not None}


def _point(study: Study, key: RowKey) -> Point:
    records = study.rows[key].records
    trained = [
        sum(side["train_s"] for name, side in record["sides"].items() if name != "ensemble") for record in records
    ]
    times = [record["sides"][key.side].get("inference_ms_per_user") for record in records]
    known = [time for time in times if time is not None]
    inference = statistics.mean(known) if len(known) == len(times) else None
    return Point(label(key), key.sharing is not None, study.mean(key), statistics.mean(trained), inference)


def front(costs: Sequence[float], qualities: Sequence[float], higher_is_better: bool = True) -> list[int]:
    """Return the Pareto front, the cheapest first: points that no other point beats in both cost and quality.

    >>> front([1.0, 2.0, 3.0, 3.0], [0.2, 0.1, 0.4, 0.3])
    [0, 2]
    """
    sign = 1 if higher_is_better else -1
    best: list[int] = []
    for number in sorted(range(len(costs)), key=lambda each: (costs[each], -sign * qualities[each])):
        if not best or sign * qualities[number] > sign * qualities[best[-1]]:
            best.append(number)
    return best


def draw(costs: Costs) -> Figure:
    """Draw training time at the left, inference time at the right, and the names below."""
    names = [wrap(f"{number}  {point.label}", 40) for number, point in enumerate(costs.points, start=1)]
    n_lines = -(-sum(1 + name.count("\n") for name in names) // 2) + 1
    made = figure(
        2.4 + 0.19 * n_lines,
        f"{plain(costs.dataset)}: {costs.tested} against what training and inference take",
        sentences(
            [
                costs.extent,
                "Training time: of both sides of a pair, without the models that it starts from; means over seeds. "
                "Filled: trained together. Line and rings: the Pareto front. Without controls",
                FIRST_NAMED,
            ]
        ),
    )
    grid = made.add_gridspec(2, 2, height_ratios=[2.4, 0.19 * n_lines])
    left = made.add_subplot(grid[0, 0])
    panels = left, made.add_subplot(grid[0, 1], sharey=left)
    panels[1].tick_params(labelleft=False)
    below = made.add_subplot(grid[1, :])
    below.axis("off")
    handles = _draw_panel(panels[0], costs, [point.train_s for point in costs.points])
    panels[0].set_xlabel("training time (s)")
    panels[0].set_ylabel(costs.tested)
    times = [point.inference_ms for point in costs.points if point.inference_ms is not None]
    if len(times) < len(costs.points):
        panels[1].axis("off")
        missing = "inference times are\nnot stored for all rows"
        panels[1].text(0.5, 0.5, missing, transform=panels[1].transAxes, ha="center", va="center")
    else:
        _draw_panel(panels[1], costs, times)
        panels[1].set_xlabel("inference time (ms per user)")
    below.legend(handles, names, loc="upper left", ncols=2, borderpad=0, borderaxespad=0, columnspacing=1)
    return made


def _draw_panel(axes: Axes, costs: Costs, taken: Sequence[float]) -> list[Any]:
    best = front(taken, [point.quality for point in costs.points], costs.higher_is_better)
    axes.plot(
        [taken[number] for number in best],
        [costs.points[number].quality for number in best],
        color=FAINT,
        drawstyle="steps-post",
        linewidth=1,
    )
    handles = []
    for number, (point, x) in enumerate(zip(costs.points, taken, strict=True)):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[(number + number // len(COLOURS)) % len(MARKERS)]
        fill = colour if point.is_joint else "white"
        (handle,) = axes.plot(x, point.quality, marker, color=colour, markerfacecolor=fill, markersize=6)
        handles.append(handle)
        if number in best:
            axes.plot(x, point.quality, "o", color=INK, markerfacecolor="none", markersize=11, markeredgewidth=0.7)
    _scale(axes, taken)
    axes.margins(y=0.15)
    _number(axes, [(x, point.quality) for x, point in zip(taken, costs.points, strict=True)])
    return handles


def _scale(axes: Axes, taken: Sequence[float]) -> None:
    """Make the axis of costs logarithmic, with a place for 0 where there is one."""
    positive = [x for x in taken if x > 0]
    if not positive:
        return
    low, high = min(positive) / 1.6, max(positive) * 1.8
    if len(positive) == len(taken):
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        log_ticks(axes.xaxis, low, high)
        return
    axes.set_xscale("symlog", linthresh=low, linscale=0.3)
    axes.set_xlim(-0.4 * low, high)
    log_ticks(axes.xaxis, low, high, zero=True)


def _number(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Write each point's number beside it, with a line where it has to stand further off."""
    from matplotlib.patheffects import withStroke

    box = np.array([2.9, 1.8]) * 72  # nearly the size of a panel, in typographic points
    places = axes.transAxes.inverted().transform(axes.transData.transform(np.array(points))) * box
    for number, (point, offset) in enumerate(zip(points, place_labels(places.tolist()), strict=True), start=1):
        line = {"arrowstyle": "-", "linewidth": 0.5, "color": FAINT, "shrinkA": 0, "shrinkB": 3}
        axes.annotate(
            str(number),
            point,
            xytext=offset,
            textcoords="offset points",
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=2, foreground="white")],
            arrowprops=line if np.hypot(*offset) > NEAR + 1 else None,
        )
