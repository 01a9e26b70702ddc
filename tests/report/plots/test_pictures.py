"""Every plot is written, legible, the same each time, and whatever names it has."""

import io
import itertools
import struct
import warnings
from xml.etree import ElementTree

import pytest
from PIL import Image

from corecbench.report.plots import canvas, spread
from corecbench.report.plots.registry import PLOTS, Plot, write
from corecbench.report.plots.study import NothingToShow, Study

DATASETS = ("ml-100k", "amazon-beauty")
STEMS = (
    "gain",
    *(f"{name}-{dataset}" for name in ("slices", "target-slices", "cutoffs", "learning") for dataset in DATASETS),
    "critical-difference",
    *(f"{name}-{dataset}" for name in ("cost", "rank-change", "pairs") for dataset in DATASETS),
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


def test_pictures_are_seven_inches_wide(written):
    for path in written.paths:
        if path.suffix == ".png":
            width, _ = struct.unpack(">II", path.read_bytes()[16:24])
            assert width == 7 * canvas.DPI
        else:
            assert ElementTree.parse(path).getroot().get("width") == "504pt"


def test_the_same_results_give_the_same_bytes(written, full, tmp_path):
    plots = [plot for plot in PLOTS if plot.name in ("learning", "rank-change")]
    again = write(full.on("ml-100k"), tmp_path, plots)
    assert len(again.paths) == 2 * 2
    for path in again.paths:
        assert path.read_bytes() == (written.folder / path.name).read_bytes()


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
@pytest.mark.parametrize("names", ["full", "odd"])
def test_text_is_legible_and_within_the_picture(plot, names, request):
    study = request.getfixturevalue(names)
    part = study.on(study.datasets[0]) if plot.per_dataset else study
    with canvas.style():
        figure = plot.draw(plot.prepare(part))
        figure.draw_without_rendering()
        texts = [text for text in visible_texts(figure) if text.get_text().strip()]
        assert min(text.get_fontsize() for text in texts) >= 8
        width, height = figure.bbox.width, figure.bbox.height
        for text in texts:
            box = text.get_window_extent()
            assert box.x0 >= -1, text
            assert box.y0 >= -1, text
            assert box.x1 <= width + 1, text
            assert box.y1 <= height + 1, text
    assert "NDCG" in figure.get_suptitle() or "MRR" in figure.get_suptitle() or "rank" in figure.get_suptitle()
    assert "60 users, seeds 0-1" in figure.get_supxlabel().replace("\n", " ")


def visible_texts(artist):
    """Yield the texts that are drawn; ticks beyond the limits are not."""
    from matplotlib.axis import Axis
    from matplotlib.text import Text

    for child in artist.get_children():
        if not child.get_visible():
            continue
        if isinstance(child, Text):
            yield child
        elif isinstance(child, Axis):
            for tick in child._update_ticks():
                yield from (label for label in (tick.label1, tick.label2) if label.get_visible())
            yield child.label
        elif getattr(child, "axison", True):
            yield from visible_texts(child)
        else:  # axes without their frame still show texts and a legend
            legend = child.get_legend()
            yield from (*child.texts, *(legend.get_texts() if legend else ()))


def test_a_title_says_what_is_shown(written):
    svg = (written.folder / "gain.svg").read_text(encoding="utf-8")
    assert "<!-- Gain in MRR of training together over training alone -->" in svg
    assert "dc:date" not in svg


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
    with canvas.style():
        gain = PLOTS[0].draw(PLOTS[0].prepare(odd))
        labels = [label.get_text() for label in gain.axes[0].get_yticklabels()]
    assert labels[0] == "to_y$s^2$/.."
    assert labels[1].startswith(" _sas$rec$_{ + llama:some…")


def test_a_plot_that_cannot_be_drawn_is_skipped_with_a_reason(pair, tmp_path):
    def fail(study):
        raise ZeroDivisionError("a\nb")

    def nothing(study):
        raise NothingToShow("nothing here")

    (tmp_path / "broken.svg").write_text("of yesterday")
    (tmp_path / "empty.png").write_text("of yesterday")
    plots = [
        Plot("broken", fail, fail, per_dataset=False),
        Plot("empty", nothing, fail, per_dataset=False),
        PLOTS[0],
    ]
    found = write(pair, tmp_path, plots)
    assert found.skipped == {"broken": "ZeroDivisionError: a b", "empty": "nothing here"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gain.png", "gain.svg"]


def test_pages_that_are_no_more_are_removed(pair, tmp_path):
    def draw(page):
        return PLOTS[0].draw(PLOTS[0].prepare(pair))

    def plot(n_pages):
        return Plot("many", lambda study: n_pages, draw, per_dataset=False, pages=range)

    (tmp_path / "many-page2-of-my-own.txt").write_text("kept")
    names = [
        [path.name for path in write(pair, tmp_path, [plot(n_pages)]).paths if path.suffix == ".svg"]
        for n_pages in (3, 1)
    ]
    assert names == [["many.svg", "many-page2.svg", "many-page3.svg"], ["many.svg"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many-page2-of-my-own.txt", "many.png", "many.svg"]


@pytest.mark.parametrize("plot", [plot for plot in PLOTS if plot.name != "cost"], ids=lambda plot: plot.name)
def test_no_text_covers_another_however_long_the_names(plot, crowded):
    part = crowded.on(crowded.datasets[0]) if plot.per_dataset else crowded
    with canvas.style():
        for page in plot.pages(plot.prepare(part)):
            figure = plot.draw(page)
            figure.draw_without_rendering()
            texts = [text for text in visible_texts(figure) if text.get_text().strip()]
            boxes = [text.get_window_extent() for text in texts]
            covered = [
                (texts[one].get_text(), texts[other].get_text())
                for one, other in itertools.combinations(range(len(texts)), 2)
                if boxes[one].padded(-1).overlaps(boxes[other].padded(-1))
            ]
            assert covered == []
            assert boxes
            assert all(box.x0 >= -1 and box.x1 <= figure.bbox.width + 1 for box in boxes)
            assert figure.get_figheight() < 11.7  # the height of A4


def test_drawing_leaves_the_users_settings_alone(pair, tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    write(pair, tmp_path, PLOTS[:1])
    assert dict(matplotlib.rcParams) == before


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
    with canvas.style():
        figure = PLOTS[0].draw(PLOTS[0].prepare(study))
    assert "left of 0: together is better" in figure.axes[0].get_xlabel()


def test_labels_keep_clear_of_points_and_each_other():
    points = [(50.0, 50.0), (53.0, 50.0), (50.0, 54.0), (56.0, 56.0)]
    centres = [(x + dx, y + dy) for (x, y), (dx, dy) in zip(points, spread.place_labels(points), strict=True)]
    for number, (x, y) in enumerate(centres):
        for other_x, other_y in centres[:number]:
            assert abs(x - other_x) >= 11 or abs(y - other_y) >= 10


def test_a_study_is_read_from_stored_results(bench):
    bench.add("sasrec", domain_ranks=[2] * 6)
    bench.add("sasrec", "llama", domain_ranks=[1] * 6, llm_ranks=[4] * 6)
    bench.add_failed(domain="gru4rec")

    class ReciprocalRank:
        higher_is_better = True

        def per_user(self, rank, n_candidates):
            return 1 / rank

    study = Study(bench.table({"MRR": ReciprocalRank()}, unshared={"none"}))
    assert [key.cell for key in study.present()] == ["sasrec", "sasrec+llama+bdlm", "sasrec+llama+bdlm"]
    assert [study.mean(key) for key in study.present()] == [1 / 2, 1, 1 / 4]
    assert study.facts == {"toy": {}}
    assert study.datasets == ["toy"]


def test_a_picture_of_a_page_keeps_white_paper_and_the_colours_of_marks(pair):
    with canvas.style():
        made = PLOTS[0].draw(PLOTS[0].prepare(pair))
        png = canvas.to_png(made, 168)
    colours = {colour: n for n, colour in Image.open(io.BytesIO(png)).convert("RGB").getcolors()}
    assert max(colours, key=colours.get) == (255, 255, 255)
    wanted = tuple(int(canvas.COLOURS[0][at : at + 2], 16) for at in (1, 3, 5))
    assert min(max(abs(a - b) for a, b in zip(colour, wanted, strict=True)) for colour in colours) <= 8


def test_names_lie_within_a_picture_of_a_page():
    with canvas.style():
        made = canvas.figure(1.0, "title", "caption")
        made.add_subplot().set_yticks([0], ["pair - bag-of-words: anything beyond words" * 2])
        png = canvas.to_png(made, 168)
    picture = Image.open(io.BytesIO(png)).convert("L")
    assert min(picture.crop((0, 0, 3, picture.height)).tobytes()) == 255
