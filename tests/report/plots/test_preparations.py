"""The numbers of every plot, worked out by hand."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from corecbench.plugin.host import Host
from corecbench.report.plots import (
    cost,
    critical_difference,
    cutoffs,
    gain,
    learning,
    ledger,
    pairs,
    rank_change,
    slice_gain,
)
from corecbench.report.plots.study import NothingToShow, label, labels, titled
from corecbench.results.rows import RowKey
from corecbench.stats.paired import paired_test

SASREC = {"side": "domain", "domain": "sasrec"}
LLAMA = {"side": "llm", "llm": "llama"}
PAIR = {"side": "domain", "domain": "sasrec", "llm": "llama", "sharing": "bdlm"}
LLM_PAIR = PAIR | {"side": "llm"}


# --- gain ---------------------------------------------------------------------------------------------------------


def test_a_gain_is_the_difference_of_the_means_with_its_interval(make_study):
    gains = gain.prepare(make_study((SASREC, {0: [2] * 6}), (PAIR, {0: [1] * 5 + [2]})))
    (row,) = gains.rows
    assert row.difference == pytest.approx(5 / 12)  # 5 of 6 users gain 1 - 1/2
    assert row.change == pytest.approx(5 / 6)  # of the mean 1/2
    # sum of squares 5 (1/12)^2 + (5/12)^2 = 30/144, over 5 users and 6: (1/12)^2; t of 5 degrees of freedom: 2.5706
    assert row.interval == pytest.approx((5 / 12 - 2.5706 / 12, 5 / 12 + 2.5706 / 12), abs=1e-5)
    assert gains.extents == {"toy": "toy: 6 users, seed 0"}


def test_a_gain_has_no_interval_where_too_few_users_differ(pair):
    (row,) = gain.prepare(pair).rows
    assert (row.difference, row.interval) == (pytest.approx(1 / 12), None)  # 1 of 6 users gains 1/2


def test_controls_are_told_from_gains(make_study):
    study = make_study(
        (SASREC, {0: [2] * 6}),
        (PAIR, {0: [1] * 6}),
        (PAIR | {"control": "shuffled-texts"}, {0: [1] * 6}),
        (PAIR | {"sharing": "none"}, {0: [1] * 6}),
        unshared={"none"},
    )
    rows = gain.prepare(study).rows
    assert [(row.label, row.is_control) for row in rows] == [
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
            (PAIR | name | {"control": control}, {0: [1] * 6})
            for control in (None, "shuffled-texts", "untrained-llm", "no-mutual")
        ]
    return make_study(*rows, counts=counts)


def test_few_gains_are_on_one_page(pair):
    gains = gain.prepare(pair)
    assert gain.pages(gains) == [gains]


def test_many_gains_are_those_without_controls_and_then_all_of_each_data_set(make_study):
    pages = gain.pages(gain.prepare(many(make_study, ("one", "two", "three"))))
    assert [(page.page, len(page.rows), {row.dataset for row in page.rows}) for page in pages] == [
        (", without controls", 15, {"one", "two", "three"}),
        (", one", 20, {"one"}),
        (", two", 20, {"two"}),
        (", three", 20, {"three"}),
    ]


def test_gains_of_a_data_set_that_fill_more_than_a_page_are_split_evenly(make_study):
    names = [(PAIR | {"sharing": f"s{number:02}"}, {0: [1] * 6}) for number in range(50)]
    pages = gain.pages(gain.prepare(make_study((SASREC, {0: [2] * 6}), *names)))
    assert [(page.page, len(page.rows)) for page in pages] == [(", toy (1/2)", 25), (", toy (2/2)", 25)]
    assert [row.label for page in pages for row in page.rows] == [f"sasrec + llama, s{n:02}" for n in range(50)]


@pytest.mark.parametrize(
    ("plot", "field", "sizes"),
    [(rank_change, "rows", [10, 10]), (cutoffs, "panels", [5]), (slice_gain, "panels", [5])],
)
def test_nothing_is_left_out_of_many_rows(make_study, plot, field, sizes):
    counts = pd.DataFrame({"history_length": [1] * 6, "target_frequency": [1] * 6})
    study = many(make_study, counts=counts).on("one")
    pages = plot.pages(plot.prepare(study))
    assert [len(getattr(page, field)) for page in pages] == sizes


def test_every_cell_has_its_learning_curve(make_study):
    epochs = [{"turn": 1, "side": "domain", "epoch": 1, "validation": 0.1, "duration_s": 2.0}]
    rows = [({**SASREC, "domain": f"m{number}"}, {0: [1, 2]}, {"epochs": epochs}) for number in range(23)]
    pages = learning.pages(learning.prepare(make_study(*rows)))
    assert [(page.page, len(page.cells)) for page in pages] == [(" (1/3)", 8), (" (2/3)", 8), (" (3/3)", 7)]


def test_a_row_that_the_table_does_not_compare_has_no_gain(make_study):
    at_limit = make_study((SASREC, {0: [2] * 6}, {"at_limit": True}), (PAIR, {0: [1] * 6}))
    with pytest.raises(NothingToShow, match="no joint row that can be compared"):
        gain.prepare(at_limit)


# --- slices -------------------------------------------------------------------------------------------------------


def test_slices_have_the_gains_of_their_users(make_study):
    counts = pd.DataFrame({"history_length": [1, 1, 1, 9, 9, 9], "target_frequency": [0, 0, 0, 0, 7, 7]})
    study = make_study((SASREC, {0: [2] * 6}), (PAIR, {0: [1, 1, 2, 2, 2, 4]}), counts=counts)
    ((title, (series,)),) = slice_gain.prepare(study).panels
    assert (title, series.label) == ("sasrec (domain model) + llama", "bdlm")
    points = {
        slicing: [(point.label, point.n_users, point.difference) for point in found]
        for slicing, found in series.points.items()
    }
    assert points == {
        "history length": [("1", 3, pytest.approx(2 / 6)), ("9", 3, pytest.approx(-1 / 12))],
        "target frequency": [
            ("0 (never in training)", 4, pytest.approx(2 / 8)),
            ("7", 2, pytest.approx(-1 / 8)),
        ],
    }


def test_without_counts_there_are_no_slices(pair):
    with pytest.raises(NothingToShow, match="lack history_length and target_frequency"):
        slice_gain.prepare(pair)


def test_rows_of_one_pair_share_a_panel(make_study):
    sharing = [f"s{number}" for number in range(4)]
    rows = [(PAIR | {"llm": llm, "sharing": name}, {0: [1] * 6}) for llm in ("a", "b", "c") for name in sharing[:3]]
    study = make_study((SASREC, {0: [2] * 6}), *rows)
    groups = [[(key.llm, key.sharing) for key in group] for group in study.groups(6)]
    assert [len(group) for group in groups] == [6, 3]
    assert {llm for llm, _ in groups[1]} == {"c"}


def test_a_pair_with_more_rows_than_fit_is_split_by_sharing(make_study):
    rows = [
        (PAIR | {"sharing": sharing, "control": control}, {0: [1] * 6})
        for sharing in ("bdlm", "none", "soft")
        for control in (None, "shuffled-texts", "untrained-llm")
    ]
    groups = make_study((SASREC, {0: [2] * 6}), *rows).groups(6)
    assert [{key.sharing for key in group} for group in groups] == [{"bdlm", "none"}, {"soft"}]


def test_what_rows_have_in_common_is_in_the_title(make_study):
    rows = [(PAIR | {"llm": llm}, {0: [1] * 6}) for llm in ("a", "b")]
    apart = list(titled(make_study((SASREC, {0: [2] * 6}), *rows).groups(6)))
    assert [(title, list(names.values())) for title, names in apart] == [
        ("sasrec (domain model)", ["a, bdlm", "b, bdlm"])
    ]
    alike = list(titled(make_study((SASREC, {0: [2] * 6}), *rows).groups(1)))
    assert [title for title, _ in alike] == ["sasrec (domain model) + a", "sasrec (domain model) + b"]


# --- cutoffs ------------------------------------------------------------------------------------------------------


def test_curves_are_means_over_users_at_every_cutoff():
    hit_rate, ndcg = cutoffs.at_cutoffs(np.array([1, 3]))
    assert hit_rate[[0, 1, 2, 49]].tolist() == [1 / 2, 1 / 2, 1, 1]
    assert ndcg[[0, 1, 2, 49]].tolist() == [1 / 2, 1 / 2, 3 / 4, 3 / 4]  # 1 / log2(4) = 1/2


@pytest.mark.parametrize("k", [1, 10, 50])
def test_curves_agree_with_the_metrics(k):
    rank = np.random.default_rng(0).integers(1, 200, 300)
    host = Host.discover()
    for name, curve in zip(("HR", "NDCG"), cutoffs.at_cutoffs(rank), strict=True):
        metric = host.build(host.select("metrics", f"{name}@{k}", {}))
        assert curve[k - 1] == pytest.approx(metric.per_user(rank, np.full(300, 200)).mean())


def test_the_model_alone_is_the_first_curve_of_its_panel(pair):
    ((_, (alone, together)),) = cutoffs.prepare(pair).panels
    assert (alone.label, together.label) == ("alone", "bdlm")
    assert (alone.hit_rate[0], together.hit_rate[0]) == (0, pytest.approx(1 / 6))


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
    (course,) = learning.prepare(study).cells
    assert [(band.side, band.first, band.last) for band in course.bands] == [
        ("domain", 1, 2),
        ("llm", 3, 3),
        ("domain", 4, 4),
    ]
    assert course.validation == {"domain": ((1, 0.1), (2, 0.3), (4, 0.2)), "llm": ((3, 0.2),)}
    assert course.kept == {"domain": (2, 0.3)}
    assert course.alone == {"domain": 0.25}
    assert (course.label, course.duration_s) == ("sasrec + llama, bdlm", 11.0)


def test_both_sides_of_a_cell_are_one_course(make_study):
    study = make_study((PAIR, {0: [1] * 6}, {"epochs": EPOCHS}), (LLM_PAIR, {0: [1] * 6}, {"epochs": EPOCHS}))
    assert len(learning.prepare(study).cells) == 1


@pytest.mark.parametrize("epochs", [[], [{"epoch": 1}]])
def test_without_epochs_there_are_no_courses(make_study, epochs):
    with pytest.raises(NothingToShow, match="no epochs are stored"):
        learning.prepare(make_study((SASREC, {0: [2] * 6}, {"epochs": epochs})))


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
    diagram = critical_difference.prepare(over_datasets(make_study, (9, 1, 2), (9, 2, 1)))
    assert diagram.labels == ("b", "c", "a")
    assert diagram.average_ranks.tolist() == [3 / 2, 3 / 2, 3]
    # q of three models at .05 is 2.343 (Demsar, 2006, table 5); sqrt(3 * 4 / (6 * 2)) = 1
    assert diagram.critical_difference == pytest.approx(2.343, abs=1e-3)
    assert diagram.alike == ((0, 2),)


def test_groups_that_are_alike_are_the_largest():
    assert critical_difference.alike(np.array([1.0, 1.4, 2.0, 3.5]), 1.0) == ((0, 2),)
    assert critical_difference.alike(np.array([1.0, 2.5]), 1.0) == ()


@pytest.mark.parametrize(
    ("ranks", "reason"),
    [
        ([(1, 2, 3)], "needs 2 data sets, got 1"),
        ([(1, 2, 3), (1, 2)], "needs 3 rows that are on every data set, got 2"),
    ],
)
def test_too_few_data_sets_or_rows_have_no_diagram(make_study, ranks, reason):
    with pytest.raises(NothingToShow, match=reason):
        critical_difference.prepare(over_datasets(make_study, *ranks))


# --- cost ---------------------------------------------------------------------------------------------------------


def test_a_pair_costs_the_training_of_both_sides(make_study):
    study = make_study(
        (SASREC, {0: [2] * 6}, {"train_s": 3.0}),
        (PAIR, {0: [1] * 6, 1: [2] * 6}, {"train_s": 4.0, "inference_ms": None}),
        (PAIR | {"control": "no-mutual"}, {0: [1] * 6}),
    )
    points = cost.prepare(study).points
    assert [(point.train_s, point.quality, point.inference_ms) for point in points] == [
        (3.0, 1 / 2, 2.0),
        (8.0, 3 / 4, None),
    ]


def test_an_ensemble_costs_the_training_of_both_sides_once(make_study):
    (sides,) = make_study((PAIR, {0: [1] * 6}, {"train_s": 4.0})).rows.values()
    sides.records[0]["sides"]["ensemble"] = {"train_s": 8.5, "inference_ms_per_user": 5.0}
    key = dataclasses.replace(sides.key, side="ensemble")
    study = dataclasses.replace(make_study(), rows={key: dataclasses.replace(sides, key=key)})
    (point,) = cost.prepare(study).points
    assert (point.label, point.train_s, point.inference_ms) == ("sasrec + llama, bdlm, ensemble", 8.0, 5.0)


def test_the_front_has_what_nothing_beats():
    costs, qualities = [4.0, 1.0, 2.0, 2.0, 3.0], [0.5, 0.1, 0.3, 0.4, 0.4]
    assert cost.front(costs, qualities) == [1, 3, 0]
    assert cost.front(costs, qualities, higher_is_better=False) == [1]


# --- rank change --------------------------------------------------------------------------------------------------


def test_ranks_are_geometric_means_over_common_seeds(make_study):
    study = make_study(
        (SASREC, {0: [1, 4, 9], 1: [4, 4, 9]}), (PAIR, {0: [2, 1, 9], 1: [2, 1, 9], 2: [99, 99, 99]})
    )
    (row,) = rank_change.prepare(study).rows
    assert row.alone == pytest.approx([2, 4, 9])
    assert row.together == pytest.approx([2, 1, 9])
    assert row.shares == (1 / 3, 0, 2 / 3)


# --- pairs --------------------------------------------------------------------------------------------------------


def test_every_two_rows_are_compared_and_adjusted_together(make_study):
    from scipy import stats

    generator = np.random.default_rng(0)
    ranks = [generator.integers(1, 5 * worst, 40) for worst in (1, 2, 3)]
    rows = [({"side": "domain", "domain": name}, {0: of}) for name, of in zip("abc", ranks, strict=True)]
    matrix = pairs.prepare(make_study(*rows))
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
    matrix = pairs.prepare(make_study(*(({"side": "domain", "domain": name}, of) for name, of in ranks.items())))
    own, base = (1 / np.column_stack(list(of.values())) for of in ranks.values())
    assert matrix.p[0, 1] == pytest.approx(paired_test(own, base).p)
    assert matrix.is_significant.tolist() == [[False, True], [True, False]]
    assert matrix.tests == "p: two-sided t test over users and seeds"


def test_names_of_many_rows_are_shortened_as_far_as_they_tell_rows_apart(make_study):
    sharing = "contrastive-with-a-temperature"
    long, alike = [
        [
            RowKey("toy", "domain", "sasrec", f"llama:some/where/a-large-model{n}", sharing + end)
            for n, end in enumerate(ends)
        ]
        for ends in (("", "-2"), ("-1-of-many-others", "-2-of-many-others"))
    ]
    assert labels(long, 99) == [label(key) for key in long]
    assert max(map(len, labels(long, 40))) <= 40
    assert len(set(labels(long, 40))) == 2
    alike = [dataclasses.replace(key, llm="llama") for key in alike]
    assert labels(alike, 20) == [label(key) for key in alike]


def test_rows_without_a_common_seed_are_not_compared(make_study):
    rows = [
        ({"side": "domain", "domain": name}, {seed: [1, 2, 3]}) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    matrix = pairs.prepare(make_study(*rows))
    assert matrix.difference[0, 1] == 0
    assert np.isnan(matrix.difference[0, 2])


@pytest.mark.parametrize("n_rows", [1, 101])
def test_one_row_or_too_many_have_no_matrix(make_study, n_rows):
    rows = [({"side": "domain", "domain": f"m{number}"}, {0: [1, 2]}) for number in range(n_rows)]
    with pytest.raises(NothingToShow, match=f"needs 2 to 100 rows, got {n_rows}"):
        pairs.prepare(make_study(*rows))


# --- ledger -------------------------------------------------------------------------------------------------------


def test_each_step_begins_where_the_one_below_ends(make_study):
    # alone the mean is 1/2; each user who is first adds 1/2, a tenth of it for ten users
    study = make_study(
        (SASREC, {0: [2] * 10, 1: [2] * 10}),
        (PAIR | {"sharing": "none"}, {0: [1] * 2 + [2] * 8}),
        (PAIR | {"control": "no-mutual"}, {0: [1] * 8 + [2] * 2}),
        (PAIR | {"control": "shuffled-texts"}, {0: [1] + [2] * 9}),
        (PAIR, {0: [1] * 7 + [2] * 3, 1: [1] * 9 + [2]}),
        unshared={"none"},
    )
    (found,) = ledger.prepare(study).ledgers
    assert found.title == "sasrec + llama, bdlm (domain model)"
    assert [(line.kind, line.label, line.start, line.change, line.lacks_seeds) for line in found.lines] == [
        ("step", "none: schedule and ids", 0, pytest.approx(0.2), True),
        (
            "step",
            "no-mutual: counted words + the frozen pretrained LLM + fine-tuning",
            pytest.approx(20),
            pytest.approx(0.6),
            True,
        ),
        ("step", "pair: mutual learning", pytest.approx(80), pytest.approx(-0.1), True),
        ("whole", "pair \N{MINUS SIGN} alone: the whole gain", 0, pytest.approx(0.8), True),
        (
            "contrast",
            "pair \N{MINUS SIGN} shuffled-texts: the right text of each item",
            0,
            pytest.approx(0.6),
            True,
        ),
    ]
    assert found.lines[1].interval == pytest.approx(study_interval(6, 10), abs=1e-5)
    assert found.lines[2].interval is None  # one user differs


def study_interval(n_better, n_users):
    """Return the t interval of the change where the base is the same for everyone and some users double."""
    share = n_better / n_users
    half = 2.262157 * np.sqrt(share * (1 - share) / (n_users - 1))  # the t of 9 degrees of freedom
    return share - half, share + half


def test_a_ledger_needs_a_control(pair):
    with pytest.raises(NothingToShow, match="no pair has a control"):
        ledger.prepare(pair)


def test_ledgers_that_fill_more_than_a_page_are_kept_whole(make_study):
    pages = ledger.pages(ledger.prepare(many(make_study, ("one",))))
    assert [(page.page, len(page.ledgers)) for page in pages] == [(" (1/2)", 3), (" (2/2)", 2)]
