"""The numbers of every plot, worked out by hand."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import BarContainer

from corecbench.report.evidence.contrasts import Method
from corecbench.report.plots import gains, learning, ledgers
from corecbench.report.plots.figure import NothingToShow
from corecbench.report.plots.shown_rows import groups

from .conftest import axes_of, points_of, rows_of

SASREC = {"side": "domain", "domain": "sasrec"}
LLAMA = {"side": "llm", "llm": "llama"}
PAIR = {"side": "domain", "domain": "sasrec", "llm": "llama", "sharing": "bdlm"}
LLM_PAIR = PAIR | {"side": "llm"}


# --- gain ---------------------------------------------------------------------------------------------------------


def lines_of(chart):
    return [row for axes in axes_of(chart) for row in rows_of(axes)]


def test_a_gain_is_the_difference_of_the_means_with_its_interval(make_study):
    (chart,) = gains.forest(make_study((SASREC, {0: [2] * 6}), (PAIR, {0: [1] * 5 + [2]})))
    ((name, value, interval, text),) = lines_of(chart)
    assert name == "sasrec + llama, bdlm"
    assert value == pytest.approx(5 / 12)  # 5 of 6 users gain 1 - 1/2
    assert text == "+83.3%"  # of the mean 1/2
    # sum of squares 5 (1/12)^2 + (5/12)^2 = 30/144, over 5 users and 6: (1/12)^2; t of 5 degrees of freedom: 2.5706
    assert interval == pytest.approx((5 / 12 - 2.5706 / 12, 5 / 12 + 2.5706 / 12), abs=1e-5)
    assert chart.caption.startswith("toy: 6 users, seed 0. ")


def test_a_gain_has_no_interval_where_too_few_users_differ(pair):
    ((_, value, interval, _),) = lines_of(gains.forest(pair)[0])
    assert (value, interval) == (pytest.approx(1 / 12), None)  # 1 of 6 users gains 1/2


@pytest.mark.parametrize(
    ("test", "named"), [("bootstrap", "BCa bootstrap over users"), ("t", "t over users, for these trained models")]
)
def test_intervals_are_named_by_the_method_that_makes_them(pair, test, named):
    (chart,) = gains.forest(dataclasses.replace(pair, method=Method(test)))
    assert f"95% intervals ({named}" in chart.caption


def test_controls_are_told_from_gains(make_study):
    study = make_study(
        (SASREC, {0: [2] * 6}),
        (PAIR, {0: [1] * 6}),
        (PAIR | {"control": "shuffled-texts"}, {0: [1] * 6}),
        (PAIR | {"sharing": "none"}, {0: [1] * 6}),
        unshared={"none"},
    )
    (axes,) = axes_of(gains.forest(study)[0])
    names = ["sasrec + llama, bdlm", "sasrec + llama, bdlm, shuffled-texts", "sasrec + llama, none"]
    assert [name for name, *_ in rows_of(axes)] == names
    filled, opened = (each.lines[0] for each in axes.containers)
    assert (len(filled.get_xdata()), len(opened.get_xdata())) == (1, 2)
    assert (filled.get_markerfacecolor(), opened.get_markerfacecolor()) == (filled.get_color(), "white")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["domain model", "domain model, control"]


def headings_of(axes):
    return [text.get_text() for text in axes.texts if text.get_weight() == "bold"]


def many(make_study, datasets=("one", "two"), counts=None, n_models=5):
    """Return a study of some models on each data set, each with a pair and three controls of it."""
    rows = []
    for dataset, number in itertools.product(datasets, range(n_models)):
        name = {"dataset": dataset, "domain": f"model{number}"}
        rows.append((SASREC | name, {0: [2] * 6}))
        rows += [
            (PAIR | name | {"control": control}, {0: [3 if control else 1] * 6})
            for control in (None, "shuffled-texts", "untrained-llm", "no-mutual")
        ]
    return make_study(*rows, counts=counts)


def test_few_gains_are_on_one_page(pair):
    assert len(gains.forest(pair)) == 1


def test_many_gains_are_those_without_controls_and_then_all_of_each_data_set(make_study):
    pages = gains.forest(many(make_study, ("one", "two", "three")))
    start = "Gain in MRR of training together over training alone"
    assert [
        (page.title.removeprefix(start), len(lines_of(page)), headings_of(axes_of(page)[0])) for page in pages
    ] == [
        (", without controls", 15, ["one", "two", "three"]),
        (", one", 20, ["one"]),
        (", two", 20, ["two"]),
        (", three", 20, ["three"]),
    ]


def test_gains_of_a_data_set_that_fill_more_than_a_page_are_split_evenly(make_study):
    names = [(PAIR | {"sharing": f"s{number:02}"}, {0: [1] * 6}) for number in range(50)]
    pages = gains.forest(make_study((SASREC, {0: [2] * 6}), *names))
    assert [(page.title[-10:], len(lines_of(page))) for page in pages] == [(" toy (1/2)", 25), (" toy (2/2)", 25)]
    assert [name for page in pages for name, *_ in lines_of(page)] == [
        f"sasrec + llama, s{n:02}" for n in range(50)
    ]


def test_no_slice_is_left_out_of_many_rows(make_study):
    counts = pd.DataFrame({"history_length": [1] * 6, "target_frequency": [1] * 6})
    pages = gains.slices(many(make_study, counts=counts).on("one"))
    assert [len(axes_of(page)) for page in pages] == [10]


def test_every_cell_has_its_learning_curve(make_study):
    epochs = [{"turn": 1, "side": "domain", "epoch": 1, "validation": 0.1, "duration_s": 2.0}]
    rows = [({**SASREC, "domain": f"m{number}"}, {0: [1, 2]}, {"epochs": epochs}) for number in range(23)]
    pages = learning.learning(make_study(*rows))
    assert [(page.title[-6:], len(axes_of(page))) for page in pages] == [
        (" (1/3)", 8),
        (" (2/3)", 8),
        (" (3/3)", 7),
    ]


def test_a_row_that_the_table_does_not_compare_has_no_gain(make_study):
    at_limit = make_study((SASREC, {0: [2] * 6}, {"at_limit": True}), (PAIR, {0: [1] * 6}))
    with pytest.raises(NothingToShow, match="no joint row that can be compared"):
        gains.forest(at_limit)


# --- slices -------------------------------------------------------------------------------------------------------


def test_slices_have_the_gains_of_their_users(make_study):
    counts = pd.DataFrame({"history_length": [1, 1, 1, 9, 9, 9], "target_frequency": [0, 0, 0, 0, 7, 7]})
    study = make_study((SASREC, {0: [2] * 6}), (PAIR, {0: [1, 1, 2, 2, 2, 4]}), counts=counts)
    (chart,) = gains.slices(study)
    length, frequency = axes_of(chart)
    assert length.get_title(loc="left") == "sasrec (domain model) + llama"
    assert [text.get_text() for text in frequency.get_legend().get_texts()] == ["bdlm"]
    assert [label.get_text() for label in length.get_xticklabels()] == ["1\n3", "9\n3"]
    assert [y for (_, y), _ in points_of(length)] == pytest.approx([2 / 6, -1 / 12])
    assert [label.get_text() for label in frequency.get_xticklabels()] == ["0\n4", "7\n2"]
    assert [y for (_, y), _ in points_of(frequency)] == pytest.approx([2 / 8, -1 / 8])
    assert length.get_ylim() == frequency.get_ylim()


def test_without_counts_there_are_no_slices(pair):
    with pytest.raises(NothingToShow, match="lack history_length and target_frequency"):
        gains.slices(pair)


def test_rows_of_one_pair_share_panels_under_what_they_have_in_common(make_study):
    rows = [
        (PAIR | {"llm": llm, "sharing": sharing}, {0: [1] * 6})
        for llm, n_rows in (("a", 4), ("b", 2))
        for sharing in [f"s{number}" for number in range(n_rows)]
    ]
    study = make_study((SASREC, {0: [2] * 6}), *rows)
    assert [(title, list(names.values())) for title, names in groups(study, 3)] == [
        ("sasrec (domain model) + a", ["s0", "s1"]),
        ("sasrec (domain model) + a, continued", ["s2", "s3"]),
        ("sasrec (domain model) + b", ["s0", "s1"]),
    ]


# --- learning -----------------------------------------------------------------------------------------------------

EPOCHS = [
    {"turn": 1, "side": "domain", "epoch": 1, "validation": 0.1, "duration_s": 2.0},
    {"turn": 1, "side": "domain", "epoch": 2, "validation": 0.3, "duration_s": 2.0},
    {"turn": 2, "side": "llm", "epoch": 1, "validation": 0.2, "duration_s": 5.0},
    {"turn": 3, "side": "domain", "epoch": 3, "validation": 0.2, "duration_s": 2.0},
]


def test_bands_are_the_turns_and_epochs_are_counted_over_both_sides(make_study):
    study = make_study(
        (SASREC, {0: [2] * 6}, {"validation": 0.25}), (PAIR, {0: [1] * 6}, {"epochs": EPOCHS, "best_epoch": 2})
    )
    (axes,) = axes_of(learning.learning(study)[0])
    spans = [(patch.get_x(), patch.get_x() + patch.get_width(), patch.get_facecolor()) for patch in axes.patches]
    (first, domain), (second, llm), (third, again) = [(span[:2], span[2]) for span in spans]
    assert (first, second, third) == ((0.5, 2.5), (2.5, 3.5), (3.5, 4.5))
    assert domain == again != llm
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}
    assert drawn["domain"] == [[1, 0.1], [2, 0.3], [4, 0.2]]
    assert drawn["llm"] == [[3, 0.2]]
    assert drawn["domain, kept"] == [[2, 0.3]]
    assert "llm, kept" not in drawn
    assert drawn["domain alone"][0][1] == 0.25
    assert axes.get_title(loc="left") == "sasrec + llama, bdlm: seed 0, 11 s"


def test_both_sides_of_a_cell_are_one_course(make_study):
    study = make_study((PAIR, {0: [1] * 6}, {"epochs": EPOCHS}), (LLM_PAIR, {0: [1] * 6}, {"epochs": EPOCHS}))
    assert len(learning.courses(study)) == 1


@pytest.mark.parametrize("epochs", [[], [{"epoch": 1}]])
def test_without_epochs_there_are_no_courses(make_study, epochs):
    with pytest.raises(NothingToShow, match="no epochs are stored"):
        learning.learning(make_study((SASREC, {0: [2] * 6}, {"epochs": epochs})))


# --- critical difference ------------------------------------------------------------------------------------------


def over_datasets(make_study, *ranks):
    """Return a study of models a, b and c, whose items all have the given rank on each data set."""
    rows = [
        ({"dataset": f"d{number}", "side": "domain", "domain": name}, {0: [rank] * 6})
        for number, of_dataset in enumerate(ranks)
        for name, rank in zip("abc", of_dataset, strict=False)
    ]
    return make_study(*rows)


def test_average_ranks_are_in_order_with_the_critical_difference(make_study):
    (chart,) = gains.average_ranks(over_datasets(make_study, (9, 1, 2), (9, 2, 1)))
    lines = lines_of(chart)
    assert [(name, value) for name, value, *_ in lines] == [("b", 3 / 2), ("c", 3 / 2), ("a", 3)]
    # q of three models at .05 is 2.343 (Demsar, 2006, table 5); sqrt(3 * 4 / (6 * 2)) = 1
    assert "test at .05, 2.34. " in chart.caption
    assert lines[0][2] == pytest.approx((1, 3 / 2 + 2.343 / 2), abs=1e-3)  # no rank is below 1
    assert lines[2][2] == pytest.approx((3 - 2.343 / 2, 3), abs=1e-3)


@pytest.mark.parametrize(
    ("ranks", "reason"),
    [
        ([(1, 2, 3)], "needs 2 data sets, got 1"),
        ([(1, 2, 3), (1, 2)], "needs 3 rows that are on every data set, got 2"),
    ],
)
def test_too_few_data_sets_or_rows_have_no_diagram(make_study, ranks, reason):
    with pytest.raises(NothingToShow, match=reason):
        gains.average_ranks(over_datasets(make_study, *ranks))


# --- ledger -------------------------------------------------------------------------------------------------------


def test_each_step_begins_where_the_one_below_ends(make_study):
    # alone the mean is 1/2; each user who is first adds 1/2, a tenth of it for ten users
    study = make_study(
        (SASREC, {0: [2] * 10, 1: [2] * 10}),
        (PAIR | {"sharing": "none"}, dict.fromkeys((0, 1), [1] * 2 + [2] * 8)),
        (PAIR | {"control": "no-mutual"}, dict.fromkeys((0, 1), [1] * 8 + [2] * 2)),
        (PAIR | {"control": "shuffled-texts"}, dict.fromkeys((0, 1), [1] + [2] * 9)),
        (PAIR, {0: [1] * 6 + [2] * 4, 1: [1] * 8 + [2] * 2}),
        unshared={"none"},
    )
    (chart,) = ledgers.waterfall(study)
    (axes,) = axes_of(chart)
    assert headings_of(axes) == ["sasrec + llama, bdlm (domain model)"]
    rows = rows_of(axes)
    assert [(name, text) for name, _, _, text in rows] == [
        ("none: schedule and ids", "+20.0%°"),
        ("no-mutual: counted words + the frozen pretrained LLM + fine-tuning", "+60.0%°"),
        ("pair: mutual learning", "\N{MINUS SIGN}10.0%°"),
        ("pair \N{MINUS SIGN} alone: the whole gain", "+70.0%°"),
        ("pair \N{MINUS SIGN} shuffled-texts: the right text of each item", "+60.0%°"),
    ]
    assert [value for _, value, _, _ in rows] == pytest.approx([20, 80, 70, 70, 60])
    bars = [bar for each in axes.containers if isinstance(each, BarContainer) for bar in each]
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
    assert ends == [pytest.approx(each) for each in ((0, 20), (20, 80), (80, 70), (0, 70))]
    low, high = study_interval(6, 10)
    assert rows[1][2] == pytest.approx((20 + 100 * low, 20 + 100 * high), abs=1e-3)
    assert rows[2][2] is None  # two users differ


def study_interval(n_better, n_users):
    """Return the t interval of the change where the base is the same for everyone and some users double."""
    share = n_better / n_users
    half = 2.262157 * np.sqrt(share * (1 - share) / (n_users - 1))  # the t of 9 degrees of freedom
    return share - half, share + half


def test_a_ledger_needs_a_control(pair):
    with pytest.raises(NothingToShow, match="no pair has a control"):
        ledgers.waterfall(pair)


def test_ledgers_that_fill_more_than_a_page_are_kept_whole(make_study):
    pages = ledgers.waterfall(many(make_study, ("one",), n_models=9))
    assert [sum(map(len, map(headings_of, axes_of(page)))) for page in pages] == [5, 4]
    assert pages[0].title.endswith(" (1/2)")
