"""Tables of metrics that read the stored lists."""

import numpy as np
import pytest
from stored_cells import store_cell

from corecbench.api import UsageError
from corecbench.report.evidence.comparison import read_comparison
from corecbench.report.evidence.leaderboard import read_board
from corecbench.report.evidence.reading import read_rows
from corecbench.report.views.captions import board_caption
from corecbench.report.views.captions import main_caption as caption
from corecbench.results.record import ResultsError

from .conftest import shown

FREQUENCY = {"i": 1, "a": 5, "b": 3}


class MeanFrequency:
    """The mean training interactions of the items of a list."""

    higher_is_better = False
    k = 2

    def per_list(self, lists):
        return lists.frequency[lists.items].sum(axis=1) / (lists.items > 0).sum(axis=1)


class Different:
    """How many different items are on top of all lists."""

    higher_is_better = True
    k = 1

    def overall(self, lists):
        return float(len(np.unique(lists.items)))


METRICS = {"mean": MeanFrequency(), "different": Different()}


def add(bench, lists, frequency=FREQUENCY, **of):
    """Store a cell with one list for each user, such as ["ab", "i"], alike on both sides."""
    ranks = {f"{side}_ranks": [1] * len(lists) for side in ("domain", "llm") if side in of}
    bench.add(**of, **ranks, counts={"n_candidates": [len(of_user) for of_user in lists]})
    folder, record = bench.entries[-1]
    stored = {side: bench.store.ranks(folder, side) for side in record["sides"]}
    return store_cell(bench.store, record, stored, lists, frequency)


@pytest.fixture
def pair(bench):
    """Alone, the lists of six users begin with a and b; together only with b."""
    add(bench, ["ab", "ba"] * 3, domain="sasrec")
    add(bench, ["bi", "bi"] * 3, domain="sasrec", llm="llama")
    return bench


def row(bench, number, **options):
    return shown(bench.table(**{"metrics": METRICS, "tested": "mean"} | options))[number]


def test_a_metric_of_lists_is_averaged_and_tested_over_users(pair):
    assert row(pair, 0).metrics["mean"] == (5 + 3) / 2
    assert row(pair, 1).metrics["mean"] == (3 + 1) / 2
    assert row(pair, 1).comparison.difference == -2


def test_a_metric_of_all_lists_together_has_a_value_but_no_test(pair):
    assert [row(pair, number).metrics["different"] for number in (0, 1)] == [2, 1]
    with pytest.raises(UsageError, match="different is one value of all lists together, which cannot be tested"):
        pair.table(metrics=METRICS, tested="different")


def test_the_caption_says_what_is_not_tested(pair):
    table = pair.table(metrics=METRICS, tested="mean")
    assert "different: one value of the lists of all users, averaged over seeds, not tested. " in caption(table)
    assert "not tested" not in caption(pair.table(metrics={"mean": METRICS["mean"]}, tested="mean"))


def test_both_are_averaged_over_seeds(bench):
    add(bench, ["ab", "ba"], domain="sasrec", seed=0)
    add(bench, ["bi", "bi"], domain="sasrec", seed=1)
    assert row(bench, 0).metrics == {"mean": (4 + 2) / 2, "different": (2 + 1) / 2}


def test_a_user_with_fewer_candidates_than_places_has_a_shorter_list(bench):
    add(bench, ["ab", "i"], domain="sasrec")
    assert row(bench, 0).metrics["mean"] == ((5 + 3) / 2 + 1) / 2


def test_the_order_of_the_stored_users_does_not_matter(bench):
    add(bench, ["aa"] * 1 + ["ii"] * 10, domain="sasrec")  # u10 comes before u2
    values = read_rows(bench.entries, bench.store, METRICS)
    (row,) = values.values()
    assert row.values[0]["mean"].to_dict() == {f"u{user}": 1 if user else 5 for user in range(11)}


def test_the_slices_of_a_metric_of_lists_are_those_of_its_users(pair):
    slices = pair.table(metrics={"mean": METRICS["mean"]}, tested="mean").slices()
    assert [(effect.own, effect.base) for effect in slices] == [(2, 4)]


def test_cells_cannot_be_compared_by_a_metric_without_a_value_per_user(pair):
    with pytest.raises(UsageError, match="choose a metric that has one per user, such as NDCG@10"):
        read_comparison({pair.store: pair.entries}, "sasrec", "different", METRICS["different"])


def test_a_leaderboard_ranks_by_any_metric(pair):
    board = read_board({pair.store: list(pair.store.records())}, "different", METRICS["different"])
    assert [row.mean for row in board.rows] == [2, 1, 1]
    caption = board_caption(board)
    assert "different: one value of the lists of 6 users (toy), averaged over seeds. " in caption


# --- what is missing ----------------------------------------------------------------------------------------------


def test_a_cell_without_lists_says_how_to_store_them(bench):
    folder = bench.add("sasrec", domain_ranks=[1, 2])
    store_cell(bench.store, bench.entries[0][1], {"domain": bench.store.ranks(folder, "domain")}, None, FREQUENCY)
    with pytest.raises(ResultsError, match=r"top\.parquet: no best items were stored .* --set run.top_k=10"):
        bench.table(metrics=METRICS, tested="mean")


def test_older_results_that_lack_the_training_counts_say_so_and_are_read_for_other_metrics(bench):
    add(bench, ["ab", "i"], frequency=None, domain="sasrec")
    with pytest.raises(ResultsError, match=r"items\.parquet: how often items occur in training was not stored"):
        bench.table(metrics=METRICS, tested="mean")
    assert shown(bench.table())[0].metrics["MRR"] == 1


def test_lists_that_are_too_short_name_the_metric_and_what_is_stored(bench):
    folder = add(bench, ["a", "i"], domain="sasrec")
    ranks = bench.store.ranks(folder, "domain").assign(n_candidates=9)
    store_cell(bench.store, bench.entries[0][1], {"domain": ranks}, ["a", "i"], FREQUENCY)
    bench.entries[0] = folder, bench.store.read(folder)
    assert row(bench, 0, metrics={"different": Different(), "MRR": MRR()}, tested="MRR").metrics["different"] == 2
    with pytest.raises(
        ResultsError,
        match=r"mean reads the 2 best items of each user, but 1 are stored; .*--set run.top_k=2 --existing",
    ):
        bench.table(metrics=METRICS, tested="mean")


def test_an_item_that_nobody_knows_costs_the_row(bench):
    add(bench, ["ab", "ia"], domain="gru4rec")
    folder = add(bench, ["ab", "xi"], domain="sasrec")
    table = bench.table(metrics=METRICS, tested="mean")
    assert [row.metrics == {} for row in shown(table)] == [False, True]
    assert shown(table)[1].notes[0].startswith("seed 0 damaged")
    assert "ranks, lists and items name different users or items" in bench.store.damaged[folder]


class MRR:
    higher_is_better = True

    def per_user(self, rank, n_candidates):
        return 1 / rank


class NotANumber(Different):
    def overall(self, lists):
        return np.nan


def test_a_value_that_is_not_a_number_costs_that_metric_only(pair):
    table = pair.table(metrics=METRICS | {"different": NotANumber()}, tested="mean")
    assert ["different" in row.metrics for row in shown(table)] == [False] * len(table.rows)
    assert "metric 'different' must give a finite number for all users, got NaN or infinity." in caption(table)
    assert [row.comparison for row in shown(table)] == [
        row.comparison for row in shown(pair.table(metrics=METRICS, tested="mean"))
    ]
