"""The plots as pictures of the page."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from corecbench.report.page.blocks import Picture, Text
from corecbench.report.plots import canvas, registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from corecbench.report.page.blocks import Block
    from corecbench.report.plots.registry import PlotOutcome
    from corecbench.report.plots.study import Study

PIXELS_PER_INCH = 96
"""Pixels of CSS."""


def draw(study: Study) -> list[PlotOutcome[Picture]]:
    """Draw every plot of a benchmark, or state why it cannot be drawn."""
    return registry.draw(study, lambda name, figure: picture(figure))


def plot_blocks(
    outcomes: Sequence[PlotOutcome[Picture]], kinds: Sequence[str], dataset: str | None = None
) -> list[Block]:
    """Return the plots of some kinds, or why they are missing, in the order of the kinds."""
    chosen = [each for kind in kinds for each in outcomes if (each.kind, each.dataset) == (kind, dataset)]
    return [each.product or Text(f"No plot {each.name}: {each.reason}.", is_note=True) for each in chosen]


def picture(figure: Figure) -> Picture:
    """Return a figure as an SVG within the page; a data URI keeps its ids and styles apart from those of others."""
    svg = "\n".join(filter(None, map(str.strip, canvas.to_svg(figure).splitlines())))
    width, height = (round(PIXELS_PER_INCH * inches) for inches in figure.get_size_inches())
    words = f"{figure.get_suptitle()}. {figure.get_supxlabel()}".replace("\n", " ")
    data = base64.b64encode(svg.encode()).decode()
    return Picture(f"data:image/svg+xml;base64,{data}", words, width, height)
