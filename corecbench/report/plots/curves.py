"""Rows over some places, such as LLMs or groups of users: their metric, and their differences with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corecbench.report.plots.figure import LEADING, Band, fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

    from corecbench.report.evidence.contrasts import Contrast

    Look = dict[str, Any]

LETTERS = 30
"""The letters of a line of a legend."""
MARKERS = "os^DvP"
DASHES = ("--", ":", "-.", (0, (10, 3)), (0, (3, 3)))
ALONE: Look = {"color": "black", "linewidth": 2}


def look_of(number: int, is_open: bool = False, has_line: bool = True) -> Look:
    lap, place = divmod(number, len(MARKERS))
    return {
        "color": f"C{place}",
        "marker": MARKERS[(place + lap) % len(MARKERS)],
        "linestyle": DASHES[number % len(DASHES)] if has_line else "none",
        "markerfacecolor": "white" if is_open else f"C{place}",
    }


@dataclass(frozen=True)
class Series:
    """A row at some places."""

    label: str
    look: Look
    points: Sequence[tuple[float, float]]
    intervals: Sequence[tuple[float, float] | None] = ()
    """For each point; none where there are no intervals."""

    def draw(self, axes: Axes, shift: float = 0.0) -> None:
        x = [place + shift for place, _ in self.points]
        y = [value for _, value in self.points]
        spread = None
        if any(self.intervals):
            ends = [each or (math.nan, math.nan) for each in self.intervals]
            spread = list(zip(*[(v - low, high - v) for v, (low, high) in zip(y, ends, strict=True)], strict=True))
        axes.errorbar(x, y, yerr=spread, label=self.label, **self.look)


def of_contrasts(contrasts: Iterable[Contrast], name: str, look: Look, places: Iterable[float]) -> Series:
    at = list(zip(map(float, places), contrasts, strict=True))
    points, intervals = [(x, each.difference) for x, each in at], [each.sizes.interval for _, each in at]
    return Series(name, look, points, intervals)


@dataclass(frozen=True)
class Curves:
    """A panel of rows over named places."""

    series: Sequence[Series]
    places: Sequence[str]
    label: str
    """What the places are."""
    metric: str
    title: str = ""
    step: float | None = None
    """How far rows stand beside each other where differences are shown, with a line at 0."""

    @property
    def x_label(self) -> str:
        return fill(self.label, LETTERS)

    def draw(self, axes: Axes) -> None:
        """Draw the rows on axes of their own."""
        for number, each in enumerate(self.series):
            each.draw(axes, 0 if self.step is None else self.step * (number - (len(self.series) - 1) / 2))
        axes.set(xlim=(-0.5, len(self.places) - 0.5), xlabel=self.x_label, ylabel=self.metric, title=self.title)
        axes.set_xticks(range(len(self.places)), self.places)
        if self.step is None:
            axes.set_ylim(bottom=0)
        else:
            axes.axhline(0, color="black", linewidth=0.8)


def side_by_side(panels: Sequence[Curves], has_one_scale: bool = False) -> Band:
    """Panels of the same rows with a legend at their right."""
    rows = panels[0].series
    names = [fill(row.label, LETTERS) for row in rows]

    def last(axes: Axes) -> None:
        panels[-1].draw(axes)
        samples = [axes.plot([], [], **row.look)[0] for row in rows]
        axes.legend(samples, names, loc="upper left", bbox_to_anchor=(1, 1.05))

    lines = sum(1.25 + name.count("\n") for name in names)
    below = 0.25 + LEADING * (1 + max(place.count("\n") for place in panels[0].places))
    below += LEADING * max(panel.x_label.count("\n") for panel in panels)
    drawn = [*(panel.draw for panel in panels[:-1]), last]
    height = max(1.25 + below, LEADING * lines + 0.4)
    return Band(drawn, height, 0.7, 2.15, 0.25, below, len(panels), has_one_scale)


def compared(
    title: str,
    label: str,
    places: Sequence[str],
    rows: Sequence[Series],
    gains: Sequence[Series],
    names: tuple[str, str],
) -> Band:
    return side_by_side(
        (Curves(rows, places, label, names[0], title), Curves(gains, places, label, names[1], step=0.06))
    )
