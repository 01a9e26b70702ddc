"""Every plot is written, legible, the same each time, and whatever names it has."""

import itertools
import struct
import warnings
from xml.etree import ElementTree

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from corecbench.report.plots.figure import WIDTH, NothingToShow, to_svg
from corecbench.report.plots.registry import PLOTS, Plot, write

from .conftest import axes_of

DATASETS = ("ml-100k", "amazon-beauty")
STEMS = (
    "gain",
    *(f"{name}-{dataset}" for name in ("slices", "target-slices", "learning") for dataset in DATASETS),
    "critical-difference",
    "ledger-ml-100k",
)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def written(full, tmp_path_factory):
    return write(full, tmp_path_factory.mktemp("plots"))


def test_every_plot_is_written_twice(written):
    assert written.skipped == {"ledger-amazon-beauty": "no pair has a control"}
    names = [f"{stem}.{suffix}" for stem in STEMS for suffix in ("svg", "png")]
    assert [path.name for path in written.paths] == names
    assert sorted(path.name for path in written.folder.iterdir()) == sorted(names)


def test_pictures_are_as_wide_as_two_columns_of_a_paper(written):
    for path in written.paths:
        if path.suffix == ".png":
            width, _ = struct.unpack(">II", path.read_bytes()[16:24])
            assert width == WIDTH * 200
        else:
            assert ElementTree.parse(path).getroot().get("viewBox").startswith(f"0 0 {WIDTH * 72:g} ")


def test_the_same_results_give_the_same_bytes(written, full, tmp_path):
    plots = [plot for plot in PLOTS if plot.name in ("learning", "slices")]
    again = write(full.on("ml-100k"), tmp_path, plots)
    assert len(again.paths) == 2 * 2
    for path in again.paths:
        assert path.read_bytes() == (written.folder / path.name).read_bytes()


def test_text_stays_text_and_a_drawing_describes_itself(written):
    root = ElementTree.parse(written.folder / "gain.svg").getroot()
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "sasrec + llama, bdlm" in texts
    assert "Gain in MRR of training together over training alone" in texts
    assert root.get("role") == "img"
    assert root.get("aria-label").startswith(
        "Gain in MRR of training together over training alone. ml-100k: 60 users"
    )


def test_a_page_may_forbid_styles_and_names_are_used_once(full):
    drawn = [to_svg(chart) for plot in PLOTS[1:3] for chart in plot.prepare(full.on("ml-100k"))]
    names = [element.get("id") for svg in drawn for element in ElementTree.fromstring(svg).iter()]
    known = [name for name in names if name is not None]
    assert known
    assert len(set(known)) == len(known)
    assert not any(part in svg for svg in drawn for part in ("style=", "<style", "<metadata", "http"))


def test_markup_in_names_is_shown_as_it_is(odd, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written = [
            write(odd, tmp_path, [plot for plot in PLOTS if not plot.per_dataset]),
            write(odd.on("to_y$s^2$/.."), tmp_path, [plot for plot in PLOTS if plot.per_dataset]),
        ]
    assert [found.skipped for found in written] == [{}, {}]
    paths = [path for found in written for path in found.paths]
    assert {path.parent for path in paths} == {tmp_path}
    assert len(paths) == 2 * len(PLOTS)
    for path in paths:
        if path.suffix == ".svg":
            ElementTree.parse(path)
    (axes,) = axes_of(PLOTS[0].prepare(odd)[0])
    texts = [text.get_text() for text in axes.texts]
    assert "to_y$s^2$/.." in texts
    assert any(text.startswith("_sas$rec$_{ + llama:some…") for text in texts)
    svg = (tmp_path / "gain.svg").read_text(encoding="utf-8")
    assert "<b>" not in svg
    assert "\x07" not in svg


def test_a_plot_that_cannot_be_drawn_is_skipped_with_a_reason(pair, tmp_path):
    def fail(study):
        raise ZeroDivisionError("a\nb")

    def nothing(study):
        raise NothingToShow("nothing here")

    (tmp_path / "broken.svg").write_text("of yesterday")
    (tmp_path / "empty.png").write_text("of yesterday")
    plots = [Plot("broken", fail, per_dataset=False), Plot("empty", nothing, per_dataset=False), PLOTS[0]]
    found = write(pair, tmp_path, plots)
    assert found.skipped == {"broken": "ZeroDivisionError: a b", "empty": "nothing here"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gain.png", "gain.svg"]


def test_pages_that_are_no_more_are_removed(pair, tmp_path):
    def plot(n_pages):
        return Plot("many", lambda study: PLOTS[0].prepare(study) * n_pages, per_dataset=False)

    (tmp_path / "many-page2-of-my-own.txt").write_text("kept")
    names = [
        [path.name for path in write(pair, tmp_path, [plot(n_pages)]).paths if path.suffix == ".svg"]
        for n_pages in (3, 1)
    ]
    assert names == [["many.svg", "many-page2.svg", "many-page3.svg"], ["many.svg"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many-page2-of-my-own.txt", "many.png", "many.svg"]


def boxes(figure):
    """The texts of a figure with their left, bottom, right and top, in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    beyond = {
        tick.label1
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    found = []
    for text in set(figure.findobj(Text)) - beyond:
        if text.get_visible() and text.get_text().strip() and text.get_window_extent(renderer).width:
            found.append((text.get_text(), *text.get_window_extent(renderer).extents))
    return found


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
@pytest.mark.parametrize("names", ["full", "crowded"])
def test_text_is_within_the_picture_and_covers_no_other(plot, names, request):
    study = request.getfixturevalue(names)
    for chart in plot.prepare(study.on(study.datasets[0]) if plot.per_dataset else study):
        with chart.drawn(with_words=True) as figure:
            drawn = boxes(figure)
            width, height = figure.bbox.size
        assert height / width < 1.5  # A4
        for text, left, bottom, right, top in drawn:
            assert min(left, bottom) >= -2, text
            assert right <= width + 2, text
            assert top <= height + 2, text
        covered = [
            (one[0], other[0])
            for one, other in itertools.combinations(drawn, 2)
            if min(one[3], other[3]) - max(one[1], other[1]) > 2
            and min(one[4], other[4]) - max(one[2], other[2]) > 2
        ]
        assert covered == []
        assert "60 users, seeds 0-1" in chart.caption


def test_a_metric_of_which_lower_is_better_is_said_to_be(make_study):
    study = make_study(
        ({"side": "domain", "domain": "a"}, {0: [2] * 6}),
        ({"side": "domain", "domain": "a", "llm": "b", "sharing": "c"}, {0: [1] * 6}),
        higher_is_better=False,
    )
    (axes,) = axes_of(PLOTS[0].prepare(study)[0])
    assert "left of 0: together is better" in axes.get_xlabel()
