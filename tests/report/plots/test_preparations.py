"""The numbers of every plot, worked out by hand."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from corecbench.drawing.chart import NothingToShow
from corecbench.plugin.host import Host
from corecbench.report.evidence.contrasts import Method
from corecbench.report.plots import comparisons, gains, ledgers, ranks, runs
from corecbench.report.plots.shown_rows import groups
from corecbench.stats.paired import paired_test

SASREC = {"side": "domain", "domain": "sasrec"}
LLAMA = {"side": "llm", "llm": "llama"}
PAIR = {"side": "domain", "domain": "sasrec", "llm": "llama", "sharing": "bdlm"}
LLM_PAIR = PAIR | {"side": "llm"}


# --- gain ---------------------------------------------------------------------------------------------------------


def lines_of(chart):
    return [line for forest in chart.bodies for line in forest.lines]


def test_a_gain_is_the_difference_of_the_means_with_its_interval(make_study):
    (chart,) = gains.forest(make_study((SASREC, {0: [2] * 6}), (PAIR, {0: [1] * 5 + [2]})))
    (line,) = lines_of(chart)
    assert line.value == pytest.approx(5 / 12)  # 5 of 6 users gain 1 - 1/2
    assert line.text == "+83.3%"  # of the mean 1/2
    # sum of squares 5 (1/12)^2 + (5/12)^2 = 30/144, over 5 users and 6: (1/12)^2; t of 5 degrees of freedom: 2.5706
    assert line.interval == pytest.approx((5 / 12 - 2.5706 / 12, 5 / 12 + 2.5706 / 12), abs=1e-5)
    assert chart.caption.startswith("toy: 6 users, seed 0. ")


def test_a_gain_has_no_interval_where_too_few_users_differ(pair):
    (line,) = lines_of(gains.forest(pair)[0])
    assert (line.value, line.interval) == (pytest.approx(1 / 12), None)  # 1 of 6 users gains 1/2


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
    assert [(line.label, line.is_open) for line in lines_of(gains.forest(study)[0])] == [
        ("sasrec + llama, bdlm", False),
        ("sasrec + llama, bdlm, shuffled-texts", True),
        ("sasrec + llama, none", True),
    ]


def many(make_study, datasets=("one", "two"), counts=None):
    """Return a study of 5 models on each data set, each with a pair and three controls of it."""
    rows = []
    for dataset, number in itertools.product(datasets, range(5)):
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
        (page.title.removeprefix(start), len(lines_of(page)), [group.heading for group in page.bodies[0].groups])
        for page in pages
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
    assert [line.label for page in pages for line in lines_of(page)] == [
        f"sasrec + llama, s{n:02}" for n in range(50)
    ]


@pytest.mark.parametrize(
    ("plot", "sizes"), [(ranks.changes, [7, 7, 6]), (ranks.cutoffs, [10]), (gains.slices, [10])]
)
def test_nothing_is_left_out_of_many_rows(make_study, plot, sizes):
    counts = pd.DataFrame({"history_length": [1] * 6, "target_frequency": [1] * 6})
    study = many(make_study, counts=counts).on("one")
    pages = plot(study)
    assert [sum(len(body.panels) for body in page.bodies) for page in pages] == sizes


def test_every_cell_has_its_learning_curve(make_study):
    epochs = [{"turn": 1, "side": "domain", "epoch": 1, "validation": 0.1, "duration_s": 2.0}]
    rows = [({**SASREC, "domain": f"m{number}"}, {0: [1, 2]}, {"epochs": epochs}) for number in range(23)]
    pages = runs.learning(make_study(*rows))
    assert [(page.title[-6:], len(page.bodies[0].panels)) for page in pages] == [
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
    (panels,) = chart.bodies
    assert (panels.title, [name for name, _ in panels.legend]) == ("sasrec (domain model) + llama", ["bdlm"])
    length, frequency = panels.panels
    assert [name for _, name in length.x.ticks] == ["1\n3", "9\n3"]
    assert [y for _, y in length.series[0].points] == pytest.approx([2 / 6, -1 / 12])
    assert [name for _, name in frequency.x.ticks] == ["0\n4", "7\n2"]
    assert [y for _, y in frequency.series[0].points] == pytest.approx([2 / 8, -1 / 8])


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


# --- cutoffs ------------------------------------------------------------------------------------------------------


def test_curves_are_means_over_users_at_every_cutoff():
    hit_rate, ndcg = ranks.at_cutoffs(np.array([1, 3]))
    assert hit_rate[[0, 1, 2, 49]].tolist() == [1 / 2, 1 / 2, 1, 1]
    assert ndcg[[0, 1, 2, 49]].tolist() == [1 / 2, 1 / 2, 3 / 4, 3 / 4]  # 1 / log2(4) = 1/2


@pytest.mark.parametrize("k", [1, 10, 50])
def test_curves_agree_with_the_metrics(k):
    rank = np.random.default_rng(0).integers(1, 200, 300)
    host = Host.discover()
    for name, curve in zip(("HR", "NDCG"), ranks.at_cutoffs(rank), strict=True):
        metric = host.build(host.select("metrics", f"{name}@{k}", {}))
        assert curve[k - 1] == pytest.approx(metric.per_user(rank, np.full(300, 200)).mean())


def test_the_model_alone_is_the_first_curve_of_its_panel(pair):
    hit_rate, _ = ranks.cutoffs(pair)[0].bodies[0].panels
    alone, together = hit_rate.series
    assert (alone.label, together.label) == ("alone", "bdlm")
    assert (alone.points[0], together.points[0]) == ((1, 0), (1, pytest.approx(1 / 6)))


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
    (course,) = runs.courses(study)
    domain, llm = runs.BANDS["domain"], runs.BANDS["llm"]
    assert course.bands == ((0.5, 2.5, domain), (2.5, 3.5, llm), (3.5, 4.5, domain))
    points = [(series.label, series.points) for series in course.series]
    assert points[2:] == [("domain", ((1, 0.1), (2, 0.3), (4, 0.2))), ("llm", ((3, 0.2),))]
    assert points[:2] == [("kept", ((2, 0.3),)), ("kept", ())]
    assert [value for value, _ in course.rules] == [0.25]
    assert course.title == "sasrec + llama, bdlm: seed 0, 11 s"


def test_both_sides_of_a_cell_are_one_course(make_study):
    study = make_study((PAIR, {0: [1] * 6}, {"epochs": EPOCHS}), (LLM_PAIR, {0: [1] * 6}, {"epochs": EPOCHS}))
    assert len(runs.courses(study)) == 1


@pytest.mark.parametrize("epochs", [[], [{"epoch": 1}]])
def test_without_epochs_there_are_no_courses(make_study, epochs):
    with pytest.raises(NothingToShow, match="no epochs are stored"):
        runs.learning(make_study((SASREC, {0: [2] * 6}, {"epochs": epochs})))


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
    (chart,) = comparisons.average_ranks(over_datasets(make_study, (9, 1, 2), (9, 2, 1)))
    lines = lines_of(chart)
    assert [(line.label, line.value) for line in lines] == [("b", 3 / 2), ("c", 3 / 2), ("a", 3)]
    # q of three models at .05 is 2.343 (Demsar, 2006, table 5); sqrt(3 * 4 / (6 * 2)) = 1
    assert "test at .05, 2.34. " in chart.caption
    assert lines[0].interval == pytest.approx((1, 3 / 2 + 2.343 / 2), abs=1e-3)  # no rank is below 1
    assert lines[2].interval == pytest.approx((3 - 2.343 / 2, 3), abs=1e-3)


@pytest.mark.parametrize(
    ("ranks", "reason"),
    [
        ([(1, 2, 3)], "needs 2 data sets, got 1"),
        ([(1, 2, 3), (1, 2)], "needs 3 rows that are on every data set, got 2"),
    ],
)
def test_too_few_data_sets_or_rows_have_no_diagram(make_study, ranks, reason):
    with pytest.raises(NothingToShow, match=reason):
        comparisons.average_ranks(over_datasets(make_study, *ranks))


# --- cost ---------------------------------------------------------------------------------------------------------


def test_a_pair_costs_the_training_of_both_sides(make_study):
    study = make_study(
        (SASREC, {0: [2] * 6}, {"train_s": 3.0}),
        (PAIR, {0: [1] * 6, 1: [2] * 6}, {"train_s": 4.0, "inference_ms": None}),
        (PAIR | {"control": "no-mutual"}, {0: [1] * 6}),
    )
    points = runs.costs(study)
    assert [(point.train_s, point.quality, point.inference_ms) for point in points] == [
        (3.0, 1 / 2, 2.0),
        (8.0, 3 / 4, None),
    ]


def test_an_ensemble_costs_the_training_of_both_sides_once(make_study):
    (sides,) = make_study((PAIR, {0: [1] * 6}, {"train_s": 4.0})).rows.values()
    sides.records[0]["sides"]["ensemble"] = {"train_s": 8.5, "inference_ms_per_user": 5.0}
    key = dataclasses.replace(sides.key, side="ensemble")
    study = dataclasses.replace(make_study(), rows={key: dataclasses.replace(sides, key=key)})
    (point,) = runs.costs(study)
    assert (point.label, point.train_s, point.inference_ms) == ("sasrec + llama, bdlm, ensemble", 8.0, 5.0)


def test_the_front_has_what_nothing_beats():
    costs, qualities = [4.0, 1.0, 2.0, 2.0, 3.0], [0.5, 0.1, 0.3, 0.4, 0.4]
    assert runs.front(costs, qualities) == [1, 3, 0]
    assert runs.front(costs, qualities, higher_is_better=False) == [1]


# --- rank change --------------------------------------------------------------------------------------------------


def test_ranks_are_geometric_means_over_common_seeds(make_study):
    study = make_study(
        (SASREC, {0: [1, 4, 9], 1: [4, 4, 9]}), (PAIR, {0: [2, 1, 9], 1: [2, 1, 9], 2: [99, 99, 99]})
    )
    (row,) = ranks.changed(study)
    assert row.alone == pytest.approx([2, 4, 9])
    assert row.together == pytest.approx([2, 1, 9])
    assert row.shares == (1 / 3, 0, 2 / 3)


# --- pairs --------------------------------------------------------------------------------------------------------


def test_every_two_rows_are_compared_and_adjusted_together(make_study):
    from scipy import stats

    generator = np.random.default_rng(0)
    ranks = [generator.integers(1, 5 * worst, 40) for worst in (1, 2, 3)]
    rows = [({"side": "domain", "domain": name}, {0: of}) for name, of in zip("abc", ranks, strict=True)]
    matrix, _ = comparisons.compared(make_study(*rows))
    a, b, c = (1 / np.array(of) for of in ranks)
    assert matrix.difference[0, 1] == pytest.approx(a.mean() - b.mean())
    assert matrix.difference[1, 0] == -matrix.difference[0, 1]
    p = sorted(stats.ttest_rel(*two).pvalue for two in ((a, b), (a, c), (b, c)))
    by_hand = [3 * p[0], max(3 * p[0], 2 * p[1]), max(3 * p[0], 2 * p[1], p[2])]
    assert sorted(matrix.p[np.triu_indices(3, 1)]) == pytest.approx(by_hand)
    assert np.isnan(matrix.p.diagonal()).all()
    assert not matrix.is_significant.any()  # of one seed nothing is


def test_three_seeds_are_compared_over_users_and_seeds(make_study):
    generator = np.random.default_rng(0)
    worst = {"a": 5, "b": 50}
    ranks = {name: {seed: generator.integers(1, last, 60) for seed in range(3)} for name, last in worst.items()}
    matrix, tests = comparisons.compared(
        make_study(*(({"side": "domain", "domain": name}, of) for name, of in ranks.items()))
    )
    own, base = (1 / np.column_stack(list(of.values())) for of in ranks.values())
    assert matrix.p[0, 1] == pytest.approx(paired_test(own, base).p)
    assert matrix.is_significant.tolist() == [[False, True], [True, False]]
    assert tests == "p: two-sided t test over users and seeds"


def test_rows_without_a_common_seed_are_not_compared(make_study):
    rows = [
        ({"side": "domain", "domain": name}, {seed: [1, 2, 3]}) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    matrix, _ = comparisons.compared(make_study(*rows))
    assert matrix.difference[0, 1] == 0
    assert np.isnan(matrix.difference[0, 2])


@pytest.mark.parametrize("n_rows", [1, 101])
def test_one_row_or_too_many_have_no_matrix(make_study, n_rows):
    rows = [({"side": "domain", "domain": f"m{number}"}, {0: [1, 2]}) for number in range(n_rows)]
    with pytest.raises(NothingToShow, match=f"needs 2 to 100 rows, got {n_rows}"):
        comparisons.matrix(make_study(*rows))


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
    (found,) = chart.bodies[0].groups
    assert found.heading == "sasrec + llama, bdlm (domain model)"
    assert [(line.kind, line.label, line.start, line.value, line.text) for line in found.lines] == [
        ("bar", "none: schedule and ids", 0, pytest.approx(20), "+20.0%°"),
        (
            "bar",
            "no-mutual: counted words + the frozen pretrained LLM + fine-tuning",
            pytest.approx(20),
            pytest.approx(80),
            "+60.0%°",
        ),
        ("bar", "pair: mutual learning", pytest.approx(80), pytest.approx(70), "\N{MINUS SIGN}10.0%°"),
        ("whole", "pair \N{MINUS SIGN} alone: the whole gain", 0, pytest.approx(70), "+70.0%°"),
        (
            "marker",
            "pair \N{MINUS SIGN} shuffled-texts: the right text of each item",
            0,
            pytest.approx(60),
            "+60.0%°",
        ),
    ]
    low, high = study_interval(6, 10)
    assert found.lines[1].interval == pytest.approx((20 + 100 * low, 20 + 100 * high), abs=1e-3)
    assert found.lines[2].interval is None  # two users differ


def study_interval(n_better, n_users):
    """Return the t interval of the change where the base is the same for everyone and some users double."""
    share = n_better / n_users
    half = 2.262157 * np.sqrt(share * (1 - share) / (n_users - 1))  # the t of 9 degrees of freedom
    return share - half, share + half


def test_a_ledger_needs_a_control(pair):
    with pytest.raises(NothingToShow, match="no pair has a control"):
        ledgers.waterfall(pair)


def test_ledgers_that_fill_more_than_a_page_are_kept_whole(make_study):
    pages = ledgers.waterfall(many(make_study, ("one",)))
    assert [sum(len(forest.groups) for forest in page.bodies) for page in pages] == [3, 2]
    assert pages[0].title.endswith(" (1/2)")
