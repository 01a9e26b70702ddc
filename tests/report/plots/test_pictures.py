"""Every plot is written, legible, the same each time, and whatever names it has."""

import itertools
import struct
import warnings
from xml.etree import ElementTree

import pytest

from corecbench.drawing import canvas
from corecbench.drawing.chart import Chart, NothingToShow
from corecbench.drawing.forest import Forest, Group, Line
from corecbench.report.plots.registry import PLOTS, Plot, write

DATASETS = ("ml-100k", "amazon-beauty")
STEMS = (
    "gain",
    *(f"{name}-{dataset}" for name in ("slices", "target-slices", "cutoffs", "learning") for dataset in DATASETS),
    "critical-difference",
    *(f"cost-{dataset}" for dataset in DATASETS),
    *("rank-change-ml-100k", "rank-change-ml-100k-page2", "rank-change-amazon-beauty"),
    *(f"pairs-{dataset}" for dataset in DATASETS),
    "ledger-ml-100k",
)


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
            assert width == canvas.WIDE / 96 * canvas.DPI
        else:
            assert ElementTree.parse(path).getroot().get("width") == "720"


def test_the_same_results_give_the_same_bytes(written, full, tmp_path):
    plots = [plot for plot in PLOTS if plot.name in ("learning", "cost")]
    again = write(full.on("ml-100k"), tmp_path, plots)
    assert len(again.paths) == 2 * 2
    for path in again.paths:
        assert path.read_bytes() == (written.folder / path.name).read_bytes()


def boxes(drawn):
    """Return the texts of a drawing with their left, top, right and bottom."""
    found = []
    for mark in drawn.marks:
        if isinstance(mark, canvas.Text):
            width = canvas.text_width(mark.text, mark.size) * (canvas.BOLD if mark.bold else 1)
            left = mark.x - {"start": 0, "middle": width / 2, "end": width}[mark.anchor]
            found.append((mark.text, left, mark.y - mark.size / 2, left + width, mark.y + mark.size / 2))
    return found


@pytest.mark.parametrize("width", [canvas.WIDE, canvas.NARROW])
@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
@pytest.mark.parametrize("names", ["full", "odd"])
def test_text_is_legible_and_within_the_picture(plot, names, width, request):
    study = request.getfixturevalue(names)
    for chart in plot.prepare(study.on(study.datasets[0]) if plot.per_dataset else study):
        drawn = chart.with_words(width)
        assert min(mark.size for mark in drawn.marks if isinstance(mark, canvas.Text)) >= 8
        for text, left, top, right, bottom in boxes(drawn):
            assert left >= -2, text
            assert right <= drawn.width + 2, text
            assert top >= 0, text
            assert bottom <= drawn.height, text
        assert any(word in chart.title for word in ("NDCG", "MRR", "rank"))
        assert "60 users, seeds 0-1" in chart.caption


def test_a_title_says_what_is_shown(written):
    svg = (written.folder / "gain.svg").read_text(encoding="utf-8")
    assert 'aria-label="Gain in MRR of training together over training alone. ' in svg


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
    assert len(paths) == 2 * (len(PLOTS) + 1)  # one plot has two pages
    for path in paths:
        if path.suffix == ".svg":
            ElementTree.parse(path)
    (gain,) = PLOTS[0].prepare(odd)
    group = gain.bodies[0].groups[0]
    assert group.heading == "to_y$s^2$/.."
    assert group.lines[0].label.startswith("_sas$rec$_{ + llama:some…")
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


def cover(one, other):
    """Return whether two texts lie on each other by more than 2 pixels in both directions."""
    return all(min(one[end], other[end]) - max(one[end - 2], other[end - 2]) > 2 for end in (3, 4))


@pytest.mark.parametrize("width", [canvas.WIDE, canvas.NARROW])
@pytest.mark.parametrize("plot", [plot for plot in PLOTS if plot.name != "cost"], ids=lambda plot: plot.name)
def test_no_text_covers_another_however_long_the_names(plot, width, crowded):
    for chart in plot.prepare(crowded.on(crowded.datasets[0]) if plot.per_dataset else crowded):
        drawn = chart.on(width)
        covered = [
            (one[0], other[0])
            for one, other in itertools.combinations(boxes(drawn), 2)
            if min(one[3], other[3]) - max(one[1], other[1]) > 2
            and min(one[4], other[4]) - max(one[2], other[2]) > 2
        ]
        assert covered == []
        assert width < canvas.WIDE or drawn.height < 11.7 * 96  # the height of A4


def test_a_model_that_trains_in_no_time_has_a_place(make_study, tmp_path):
    rows = [
        ({"side": "domain", "domain": name}, {0: [1, 2, 3]}, {"train_s": train_s, "inference_ms": None})
        for name, train_s in (("popularity", 0.0), ("sasrec", 40.0))
    ]
    found = write(make_study(*rows), tmp_path, [plot for plot in PLOTS if plot.name == "cost"])
    assert found.skipped == {}


def test_a_metric_of_which_lower_is_better_is_said_to_be(make_study):
    study = make_study(
        ({"side": "domain", "domain": "a"}, {0: [2] * 6}),
        ({"side": "domain", "domain": "a", "llm": "b", "sharing": "c"}, {0: [1] * 6}),
        higher_is_better=False,
    )
    (chart,) = PLOTS[0].prepare(study)
    assert "left of 0: together is better" in chart.bodies[0].label


def test_on_narrow_paper_names_stand_over_their_rows():
    forest = Forest((Group("toy", (Line("a long name of a row", "domain", 0.5, (0.2, 0.8), "+5.0%"),)),), "gain")
    wide, narrow = (
        {text: (left, top) for text, left, top, _, _ in boxes(Chart("title", "caption", (forest,)).on(width))}
        for width in (canvas.WIDE, canvas.NARROW)
    )
    assert wide["a long name of a row"][1] == pytest.approx(wide["+5.0%"][1])
    assert narrow["a long name of a row"][1] < narrow["+5.0%"][1] - canvas.FONT_SIZE
    assert narrow["a long name of a row"][0] == 0
