"""The plot of a search: its numbers, and what is drawn of them."""

import pytest

from corecbench.api import Choices, Search
from corecbench.report.plots.canvas import style
from corecbench.tuning.plot import Course, Point, draw, prepare

POINTS = (
    Point(0, 0.1, "complete", {"m.rate": 0.01, "m.size": 64, "m.layers": 2}),
    Point(1, 0.3, "out of time", {"m.rate": 0.02, "m.size": 128, "m.layers": 1}),
    Point(2, 0.2, "pruned", {"m.rate": 0.05, "m.size": 64, "m.layers": 3}),
)
SPACES = {"m.rate": Search(0.001, 0.1, log=True), "m.size": Choices((64, 128, 256)), "m.layers": Search(1, 3)}


@pytest.fixture
def drawn():
    """Draw a search of three settings."""
    with style():
        made = draw(Course("A search", "caption", POINTS, 1, SPACES))
        made.draw_without_rendering()
        yield made


def test_there_are_axes_for_the_trials_and_for_each_setting(drawn):
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["", "rate", "size", "layers"]


def test_the_line_is_the_best_so_far(drawn):
    (line,) = [line for line in drawn.axes[0].lines if len(line.get_xdata()) == 3]
    assert list(line.get_ydata()) == [0.1, 0.3, 0.3]


def test_axes_show_all_that_was_searched(drawn):
    _, rate, size, layers = drawn.axes
    assert rate.get_xlim()[0] < 0.001 < 0.1 < rate.get_xlim()[1]
    assert [label.get_text() for label in size.get_xticklabels()] == ["64", "128", "256"]
    assert layers.get_xlim()[0] < 1 < 3 < layers.get_xlim()[1]


def test_the_best_trial_has_a_colour_of_its_own(drawn):
    colours = [line.get_color() for line in drawn.axes[2].lines]
    assert (len(set(colours)), colours.count(colours[-1])) == (3, 1)


def test_there_is_no_plot_before_the_first_epoch(search):
    assert prepare(search, []) is None
