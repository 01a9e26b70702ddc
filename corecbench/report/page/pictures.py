"""The plots as pictures of the page."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from corecbench.report.page.blocks import Folded, Picture, Text
from corecbench.report.page.folding import number_of
from corecbench.report.plots import canvas, registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from corecbench.report.page.blocks import Block
    from corecbench.report.plots.registry import PlotOutcome
    from corecbench.report.plots.study import Study

PIXELS_PER_INCH = 96
"""Pixels of CSS."""
SHARPNESS = 1.75
"""Pixels of a picture for each pixel of CSS."""
MOST_PAGES = 4
"""Of a plot of more pages only the first is drawn: hundreds of rows make dozens, which nobody looks through and
which take minutes."""


def draw(study: Study) -> list[PlotOutcome[Picture]]:
    """Draw every plot of a benchmark, of a long one the first page, or state why it cannot be drawn."""
    return registry.draw(study, lambda name, figure: picture(figure), most_pages=MOST_PAGES)


def plot_blocks(
    outcomes: Sequence[PlotOutcome[Picture]], kinds: Sequence[str], dataset: str | None = None
) -> list[Block]:
    """Return the plots of some kinds, or why they are missing, in the order of the kinds.

    Of each plot the first page is seen at once; further ones are folded.
    """
    blocks: list[Block] = []
    for kind in kinds:
        pages = [each for each in outcomes if (each.kind, each.dataset) == (kind, dataset)]
        if not pages:
            continue
        first, *more = [each.product or _missing(each) for each in pages]
        blocks.append(first)
        if more:
            blocks.append(Folded(f"{number_of(len(more), 'more page')} of this plot", more))
        if left_out := pages[0].left_out:
            shown = f"The first of the {left_out + 1} pages of this plot"
            blocks.append(Text(f"{shown}; `corecbench report --plots` draws all of them.", is_note=True))
    return blocks


def _missing(outcome: PlotOutcome[Picture]) -> Text:
    return Text(f"No plot {outcome.name}: {outcome.reason}.", is_note=True)


def picture(figure: Figure) -> Picture:
    """Return a figure as a picture within the page, with more pixels than CSS has, for sharp screens."""
    width, height = (round(PIXELS_PER_INCH * inches) for inches in figure.get_size_inches())
    words = f"{figure.get_suptitle()}. {figure.get_supxlabel()}".replace("\n", " ")
    data = base64.b64encode(canvas.to_png(figure, round(SHARPNESS * PIXELS_PER_INCH))).decode()
    return Picture(f"data:image/png;base64,{data}", words, width, height)
