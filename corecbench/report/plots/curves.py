"""A metric at the left and differences at the right over the same few places, one row of panels for each model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.report.plots.canvas import COLOURS, DASHES, INK, MARKERS, legend_beside, legend_height, title_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Curve:
    """A row at some of the places."""

    label: str
    is_control: bool
    metric: Mapping[int, float]
    """number of a place -> the metric there."""
    differences: Mapping[int, float]
    """The same of the difference that is shown at the right; {} for a row that is shown at the left only."""
    intervals: Mapping[int, tuple[float, float]]
    """The same of the interval of the difference, where there is one."""


@dataclass(frozen=True)
class Panels:
    """The curves of one model."""

    title: str
    places: tuple[str, ...]
    """The names of the places, from the left."""
    alone: Mapping[int, float]
    """number of a place -> the metric of the model alone there."""
    curves: tuple[Curve, ...]

    @property
    def labels(self) -> list[str]:
        """The lines of the legend."""
        return [*(["alone"] if self.alone else []), *(curve.label for curve in self.curves)]

    @property
    def height(self) -> float:
        """The height of the row in inches: that of its legend, at least that of legible axes."""
        return max(1.5, 0.3 + legend_height(self.labels))


def draw(made: Figure, rows: Sequence[Panels], names: tuple[str, str, str]) -> None:
    """Draw a row of panels for each model.

    Args:
        made: the empty figure.
        rows: the rows, from the top.
        names: what the places are, the metric and the difference.
    """
    shape = {"width_ratios": [1, 1, 0.68], "height_ratios": [row.height for row in rows]}
    grid = made.subplots(len(rows), 3, squeeze=False, gridspec_kw=shape)
    over, metric, difference = names
    for row, (left, right, beside) in zip(rows, grid, strict=True):
        title_row(left, right, row.title)
        legend_beside(beside, _draw_row(left, right, row), row.labels)
        for axes in (left, right):
            axes.set_xticks(range(len(row.places)), row.places)
            axes.set_xlim(-0.4, len(row.places) - 0.6)
        left.set_ylim(0, 1.05 * left.get_ylim()[1])
        left.set_ylabel(metric)
        right.set_ylabel(difference)
    for axes in grid[-1, :2]:
        axes.set_xlabel(over)


def _draw_row(left: Axes, right: Axes, row: Panels) -> list[Any]:
    """Draw the lines of a row and return what its legend shows."""
    handles = []
    if row.alone:
        handles += left.plot(list(row.alone), list(row.alone.values()), color=INK, linewidth=1.8)
    right.axhline(0, color=INK, linewidth=0.8)
    for number, curve in enumerate(row.curves):
        colour = COLOURS[number % len(COLOURS)]
        style: dict[str, Any] = {
            "color": colour,
            "marker": MARKERS[(number + number // len(COLOURS)) % len(MARKERS)],
            "markerfacecolor": "white" if curve.is_control else colour,
            "linestyle": DASHES[1 + number % (len(DASHES) - 1)],
        }
        handles += left.plot(list(curve.metric), list(curve.metric.values()), **style)
        aside = 0.06 * (number - (len(row.curves) - 1) / 2)  # so that the bars of several rows can be told apart
        right.plot(np.array(list(curve.differences)) + aside, list(curve.differences.values()), **style)
        for place, interval in curve.intervals.items():
            right.plot((place + aside,) * 2, interval, color=colour)
    return handles
