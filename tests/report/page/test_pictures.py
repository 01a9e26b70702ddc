"""Which pages of a plot the page shows, and how it says what it leaves out."""

from corecbench.report.page.blocks import MOST_STATED, Folded, Text, stated
from corecbench.report.page.render import MOST_PAGES, picture, plot_blocks
from corecbench.report.plots.figure import Band, Chart
from corecbench.report.plots.registry import Prepared

CHART = Chart("title", "caption", [Band(())])
PICTURE = picture(CHART)


def pages(n_pages):
    return [Prepared("gain", None, [CHART] * n_pages)]


def test_the_first_page_is_seen_and_further_ones_are_folded():
    assert plot_blocks(pages(1), ["gain"]) == [PICTURE]
    assert plot_blocks(pages(3), ["gain"]) == [PICTURE, Folded("2 more pages of this plot", [PICTURE, PICTURE])]


def test_a_plot_of_few_pages_is_shown_whole_and_of_many_the_first():
    assert [len(plot_blocks(pages(n), ["gain"])) for n in (1, MOST_PAGES)] == [1, 2]
    first, _ = plot_blocks(pages(MOST_PAGES + 1), ["gain"])
    assert first == PICTURE


def test_what_is_not_drawn_is_said_with_the_command_that_draws_it():
    *_, text = plot_blocks(pages(40), ["gain"])
    said = "The first of the 40 pages of this plot; `corecbench report --plots` draws all of them."
    assert text == Text(said, is_note=True)


def test_a_plot_that_is_not_there_has_no_place():
    assert plot_blocks([], ["train-share"]) == []


def test_findings_after_the_first_ones_are_folded():
    few, many = list(range(MOST_STATED)), list(range(MOST_STATED + 1))
    assert [block.kind for block in stated(few)] == ["statements"]
    shown, more = stated(many)
    assert (len(shown.items), more.title, more.blocks[0].items) == (MOST_STATED, "1 more finding", many[-1:])
