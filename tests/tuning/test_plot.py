"""The plot of a search: its numbers, and what is drawn of them."""

import pytest

from corecbench.api import Choices, Search
from corecbench.tuning.plot import Course, Point, chart, prepare

POINTS = (
    Point(0, 0.1, "complete", {"m.rate": 0.01, "m.size": 64, "m.layers": 2}),
    Point(1, 0.3, "out of time", {"m.rate": 0.02, "m.size": 128, "m.layers": 1}),
    Point(2, 0.2, "pruned", {"m.rate": 0.05, "m.size": 64, "m.layers": 3}),
)
SPACES = {"m.rate": Search(0.001, 0.1, log=True), "m.size": Choices((64, 128, 256)), "m.layers": Search(1, 3)}


@pytest.fixture
def panels():
    """The panels of a search of three settings."""
    over, below = chart(Course("A search", "caption", POINTS, 1, SPACES)).bodies
    return (*over.panels, *below.panels)


def test_there_are_axes_for_the_trials_and_for_each_setting(panels):
    assert [panel.title for panel in panels] == ["", "rate", "size", "layers"]


def test_the_line_is_the_best_so_far(panels):
    assert panels[0].series[0].points == ((0, 0.1), (1, 0.1), (1, 0.3), (2, 0.3), (2, 0.3))


def test_axes_show_all_that_was_searched(panels):
    _, rate, size, layers = panels
    assert rate.x.low < 0.001 < 0.1 < rate.x.high
    assert [name for _, name in size.x.ticks] == ["64", "128", "256"]
    assert layers.x.low < 1 < 3 < layers.x.high


def test_the_best_trial_has_a_colour_of_its_own_and_comes_last(panels):
    colours = [series.look.colour for series in panels[2].series]
    assert (len(set(colours)), colours.count(colours[-1])) == (3, 1)


def test_there_is_no_plot_before_the_first_epoch(search):
    assert prepare(search, []) is None
