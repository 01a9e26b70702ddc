"""Rows below each other: a marker or bar for each, with its interval, its name and a value in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from corecbench.report.plots.figure import LEADING, LETTER, Band, fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes

    from corecbench.api import RowSide

    Kind = Literal["marker", "bar", "whole"]
    Look = tuple[RowSide, Kind, bool]

LETTERS = 46
"""The letters of a line of a name."""
SIDES: Mapping[RowSide, tuple[str, str]] = {"domain": ("C0", "o"), "llm": ("C1", "s"), "ensemble": ("C2", "^")}
"""The colour and marker of each side, which tell rows apart in grey, too."""
STRIPE, WHOLE = "#efefef", "#9a9a9a"
HEADING = 1.3
"""The height of a heading, in lines of text."""


@dataclass(frozen=True)
class Line:
    """One row."""

    label: str
    side: RowSide
    value: float
    interval: tuple[float, float] | None
    text: str
    """The value in words, at the right."""
    is_open: bool = False
    """Whether the row is one of a control."""
    kind: Kind = "marker"
    start: float = 0.0
    """Where a bar begins."""

    @property
    def name(self) -> str:
        return fill(self.label, LETTERS)

    @property
    def height(self) -> float:
        return 1.3 + self.name.count("\n")


@dataclass(frozen=True)
class Group:
    """Rows under a heading."""

    heading: str
    lines: Sequence[Line]

    @property
    def height(self) -> float:
        return HEADING * bool(self.heading) + sum(line.height for line in self.lines)


@dataclass(frozen=True)
class Forest:
    """Groups of rows on one axis."""

    groups: Sequence[Group]
    label: str
    """What the axis shows."""
    legend: Sequence[tuple[str, RowSide, bool]] = ()
    """Names of sides, and whether their markers are open."""
    has_zero: bool = True
    """Whether there is a line at 0."""

    @property
    def lines(self) -> list[Line]:
        return [line for group in self.groups for line in group.lines]

    @property
    def band(self) -> Band:
        names = max(len(part) for line in self.lines for part in line.name.split("\n"))
        texts = max(len(line.text) for line in self.lines)
        height = LEADING * sum(group.height for group in self.groups)
        left, right, top = LETTER * names + 0.2, LETTER * texts + 0.15, 0.3 if self.legend else 0.1
        return Band((self.draw,), top + height + 0.5, left, right, top)

    def draw(self, axes: Axes) -> None:
        """Draw the rows, the first one on top."""
        placed: list[tuple[float, Line]] = []
        end = 0.0
        for group in self.groups:
            if group.heading:
                draw_heading(axes, group.heading, end)
                end += HEADING
            for line in group.lines:
                placed.append((end + line.height / 2, line))
                end += line.height
        for place, line in placed:
            axes.text(-0.01, place, line.name, ha="right", **beside(axes))
            axes.text(1.01, place, line.text, **beside(axes))
        for look, of_look in grouped(placed):
            draw_rows(axes, of_look, look)
        axes.set(ylim=(end, 0), xlabel=self.label, yticks=())
        if self.has_zero:
            axes.axvline(0, color="black", linewidth=0.8)
        if self.legend:
            samples = [axes.plot([], [], **look_of(side, is_open))[0] for _, side, is_open in self.legend]
            names = [name for name, *_ in self.legend]
            axes.legend(samples, names, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderpad=0)


def beside(axes: Axes) -> dict[str, Any]:
    return {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": 7.5}


def grouped(placed: Sequence[tuple[float, Line]]) -> Iterator[tuple[Look, list[tuple[float, Line]]]]:
    looks = dict.fromkeys((line.side, line.kind, line.is_open) for _, line in placed)
    for look in looks:
        yield look, [each for each in placed if (each[1].side, each[1].kind, each[1].is_open) == look]


def look_of(side: RowSide, is_open: bool = False) -> dict[str, Any]:
    colour, marker = SIDES[side]
    return {"color": colour, "marker": marker, "markerfacecolor": "white" if is_open else colour}


def draw_heading(axes: Axes, heading: str, top: float) -> None:
    from matplotlib.transforms import blended_transform_factory

    axes.axhspan(top, top + HEADING, color=STRIPE)
    where = blended_transform_factory(axes.figure.transFigure, axes.transData)
    axes.text(0.01, top + HEADING / 2, heading, transform=where, va="center", weight="bold", size=7.5)


def draw_rows(axes: Axes, placed: Sequence[tuple[float, Line]], look: Look) -> None:
    """Draw bars or markers of rows that look alike, and their intervals."""
    side, kind, is_open = look
    places, lines = zip(*placed, strict=True)
    values = [line.value for line in lines]
    ends = [line.interval or (math.nan, math.nan) for line in lines]
    if kind == "marker":
        style = look_of(side, is_open)
    else:
        style, edge = {"color": "black"}, WHOLE if kind == "whole" else SIDES[side][0]
        starts = [line.start for line in lines]
        faces = ["white" if line.value < line.start else edge for line in lines]
        widths = [line.value - line.start for line in lines]
        axes.barh(places, widths, 0.8, left=starts, color=faces, edgecolor=edge, linewidth=0.8)
    spread = [[value - low, high - value] for value, (low, high) in zip(values, ends, strict=True)]
    axes.errorbar(values, places, xerr=list(zip(*spread, strict=True)), capsize=2, linestyle="none", **style)
