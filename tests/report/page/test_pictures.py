"""Which pages of a plot the page shows, and how it says what it leaves out."""

from corecbench.report.page.blocks import Folded, Picture, Text
from corecbench.report.page.folding import MOST_STATED, stated
from corecbench.report.page.pictures import MOST_PAGES, plot_blocks
from corecbench.report.plots import registry
from corecbench.report.plots.registry import Plot, PlotOutcome

PICTURE = Picture("data:", "a plot", 1, 1)


def pages(n_drawn, left_out=0):
    return [PlotOutcome(f"gain-page{n}", "gain", None, PICTURE, None, left_out) for n in range(n_drawn)]


def drawn(n_pages):
    """Return the outcomes of a plot of so many pages within the limit of the page."""
    plot = Plot("many", lambda study: n_pages, lambda page: page, per_dataset=False, pages=range)
    return registry.draw(None, lambda name, figure: (name, figure), [plot], MOST_PAGES)


def test_the_first_page_is_seen_and_further_ones_are_folded():
    assert plot_blocks(pages(1), ["gain"]) == [PICTURE]
    assert plot_blocks(pages(3), ["gain"]) == [PICTURE, Folded("2 more pages of this plot", [PICTURE, PICTURE])]


def test_a_plot_of_few_pages_is_drawn_whole_and_of_many_the_first():
    assert [len(drawn(n_pages)) for n_pages in (1, 4, 5, 40)] == [1, 4, 1, 1]
    assert [outcome.left_out for outcome in drawn(40)] == [39]
    assert drawn(4)[0].left_out == 0


def test_what_is_not_drawn_is_said_with_the_command_that_draws_it():
    *_, text = plot_blocks(pages(1, left_out=39), ["gain"])
    said = "The first of the 40 pages of this plot; `corecbench report --plots` draws all of them."
    assert text == Text(said, is_note=True)


def test_a_plot_that_is_not_there_has_no_place():
    assert plot_blocks([], ["train-share"]) == []


def test_findings_after_the_first_ones_are_folded():
    few, many = list(range(MOST_STATED)), list(range(MOST_STATED + 1))
    assert [block.kind for block in stated(few)] == ["statements"]
    shown, more = stated(many)
    assert (len(shown.items), more.title, more.blocks[0].items) == (MOST_STATED, "1 more finding", many[-1:])
