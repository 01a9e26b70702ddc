"""Panels with axes: lines, markers with intervals, bands and shades, laid out for the width of the paper."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from corecbench.drawing.canvas import (
    BOLD,
    COLOURS,
    DASHES,
    FAINT,
    GRID,
    INK,
    LEADING,
    MARGIN,
    MARKERS,
    NARROW,
    Canvas,
    Point,
    n_lines,
    powers,
    round_numbers,
    short,
    text_width,
    wrap,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEGEND_WIDTH, SAMPLE = 175.0, 30.0
"""The width of a legend beside panels, and of the sample in front of each of its names."""


@dataclass(frozen=True)
class Axis:
    """What is shown along one side of a panel."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] | None = None
    """The places with their names; None for round numbers."""
    is_log: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value, from 0 to 1."""
        if self.is_log:
            return math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def shown(self, most: int) -> list[tuple[float, str]]:
        """Return the ticks, of round numbers at most so many."""
        if self.ticks is not None:
            return list(self.ticks)
        places = powers(self.low, self.high) if self.is_log else round_numbers(self.low, self.high, most)
        return [(place, short(place)) for place in places]


def around(label: str, values: Iterable[float], zero: bool = False, pad: float = 0.06) -> Axis:
    """Return an axis for some values, with room at both ends, except below 0 where it begins there."""
    known = [value for value in values if math.isfinite(value)] + [0.0] * zero or [0.0]
    low, high = min(known), max(known)
    beside = pad * ((high - low) or abs(high) or 1.0)
    return Axis(label, low if zero and low == 0 else low - beside, high + beside)


def named(label: str, names: Sequence[str], beside: float = 0.5) -> Axis:
    """Return an axis of names side by side, at 0, 1 and so on."""
    return Axis(label, -beside, len(names) - 1 + beside, tuple(enumerate(names)))


@dataclass(frozen=True)
class Look:
    """How a row is drawn."""

    colour: str
    marker: str = ""
    dash: str | None = None
    """The dashes of its line; None where there is no line."""
    is_open: bool = False
    width: float = 1.3
    radius: float = 3.2
    is_band: bool = False
    """Whether the legend shows an area of the colour."""

    @property
    def fill(self) -> str:
        """The inside of a marker."""
        return "#ffffff" if self.is_open else self.colour


ALONE = Look(INK, dash="", width=2)
ZERO = ((0.0, Look(INK, width=0.9)),)


def look_of(number: int, is_open: bool = False, has_line: bool = True) -> Look:
    """Return the look of the i-th of several rows, by colour, marker and dashes."""
    lap, place = divmod(number, len(COLOURS))
    dash = DASHES[1 + number % (len(DASHES) - 1)] if has_line else None
    return Look(COLOURS[place], MARKERS[(place + lap) % len(MARKERS)], dash, is_open)


@dataclass(frozen=True)
class Series:
    """A row of a table at some places."""

    label: str
    look: Look
    points: tuple[Point, ...]
    intervals: tuple[tuple[float, float, float], ...] = ()
    """x, low and high."""
    every: tuple[int, int] = (0, 1)
    """The first point with a marker, and how many points further the next one is."""


@dataclass(frozen=True)
class Panel:
    """Axes and what is drawn between them."""

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    title: str = ""
    rules: tuple[tuple[float, Look], ...] = ()
    """Lines over the whole width, such as that of no difference."""
    bands: tuple[tuple[float, float, str], ...] = ()
    """Stretches of x, and their colours."""
    shades: tuple[tuple[float, float, float, float, str], ...] = ()
    """Left, right, low and high of areas, and their colours."""
    notes: tuple[tuple[float, float, str], ...] = ()
    """Words at a place from 0 to 1, from the left and the bottom; they begin or end there."""

    @property
    def margin(self) -> float:
        """The width of what is written at the left of the axes."""
        return 6 + max((text_width(name) for _, name in self.y.shown(5)), default=0)


@dataclass(frozen=True)
class Panels:
    """Panels side by side, in lines, with what they have in common."""

    panels: tuple[Panel, ...]
    legend: tuple[tuple[str, Look], ...] = ()
    title: str = ""
    columns: tuple[int, int] = (2, 1)
    """The number of panels in a line, on wide and on narrow paper."""
    height: float = 120.0
    """The height of the axes; 0 if they are as high as they are wide."""
    beside: bool = True
    """Whether the legend stands beside the panels where there is room, or else below them."""

    def draw(self, canvas: Canvas) -> None:
        """Draw title, panels and legend below what is there."""
        is_narrow = canvas.width < 1.5 * NARROW
        beside = LEGEND_WIDTH if self.legend and self.beside and not is_narrow else 0.0
        top = canvas.height
        if self.title:
            title = wrap(self.title, canvas.width / BOLD)
            canvas.text(0, top + LEADING / 2, title, bold=True)
            canvas.height += n_lines(title) * LEADING
        start = canvas.height
        n_columns = min(self.columns[is_narrow], len(self.panels))
        width = (canvas.width - beside) / n_columns
        for first in range(0, len(self.panels), n_columns):
            _draw_line(canvas, self.panels[first : first + n_columns], width, self.height)
        if beside:
            end = draw_legend(canvas, self.legend, canvas.width - beside + MARGIN, start + LEADING, beside - MARGIN)
            canvas.height = max(canvas.height, end)
        elif self.legend:
            canvas.height = draw_legend(canvas, self.legend, 0, canvas.height + 4, canvas.width)


def _draw_line(canvas: Canvas, panels: Sequence[Panel], width: float, height: float) -> None:
    """Draw panels side by side, each with its head and names of its places."""
    heads = [wrap(panel.title, (width - MARGIN) / BOLD) if panel.title else "" for panel in panels]
    n_head = max(n_lines(head) if head else 0 for head in heads)
    has_label = any(panel.y.label for panel in panels)
    top = canvas.height + LEADING * (n_head + has_label) + 4
    bottom = top
    for number, (panel, head) in enumerate(zip(panels, heads, strict=True)):
        left, right = number * width + panel.margin, (number + 1) * width - MARGIN
        canvas.text(number * width, canvas.height + LEADING / 2, head, bold=True)
        canvas.text(number * width, top - 4 - LEADING / 2, panel.y.label, colour=FAINT)
        area = Area(canvas, panel, left, top, right - left, height or right - left)
        bottom = max(bottom, area.draw())
    canvas.height = bottom


@dataclass(frozen=True)
class Area:
    """The place of a panel on paper."""

    canvas: Canvas
    panel: Panel
    left: float
    top: float
    width: float
    height: float

    def at(self, x: float, y: float) -> Point:
        """Return the place of a point on paper."""
        return (
            self.left + self.width * self.panel.x.at(x),
            self.top + self.height * (1 - self.panel.y.at(y)),
        )

    def draw(self) -> float:
        """Draw the panel and return where it ends."""
        canvas, panel = self.canvas, self.panel
        for first, last, colour in panel.bands:
            start, end = self.at(first, panel.y.low)[0], self.at(last, panel.y.low)[0]
            canvas.box(start, self.top, end - start, self.height, colour)
        for left, right, low, high, colour in panel.shades:
            (x, bottom), (end, y) = self.at(left, low), self.at(right, high)
            canvas.box(x, y, end - x, bottom - y, colour)
        bottom = self.draw_axes()
        for value, look in panel.rules:
            y = self.at(panel.x.low, value)[1]
            canvas.line([(self.left, y), (self.left + self.width, y)], look.colour, look.width, look.dash or "")
        for series in panel.series:
            self.draw_series(series)
        for across, up, text in panel.notes:
            x, y = self.left + across * self.width, self.top + (1 - up) * self.height
            canvas.box(x - (across > 0.5) * text_width(text) - 1, y - 8, text_width(text) + 2, 15, "#ffffff")
            canvas.text(x, y, text, "end" if across > 0.5 else "start", bold=True)
        return bottom

    def draw_axes(self) -> float:
        """Draw grid, ticks and the label of x, and return where they end."""
        canvas, x, y = self.canvas, self.panel.x, self.panel.y
        right, bottom = self.left + self.width, self.top + self.height
        for value, name in y.shown(5):
            place = self.at(x.low, value)[1]
            canvas.line([(self.left, place), (right, place)], GRID, 0.6)
            canvas.text(self.left - 4, place, name, "end")
        names = x.shown(max(2, int(self.width / 42)))
        for value, name in names:
            place = self.at(value, y.low)[0]
            canvas.line([(place, bottom), (place, bottom + 3)], FAINT, 0.6)
            canvas.text(place, bottom + 10, name, "middle")
        canvas.line([(self.left, self.top), (self.left, bottom), (right, bottom)], FAINT, 0.8)
        end = bottom + 6 + LEADING * max((n_lines(name) for _, name in names), default=0)
        label = wrap(x.label, self.width + self.panel.margin) if x.label else ""
        canvas.text((self.left + right) / 2, end + LEADING / 2, label, "middle", colour=FAINT)
        return end + LEADING * (n_lines(label) if label else 0) + 4

    def draw_series(self, series: Series) -> None:
        """Draw the line, intervals and markers of a row."""
        look, points = series.look, [self.at(*point) for point in series.points]
        if look.dash is not None and len(points) > 1:
            self.canvas.line(points, look.colour, look.width, look.dash)
        for x, low, high in series.intervals:
            self.canvas.line([self.at(x, low), self.at(x, high)], look.colour, 1.2, "2 1.5" * look.is_open)
        if look.marker:
            start, step = series.every
            for x, y in points[start::step]:
                self.canvas.marker(x, y, look.marker, look.colour, look.fill, look.radius)


def draw_legend(canvas: Canvas, items: Sequence[tuple[str, Look]], left: float, top: float, width: float) -> float:
    """Draw samples with their names, side by side where there is room, and return where they end."""
    texts = [wrap(label, width - SAMPLE) for label, _ in items]
    widest = max(map(text_width, texts)) + SAMPLE + 2 * MARGIN
    n_columns = max(1, min(int(width / widest), len(items)))
    for first in range(0, len(items), n_columns):
        for column, (text, (_, look)) in enumerate(
            zip(texts[first:], items[first : first + n_columns], strict=False)
        ):
            x, y = left + column * width / n_columns, top + LEADING / 2
            draw_sample(canvas, x, y, look)
            canvas.text(x + SAMPLE, y, text)
        top += LEADING * max(map(n_lines, texts[first : first + n_columns])) + 2
    return top


def draw_sample(canvas: Canvas, x: float, y: float, look: Look) -> None:
    """Draw how a row looks, in front of its name."""
    if look.is_band:
        canvas.box(x, y - 5, SAMPLE - 8, 10, look.colour)
    if look.dash is not None:
        canvas.line([(x, y), (x + SAMPLE - 8, y)], look.colour, look.width, look.dash)
    if look.marker:
        canvas.marker(x + SAMPLE / 2 - 4, y, look.marker, look.colour, look.fill, look.radius)


def compared(
    title: str, places: Axis, rows: Sequence[Series], gains: Sequence[Series], names: tuple[str, str]
) -> Panels:
    """Return a panel of a metric, and one of differences, over the same places.

    The first of the rows is the model alone. Differences are set apart, so that the bars of several rows can be
    told apart. The names are those of the metric and of the difference.
    """
    right = [shifted(series, 0.06 * (number - (len(gains) - 1) / 2)) for number, series in enumerate(gains)]
    values = (y for series in rows for _, y in series.points)
    panels = (
        Panel(places, around(names[0], values, zero=True), tuple(rows)),
        Panel(places, of_differences(names[1], right), tuple(right), rules=ZERO),
    )
    return Panels(panels, tuple((series.label, series.look) for series in rows), title)


def of_differences(label: str, series: Iterable[Series]) -> Axis:
    """Return an axis for differences and their intervals, with 0 on it."""
    each = list(series)
    ends = [end for one in each for _, *interval in one.intervals for end in interval]
    low_or_high = [0.0, *(y for one in each for _, y in one.points), *ends]
    return around(label, low_or_high)


def shifted(series: Series, by: float) -> Series:
    """Return a row moved to the right."""
    return replace(
        series,
        points=tuple((x + by, y) for x, y in series.points),
        intervals=tuple((x + by, low, high) for x, low, high in series.intervals),
    )
