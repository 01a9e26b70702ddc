"""Rows below each other: a marker or bar for each, with its interval, its name and a value in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from corecbench.drawing.canvas import (
    BOLD,
    DASHED,
    FAINT,
    GRID,
    INK,
    LEADING,
    MARGIN,
    NARROW,
    SIDE_COLOURS,
    SIDE_MARKERS,
    STRIPE,
    Canvas,
    n_lines,
    text_width,
    wrap,
)
from corecbench.drawing.panels import Axis, Look, around, draw_legend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.api import RowSide

WHOLE_COLOUR = "#9a9a9a"
MOST_LABEL = 0.44
"""The share of wide paper that names take at most."""


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
    kind: Literal["marker", "bar", "whole"] = "marker"
    start: float = 0.0
    """Where a bar begins."""


@dataclass(frozen=True)
class Group:
    """Rows under a heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Forest:
    """Groups of rows on one axis."""

    groups: tuple[Group, ...]
    label: str
    """What the axis shows."""
    legend: tuple[tuple[str, Look], ...] = ()
    zero: bool = True
    """Whether 0 is on the axis, with a line of its own."""

    @property
    def lines(self) -> list[Line]:
        """All rows."""
        return [line for group in self.groups for line in group.lines]

    @property
    def axis(self) -> Axis:
        """The axis, on which all values and intervals have room."""
        ends = [end for line in self.lines for end in (line.value, *(line.interval or ()))]
        return around(self.label, ends + [0.0] * self.zero, pad=0.04)

    def draw(self, canvas: Canvas) -> None:
        """Draw the rows below what is there; on narrow paper names stand over their rows."""
        is_narrow = canvas.width < 1.5 * NARROW
        widest = max(text_width(line.label) for line in self.lines) + MARGIN
        name = 0.0 if is_narrow else min(widest, MOST_LABEL * canvas.width)
        right = canvas.width - max(text_width(line.text) for line in self.lines) - MARGIN
        _Rows(canvas, self, self.axis, name, name + MARGIN, right).draw()
        if self.legend:
            canvas.height = draw_legend(canvas, self.legend, 0, canvas.height + 2, canvas.width)


@dataclass(frozen=True)
class _Rows:
    """The place of the rows on paper."""

    canvas: Canvas
    forest: Forest
    axis: Axis
    name: float
    """The width of names; 0 where they stand over their rows."""
    left: float
    right: float

    def at(self, value: float) -> float:
        """Return the place of a value on paper."""
        return self.left + (self.right - self.left) * self.axis.at(value)

    def draw(self) -> None:
        """Draw the axis, then headings and rows."""
        canvas, top = self.canvas, self.canvas.height
        placed = list(self.placed())
        bottom = canvas.height
        for value, name in self.axis.shown(max(3, int((self.right - self.left) / 60))):
            x = self.at(value)
            canvas.line([(x, top), (x, bottom)], GRID, 0.6)
            canvas.text(x, bottom + 9, name, "middle")
        for item, y, height in placed:
            if isinstance(item, Group):
                canvas.box(0, y - height / 2, canvas.width, height, STRIPE)
                canvas.text(4, y - height / 2 + LEADING / 2 + 1, wrap(item.heading, canvas.width / BOLD), bold=True)
        if self.forest.zero:
            canvas.line([(self.at(0), top), (self.at(0), bottom)], INK, 0.9)
        for item, y, height in placed:
            if isinstance(item, Line):
                self.draw_name(item, y, height)
                self.draw_row(item, y, height)
        label = wrap(self.axis.label, canvas.width)
        canvas.text((self.left + self.right) / 2 if self.name else canvas.width / 2, bottom + 23, label, "middle")
        canvas.height = bottom + 20 + LEADING * n_lines(label)

    def placed(self) -> Iterator[tuple[Group | Line, float, float]]:
        """Yield headings and rows with the middle and height of each, and raise the height of the canvas."""
        for group in self.forest.groups:
            if group.heading:
                yield self.place(group, LEADING * n_lines(wrap(group.heading, self.canvas.width / BOLD)) + 2)
            for line in group.lines:
                lines = LEADING * n_lines(wrap(line.label, self.name or self.canvas.width))
                yield self.place(line, lines + 4 if self.name else 15.0, 0.0 if self.name else lines)

    def place(self, item: Group | Line, height: float, above: float = 0.0) -> tuple[Group | Line, float, float]:
        """Return an item with its place, the next one on paper."""
        self.canvas.height += above + height
        return item, self.canvas.height - height / 2, height

    def draw_name(self, line: Line, y: float, height: float) -> None:
        """Write the name of a row beside it, or over it."""
        text = wrap(line.label, self.name or self.canvas.width)
        rest = LEADING * (n_lines(text) - 1)
        if self.name:
            self.canvas.text(self.name, y - rest / 2, text, "end")
        else:
            top = y - height / 2 - LEADING - rest
            self.canvas.box(0, top, text_width(text), LEADING + rest, "#ffffff")
            self.canvas.text(0, top + LEADING / 2, text)
        self.canvas.text(self.canvas.width, y, line.text, "end", colour=FAINT if line.is_open else INK)

    def draw_row(self, line: Line, y: float, height: float) -> None:
        """Draw the bar or marker of a row, and its interval."""
        canvas, colour, x = self.canvas, SIDE_COLOURS[line.side], self.at(line.value)
        ink, dash = (INK, "") if line.kind != "marker" else (colour, DASHED * line.is_open)
        if line.kind != "marker":
            edge = WHOLE_COLOUR if line.kind == "whole" else colour
            fill = "#ffffff" if line.value < line.start else edge
            start, end = sorted((self.at(line.start), x))
            canvas.box(start, y - 5, end - start, 10, fill, edge)
        if line.kind == "bar":
            canvas.line([(x, y), (x, y + height)], INK, 0.5)
        if line.interval:
            low, high = map(self.at, line.interval)
            canvas.line([(low, y), (high, y)], ink, 1.4, dash)
            for end in (low, high):
                canvas.line([(end, y - 3), (end, y + 3)], ink, 1.4)
        if line.kind == "marker":
            fill = "#ffffff" if line.is_open else colour
            canvas.marker(x, y, SIDE_MARKERS[line.side], colour, fill)


def side_look(side: RowSide, is_open: bool) -> Look:
    """Return how the legend shows the rows of a side."""
    return Look(SIDE_COLOURS[side], SIDE_MARKERS[side], DASHED if is_open else "", is_open)
