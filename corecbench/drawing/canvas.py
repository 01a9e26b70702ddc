"""Paper to draw plots on, and the two ways off it: SVG for the page and files, and PNG.

Sizes are pixels of CSS from the top left. A drawing is a list of marks, so that SVG needs no plotting library.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from corecbench.toolkit.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]
WIDE, NARROW = 720.0, 360.0
"""The width of a plot in a paper and on a screen, and on a phone."""
FONT_SIZE, TITLE_SIZE, LEADING = 11.0, 13.0, 14.0
"""The height of letters, that of a title's, and the distance of two lines."""
FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
MARGIN = 8.0
"""The distance of two things side by side."""
DPI = 200
BOLD = 1.1
"""How much wider bold letters are."""
MINUS = "\N{MINUS SIGN}"
INK, FAINT, GRID, STRIPE = "#000000", "#6b6b6b", "#e3e3e3", "#efefef"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, told apart by the colour-blind, without black, which is a model alone, and yellow, too pale."""
MARKERS = "os^DvP"
DASHES = ("", "6 2", "1.5 1.5", "5 1.5 1.5 1.5", "10 3", "3 3", "7 1.5 1.5 1.5 1.5 1.5")
"""The i-th of several rows has the i-th colour, marker and dashes, so that rows can be told apart in grey."""
DASHED = DASHES[5]
SIDE_COLOURS = {"domain": COLOURS[0], "llm": COLOURS[1], "ensemble": COLOURS[2]}
SIDE_MARKERS = {"domain": "o", "llm": "s", "ensemble": "^"}
SIDE_NAMES = {"domain": "domain model", "llm": "LLM", "ensemble": "ensemble"}
SHAPES: dict[str, Sequence[Point]] = {
    "s": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "^": ((0, -1.1), (1.1, 0.9), (-1.1, 0.9)),
    "v": ((0, 1.1), (1.1, -0.9), (-1.1, -0.9)),
    "D": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    "P": tuple(
        (x * sign, y * sign)
        for sign in (1, -1)
        for x, y in ((-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4))
    ),
    "x": ((-1, -1), (0, -0.3), (1, -1), (0.3, 0), (1, 1), (0, 0.3), (-1, 1), (-0.3, 0)),
}
"""The corners of each marker of radius 1; "o" is a circle."""
LETTERS = {"iljI.,:;'|! ": 0.34, 'ftr()[]/-"': 0.41, "mwMW%@": 0.92}
"""Letters narrower or wider than others, and their width in DejaVu Sans, the widest of the fonts."""


@dataclass(frozen=True)
class Lines:
    """Lines, or areas if they are filled."""

    fill: str
    stroke: str
    width: float
    dash: str
    parts: list[Sequence[Point]] = field(compare=False)


@dataclass(frozen=True)
class Circle:
    """A circle."""

    x: float
    y: float
    radius: float
    fill: str
    stroke: str


@dataclass(frozen=True)
class Text:
    """A line of text; `y` is the middle of its letters."""

    x: float
    y: float
    text: str
    anchor: Anchor
    bold: bool
    colour: str
    size: float


class Canvas:
    """Marks on paper of a width, beside margins; its height is that of what is drawn."""

    def __init__(self, width: float, height: float = 0.0, margin: float = 0.0) -> None:
        self.width, self.height, self.margin = width, height, margin
        self.marks: list[Lines | Circle | Text] = []

    def line(
        self, points: Sequence[Point], colour: str = INK, width: float = 1, dash: str = "", fill: str = "none"
    ) -> None:
        """Draw lines between points, and fill what they surround. Those of one look after another are one mark."""
        drawn = Lines(fill, colour, width, dash, [points])
        if self.marks and self.marks[-1] == drawn:
            self.marks[-1].parts.append(points)
        else:
            self.marks.append(drawn)

    def box(self, x: float, y: float, width: float, height: float, fill: str, edge: str = "none") -> None:
        """Draw a rectangle."""
        corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y))
        self.line(corners, edge, 1, "", fill)

    def marker(self, x: float, y: float, shape: str, colour: str, fill: str, radius: float = 3.2) -> None:
        """Draw a marker, one of SHAPES or a circle."""
        if shape == "o":
            self.marks.append(Circle(x, y, radius, fill, colour))
        else:
            corners = [(x + radius * dx, y + radius * dy) for dx, dy in SHAPES[shape]]
            self.line([*corners, corners[0]], colour, 1.1, "", fill)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        anchor: Anchor = "start",
        bold: bool = False,
        colour: str = INK,
        size: float = FONT_SIZE,
    ) -> None:
        """Write text, one line below the other; `y` is the middle of the first one."""
        for number, line in enumerate(text.split("\n")):
            if line.strip():
                place = y + number * LEADING * size / FONT_SIZE
                self.marks.append(Text(x, place, line, anchor, bold, colour, size))


# --- text ---------------------------------------------------------------------------------------------------------


def text_width(text: str, size: float = FONT_SIZE) -> float:
    """Return about how wide the widest line of a text is, in any usual font at most."""
    return size * max(sum(map(_letter_width, line)) for line in text.split("\n"))


@functools.cache
def _letter_width(letter: str) -> float:
    known = next((width for letters, width in LETTERS.items() if letter in letters), None)
    return known or (1.0 if letter >= "\u2e80" else 0.72 if letter.isupper() else 0.64)


def wrap(text: str, width: float, size: float = FONT_SIZE) -> str:
    r"""Return text in lines of at most so many pixels, without control characters.

    >>> wrap("an item\ta word", 50.0)
    'an item\na word'
    """
    lines = [""]
    for word in one_line(text).split():
        if lines[-1] and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
            continue
        rest = word
        while rest:
            fits = next(n for n in range(len(rest), 0, -1) if n == 1 or text_width(rest[:n], size) <= width)
            lines.append(rest[:fits])
            rest = rest[fits:]
    return "\n".join(lines[1:]) or " "


def n_lines(text: str) -> int:
    """Return the number of lines of a text."""
    return 1 + text.count("\n")


# --- files --------------------------------------------------------------------------------------------------------


def to_svg(canvas: Canvas, words: str, kind: str = "", whole: bool = False) -> str:
    """Return a drawing as SVG: part of a page, without any style of its own, or else a whole file on white paper.

    `words` say what it shows to those who do not see it; `kind` is the class of the element.
    """
    left, width, height = f"{-canvas.margin:g}", f"{canvas.width + 2 * canvas.margin:g}", f"{canvas.height:.0f}"
    said = f'role="img" aria-label="{escape(one_line(words))}"'
    start = f'viewBox="{left} 0 {width} {height}" width="{width}" height="{height}" {said}'
    name = 'xmlns="http://www.w3.org/2000/svg"' if whole else f'class="{kind}"'
    paper = f'<rect x="{left}" width="{width}" height="{height}" fill="#ffffff"/>' if whole else ""
    font = f'font-family="{FONT}" font-size="{FONT_SIZE:g}"'
    return f"<svg {name} {start} {font}>{paper}{''.join(map(_element, canvas.marks))}</svg>"


def _element(mark: Lines | Circle | Text) -> str:
    if isinstance(mark, Circle):
        place = f'cx="{mark.x:.1f}" cy="{mark.y:.1f}" r="{mark.radius:g}"'
        return f'<circle {place} fill="{mark.fill}" stroke="{mark.stroke}"/>'
    if isinstance(mark, Lines):
        d = "".join(map(_steps, mark.parts))
        dash = f' stroke-dasharray="{mark.dash}"' if mark.dash else ""
        line = "" if mark.stroke == "none" else f' stroke="{mark.stroke}" stroke-width="{mark.width:g}"{dash}'
        return f'<path d="{d}" fill="{mark.fill}"{line}/>'
    x, y = f"{mark.x:.1f}", f"{mark.y:.1f}"
    look = [f'x="{x}" y="{y}" dy=".35em"']
    look += [f'text-anchor="{mark.anchor}"'] if mark.anchor != "start" else []
    look += ['font-weight="bold"'] if mark.bold else []
    look += [f'fill="{mark.colour}"'] if mark.colour != INK else []
    look += [f'font-size="{mark.size:g}"'] if mark.size != FONT_SIZE else []
    return f"<text {' '.join(look)}>{escape(mark.text)}</text>"


def _steps(points: Sequence[Point]) -> str:
    """Return lines as SVG has them in few letters: the first point, and from each point the way to the next one."""
    tenths = [(round(10 * x), round(10 * y)) for x, y in points]
    steps = [(end[0] - start[0], end[1] - start[1]) for start, end in pairwise(tenths)]
    is_closed = len(tenths) > 2 and tenths[0] == tenths[-1]
    first, *rest = (f"{x / 10:g} {y / 10:g}" for x, y in [tenths[0], *(steps[:-1] if is_closed else steps)])
    return f"M{first}l{' '.join(rest).replace(' -', '-')}{'z' * is_closed}"


def save(canvas: Canvas, words: str, folder: Path, name: str) -> list[Path]:
    """Write a drawing as SVG and PNG, the same bytes each time, and return the files."""
    svg, png = (folder / f"{name}.{suffix}" for suffix in ("svg", "png"))
    svg.write_text(to_svg(canvas, words, whole=True) + "\n", encoding="utf-8", newline="\n")
    _write_png(canvas, png)
    return [svg, png]


def _write_png(canvas: Canvas, path: Path) -> None:
    """Write a drawing with matplotlib, which is imported for nothing else."""
    import warnings

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle as Disc
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Curve

    points = 72 / 96  # of a printer, in a pixel of CSS
    left, right = -canvas.margin, canvas.width + canvas.margin
    made = Figure(figsize=((right - left) / 96, canvas.height / 96), dpi=DPI)
    FigureCanvasAgg(made)
    axes = made.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(canvas.height, 0))
    axes.axis("off")
    for mark in canvas.marks:
        if isinstance(mark, Circle):
            axes.add_patch(
                Disc((mark.x, mark.y), mark.radius, facecolor=mark.fill, edgecolor=mark.stroke, lw=points)
            )
        elif isinstance(mark, Text):
            axes.text(
                mark.x,
                mark.y,
                mark.text,
                ha={"start": "left", "middle": "center", "end": "right"}[mark.anchor],
                va="center_baseline",
                fontsize=mark.size * points,
                fontfamily="DejaVu Sans",
                weight="bold" if mark.bold else "normal",
                color=mark.colour,
                parse_math=False,
            )
        elif mark.fill == "none":
            dash = (0, [float(each) * points for each in mark.dash.split()]) if mark.dash else "-"
            for part in mark.parts:
                axes.add_line(Line2D(*zip(*part, strict=True), color=mark.stroke, lw=mark.width * points, ls=dash))
        else:
            shape = Curve.make_compound_path(*(Curve(part) for part in mark.parts))
            axes.add_patch(PathPatch(shape, facecolor=mark.fill, edgecolor=mark.stroke, lw=mark.width * points))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # of names in other scripts
        made.savefig(path, metadata={"Software": None})


# --- numbers ------------------------------------------------------------------------------------------------------


def round_numbers(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from one to another, at most so many.

    >>> round_numbers(-0.013, 0.02, 4), round_numbers(0.0, 50.0)
    ([-0.01, 0.0, 0.01, 0.02], [0.0, 10.0, 20.0, 30.0, 40.0, 50.0])
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    steps = (step * power for step in (1, 2, 5, 10, 20))
    step = next(step for step in steps if math.floor(high / step) - math.ceil(low / step) < most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def powers(low: float, high: float) -> list[float]:
    """Return the powers of ten between two numbers above 0, and 2 and 5 times these if there are few.

    >>> powers(3.0, 60.0), powers(0.5, 3000.0)
    ([5.0, 10.0, 20.0, 50.0], [1.0, 10.0, 100.0, 1000.0])
    """
    steps = (1, 2, 5) if high < 100 * low else (1,)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    places = [float(f"{step}e{exponent}") for exponent in exponents for step in steps]
    return [place for place in places if low <= place <= high]


def short(number: float) -> str:
    """Return a round number in few characters.

    >>> short(0.5), short(200.0), short(10_000.0)
    ('.5', '200', '10k')
    """
    size = abs(number)
    text = f"{size / 1000:.10g}k" if size >= 1000 else f"{size:.10g}".removeprefix("0") or "0"
    return MINUS + text if number < 0 else text
