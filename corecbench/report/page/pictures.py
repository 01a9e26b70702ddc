"""The plots as pictures of the page, each drawn wide and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from corecbench.report.page.blocks import Folded, Picture, Text
from corecbench.report.page.grids import number_of
from corecbench.report.plots.canvas import NARROW, WIDE, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.report.page.blocks import Block
    from corecbench.report.plots.chart import Chart
    from corecbench.report.plots.registry import Prepared

MOST_PAGES = 4
"""Of a plot of more pages only the first is shown: hundreds of rows make dozens, which nobody looks through."""


def plot_blocks(plots: Sequence[Prepared], kinds: Sequence[str], dataset: str | None = None) -> list[Block]:
    """Return the plots of some kinds, or why they are missing, in the order of the kinds.

    Of each plot the first page is seen at once; further ones are folded.
    """
    blocks: list[Block] = []
    for kind in kinds:
        for plot in plots:
            if (plot.kind, plot.dataset) == (kind, dataset):
                blocks += _pages(plot)
    return blocks


def _pages(plot: Prepared) -> list[Block]:
    if plot.reason is not None:
        return [Text(f"No plot {plot.name}: {plot.reason}.", is_note=True)]
    first, *more = plot.pages
    if len(plot.pages) > MOST_PAGES:
        shown = f"The first of the {len(plot.pages)} pages of this plot"
        left_out = Text(f"{shown}; `corecbench report --plots` draws all of them.", is_note=True)
        return [picture(first), left_out]
    folded = Folded(f"{number_of(len(more), 'more page')} of this plot", [picture(chart) for chart in more])
    return [picture(first), folded] if more else [picture(first)]


def picture(chart: Chart) -> Picture:
    """Return a plot drawn for both kinds of screens."""
    wide, narrow = (
        Markup(to_svg(chart.on(width), chart.words, kind))  # noqa: S704  # `to_svg` escapes all text
        for width, kind in ((WIDE, "wide"), (NARROW, "narrow"))
    )
    return Picture(chart.title, wide, narrow, chart.caption)
