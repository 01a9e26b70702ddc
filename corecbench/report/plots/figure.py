"""Plots before they are drawn, and how matplotlib draws them: SVG for the page and files, PNG for papers."""

from __future__ import annotations

import re
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from xml.etree import ElementTree

from corecbench.api import CorecbenchError
from corecbench.toolkit.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Panel = Callable[[Axes], None]
    """Draws on axes."""

Item = TypeVar("Item")
WIDTH, LEADING, LETTER = 7.5, 0.16, 0.064
"""The inches of a plot from left to right, from one line of text to the next, and of a letter in names."""
TITLE_LETTERS, CAPTION_LETTERS = 88, 128
"""The letters of a line of a title and of a caption."""
STYLE = Path(__file__).with_name("plots.mplstyle")
SVG = "http://www.w3.org/2000/svg"
FONTS = "DejaVu Sans, Verdana, sans-serif"
NUMBER = re.compile(r"-?\d+\.\d+")
USE = re.compile(r'(?:"|url\()#(\w+)')


class NothingToShow(CorecbenchError):  # noqa: N818 - an outcome, not a fault
    """There is nothing to plot; the message says why."""


@dataclass(frozen=True)
class Band:
    """Panels side by side; sizes are in inches."""

    panels: Sequence[Panel]
    height: float = 1.9
    left: float = 0.65
    """The room for names beside each panel."""
    right: float = 0.1
    """The room beside the last panel, such as for a legend."""
    top: float = 0.25
    bottom: float = 0.5
    n_columns: int = 1
    """The number of panels that have room."""
    has_one_scale: bool = False
    """Whether the panels have one axis of y."""

    def draw(self, figure: Figure, end: float) -> None:
        """Draw the panels below a height."""
        width, height = figure.get_size_inches()
        room = (width - self.right) / self.n_columns
        axes = None
        for column, panel in enumerate(self.panels):
            left, bottom = column * room + self.left, end - self.height + self.bottom
            size = (room - self.left) / width, (self.height - self.bottom - self.top) / height
            shared = axes if self.has_one_scale else None
            axes = figure.add_axes((left / width, bottom / height, *size), sharey=shared)
            panel(axes)


@dataclass(frozen=True)
class Chart:
    """A plot, or a page of one."""

    title: str
    caption: str
    """What a reader needs to judge the plot."""
    bands: Sequence[Band]

    @property
    def words(self) -> str:
        return one_line(f"{self.title}. {self.caption}")

    @contextmanager
    def drawn(self, with_words: bool = False) -> Iterator[Figure]:
        """Draw the plot; with title and caption for those who see it without a page around it."""
        import warnings

        import matplotlib.style
        from matplotlib.figure import Figure

        title, caption = fill(self.title, TITLE_LETTERS), fill(self.caption, CAPTION_LETTERS)
        above, below = (1.3 * height_of(title), height_of(caption)) if with_words else (0.0, 0.0)
        height = above + sum(band.height for band in self.bands) + below
        looks: list[str | Path | dict[str, Any]] = [
            STYLE,
            {"svg.hashsalt": self.title},
        ]  # so that no two plots of a page share an id
        with matplotlib.style.context(looks, after_reset=True), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")  # of names in other scripts
            figure = Figure(figsize=(WIDTH, height))
            end = height - above
            for band in self.bands:
                band.draw(figure, end)
                end -= band.height
            if with_words:
                figure.text(0.01, 1 - above / 2 / height, title, va="center", weight="bold", size="large")
                figure.text(0.01, (below - 0.06) / height, caption, va="top")
            yield figure


def fill(text: str, letters: int) -> str:
    return textwrap.fill(one_line(text), letters)


def height_of(text: str) -> float:
    return LEADING * (1.5 + text.count("\n"))


def charts(title: str, caption: str, bands: Sequence[Band], most: int) -> list[Chart]:
    return [Chart(title + page, caption, part) for page, part in paged(bands, most)]


def evenly(items: Sequence[Item], most: int) -> list[Sequence[Item]]:
    """Items in as few parts as there can be of at most so many, of nearly the same size.

    >>> evenly("abcdefg", 3)
    ['abc', 'de', 'fg']
    """
    n_parts = -(-len(items) // most)
    ends = [-(-len(items) * part // n_parts) for part in range(n_parts + 1)]
    return [items[start:end] for start, end in pairwise(ends)]


def paged(items: Sequence[Item], most: int) -> Iterator[tuple[str, Sequence[Item]]]:
    """Yield the items of each page, and the end of its title.

    >>> list(paged("abc", 2)), list(paged("ab", 2))
    ([(' (1/2)', 'ab'), (' (2/2)', 'c')], [('', 'ab')])
    """
    parts = evenly(items, most)
    for place, part in enumerate(parts, start=1):
        yield (f" ({place}/{len(parts)})" if len(parts) > 1 else ""), part


# --- files --------------------------------------------------------------------------------------------------------


def to_svg(chart: Chart) -> str:
    with chart.drawn() as figure:
        return _svg(chart, figure)


def save(chart: Chart, folder: Path, name: str) -> list[Path]:
    svg, png = (folder / f"{name}.{suffix}" for suffix in ("svg", "png"))
    with chart.drawn(with_words=True) as figure:
        svg.write_text(_svg(chart, figure, xmlns=SVG) + "\n", encoding="utf-8", newline="\n")
        figure.savefig(png, metadata={"Software": None})
    return [svg, png]


def _svg(chart: Chart, figure: Figure, **of_root: str) -> str:
    """A drawing with attributes in place of styles, which the policy of a page forbids, and in fewer letters."""
    file = StringIO()
    figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    root = ElementTree.fromstring(file.getvalue())  # noqa: S314  # matplotlib wrote it
    used = set(USE.findall(file.getvalue()))
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{SVG}}}")
        styles = dict(each.split(": ", 1) for each in element.attrib.pop("style", "").split("; ") if each)
        known = {**element.attrib, **styles}
        element.attrib = {
            name.rpartition("}")[2]: NUMBER.sub(lambda number: f"{float(number[0]):.4g}", " ".join(value.split()))
            for name, value in known.items()
            if name != "font-family" and (name != "id" or value in used)
        }
        element.text, element.tail = ((each or "").strip("\n ") for each in (element.text, element.tail))
    root.remove(root[0])  # a style for all of a page
    drawing = {"role": "img", "aria-label": chart.words, "font-family": FONTS, "stroke-linejoin": "round"}
    root.attrib = {**of_root, "viewBox": root.attrib["viewBox"], **drawing}
    return ElementTree.tostring(root, encoding="unicode")
