"""The look of plots, and their way into files. matplotlib is imported only when something is drawn."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from corecbench.report.wording import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.0
"""Inches: two columns of a paper."""
FONT_SIZE, TITLE_SIZE = 8.0, 9.5
DPI = 200
PALETTE = 64
"""Number of colours of a picture within a page."""
MINUS = "\N{MINUS SIGN}"
INK, FAINT = "#000000", "#767676"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's, told apart by the colour-blind, without black, which is a model alone, and yellow, too pale."""
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1, 1)),
    (0, (4, 1, 1, 1)),
    (0, (8, 2)),
    (0, (2, 2)),
    (0, (6, 1, 1, 1, 1, 1)),
)
"""The i-th of several rows has the i-th colour, marker and dashes, so that rows can be told apart in grey."""
SVG_METADATA = {"Date": None, "Creator": None}
SIDE_COLOURS = {"domain": COLOURS[0], "llm": COLOURS[1], "ensemble": COLOURS[2]}
SIDE_MARKERS = {"domain": "o", "llm": "s", "ensemble": "^"}
SIDE_NAMES = {"domain": "domain model", "llm": "LLM", "ensemble": "ensemble"}

STYLE: dict[str, Any] = {
    "axes.grid": True,
    "axes.labelsize": FONT_SIZE,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": FONT_SIZE,
    "axes.titley": 1.0,  # found each time otherwise, from the sizes of all labels
    "axes.axisbelow": True,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": FONT_SIZE,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.5,
    "legend.fontsize": FONT_SIZE,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
    "savefig.dpi": DPI,
    "svg.fonttype": "path",
    "svg.hashsalt": "corecbench",
    "text.parse_math": False,  # names may have a $ in them
    "text.usetex": False,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of corecbench, whatever the user's own settings are."""
    import matplotlib.style

    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # of names in other scripts
        yield


def figure(height: float, title: str, caption: str) -> Figure:
    """Return an empty figure of the width of a page, to be drawn on within `style`.

    Args:
        height: inches, without title and caption.
        title: the title of the plot.
        caption: the text below the axes that a reader needs to judge the plot.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    title = wrap(title, int(WIDTH * 12))
    caption = wrap(caption, int(WIDTH * 16))
    n_lines = title.count("\n") + caption.count("\n") + 2
    size = WIDTH, round(height + 0.16 * n_lines + 0.15, 2)
    layout = ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.05, wspace=0.02, hspace=0.02)
    made = Figure(figsize=size, dpi=DPI, layout=layout)
    made.suptitle(title, x=0.008, ha="left", fontsize=TITLE_SIZE, fontweight="bold", linespacing=1.3)
    made.supxlabel(caption, x=0.008, ha="left", fontsize=FONT_SIZE, linespacing=1.3)
    return made


def wrap(text: str, width: int) -> str:
    r"""Return text in lines of at most so many characters, without control characters.

    >>> wrap("a b\tc", 4)
    'a b\nc'
    """
    return "\n".join(textwrap.wrap(plain(text), width, break_on_hyphens=False)) or " "


def plain(text: str) -> str:
    r"""Return text in one line; a name with an underscore in front, which a legend leaves out, is moved by a blank.

    >>> plain("a\nb"), plain("_hidden")
    ('a b', ' _hidden')
    """
    line = one_line(text)
    return f" {line}" if line.startswith("_") else line


def save(made: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as SVG and PNG, the same bytes each time, and return the files."""
    paths = [folder / f"{name}.{suffix}" for suffix in ("svg", "png")]
    _settle(made)
    for path, metadata in zip(paths, (SVG_METADATA, {"Software": None}), strict=True):
        made.savefig(path, metadata=metadata)
    return paths


def to_png(made: Figure, dpi: int) -> bytes:
    """Return a figure as PNG with a palette of its own, the same bytes each time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    made.set_dpi(dpi)  # first, because letters are wider or narrower at another size
    _settle(made)
    drawing, png = FigureCanvasAgg(made), io.BytesIO()
    drawing.draw()
    pixels = Image.frombuffer("RGBA", drawing.get_width_height(), drawing.buffer_rgba(), "raw", "RGBA", 0, 1)
    # quick, and it keeps the colours of small marks, which the median cut mixes
    few = pixels.convert("RGB").quantize(PALETTE, Image.Quantize.FASTOCTREE)
    few.putpalette([255 if value == 254 else value for value in few.getpalette() or []])  # paper stays white
    few.save(png, "png", compress_level=6)
    return png.getvalue()


def _settle(made: Figure) -> None:
    """Do the layout once for both files, and round it, because its solver leaves different noise each time."""
    layout = made.get_layout_engine()
    if layout is not None:
        layout.execute(made)
    made.set_layout_engine(None)  # not "none": with any engine, matplotlib draws twice for each file
    for axes in made.axes:
        left, bottom, width, height = (round(float(each), 5) for each in axes.get_position(original=True).bounds)
        axes.set_position((left, bottom, width, height))
    for text in made.texts:
        x, y = (round(float(each), 5) for each in text.get_position())
        text.set_position((x, y))


def log_ticks(axis: Any, low: float, high: float, zero: bool = False) -> None:
    """Label a logarithmic axis with plain numbers, and 0 if it has a place."""
    from matplotlib.ticker import NullFormatter, NullLocator

    places = ([0.0] if zero else []) + round_numbers(low, high)
    axis.set_ticks(places, [short(place) for place in places])
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(NullLocator())


def short(number: float) -> str:
    """Return a round number in few characters.

    >>> short(0.5), short(200.0), short(10_000.0)
    ('0.5', '200', '10k')
    """
    return f"{number / 1000:.10g}k" if number >= 1000 else f"{number:.10g}"


def round_numbers(low: float, high: float) -> list[float]:
    """Return the powers of ten between two numbers above 0, and 2 and 5 times these if there are few.

    >>> round_numbers(3.0, 60.0), round_numbers(0.5, 3000.0)
    ([5.0, 10.0, 20.0, 50.0], [1.0, 10.0, 100.0, 1000.0])
    """
    steps = (1, 2, 5) if high < 100 * low else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    places = [float(f"{step}e{power}") for power in powers for step in steps]
    return [place for place in places if low <= place <= high]


def title_row(first: Axes, second: Axes, title: str) -> None:
    """Write a title over two axes."""
    for axes in (first, second):
        axes.set_title(" ")  # keeps the height; a title itself would push the axes apart, if it is long
    place: dict[str, Any] = {"xycoords": "axes fraction", "xytext": (0, 6), "textcoords": "offset points"}
    first.annotate(plain(title), (0, 1), fontweight="bold", **place).set_in_layout(False)


LEGEND_WIDTH = 25
"""Characters of a line of a legend beside axes."""


def legend_height(labels: Sequence[str]) -> float:
    """Return how high such a legend is, in inches."""
    n_lines = sum(1 + wrap(text, LEGEND_WIDTH).count("\n") for text in labels)
    return (9.8 * n_lines + 4.0 * len(labels)) / 72


def legend_beside(axes: Axes, handles: list[Any], labels: Sequence[str]) -> None:
    """Put a legend into axes of its own."""
    axes.axis("off")
    axes.legend(
        handles,
        [wrap(text, LEGEND_WIDTH) for text in labels],
        loc="upper left",
        borderaxespad=0,
        borderpad=0,
        labelspacing=0.5,
        handlelength=2.6,
        alignment="left",
    )
