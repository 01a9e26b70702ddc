from pathlib import Path

import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.api import UsageError
from corecbench.results.choice import Choice
from corecbench.results.record import ResultsError
from corecbench.results.rows import RowKey, by_row, names_of, result_key
from corecbench.results.selection import select, select_one
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

PAIR = {"domain": "sasrec", "llm": "llama", "sharing": "bdlm"}
FAILED = {"status": "failed", "error": {"type": "RuntimeError", "message": "no luck", "traceback": ""}}


class Bench:
    """Stores cells of two toy users."""

    def __init__(self, root, benchmark="default"):
        self.store = Store(root, benchmark)
        self.entries = []

    def add(self, domain=None, llm=None, **of):
        record = toy_record(domain, llm, **of)
        folder = store_cell(self.store, record, {side: toy_ranks([1, 2]) for side in record["sides"]})
        self.entries.append((folder, record))


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


# --- identity -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "own", "partner", "name"),
    [
        ("domain", "sasrec", "llama", "sasrec+llama+bdlm:domain"),
        ("llm", "llama", "sasrec", "sasrec+llama+bdlm:llm"),
        ("ensemble", "sasrec", "llama", "sasrec+llama+bdlm:ensemble"),
    ],
)
def test_a_row_of_a_pair_knows_its_model_its_partner_and_the_model_alone(side, own, partner, name):
    key = RowKey("toy", side, **PAIR)
    assert (key.own, key.partner, key.name, key.model) == (own, partner, name, "sasrec + llama")
    assert (key.solo.name, key.solo.dataset, key.solo.is_solo, key.is_solo) == (own, "toy", True, False)


def test_a_solo_row_is_its_own_solo_row_and_named_as_its_cell():
    key = RowKey("toy", "llm", None, "llama", None)
    assert (key.solo, key.is_solo, key.cell, key.name, key.partner) == (key, True, "llama", "llama", None)


def test_parts_of_a_data_set_stand_beside_each_other_by_their_share(bench):
    for dataset, share in [("toy", 0.1), ("toy", 0.03), ("other", 1.0), ("toy", 1.0), ("other", 0.5)]:
        bench.add("sasrec", dataset=dataset, train_share=share)
    shares = [(key.whole_dataset, key.reduction.train_share) for key in by_row(bench.entries)]
    assert shares == [("toy", 0.03), ("toy", 0.1), ("toy", 1.0), ("other", 0.5), ("other", 1.0)]


def test_a_control_and_a_pair_that_shares_nothing_are_controls():
    pair, control = RowKey("toy", "llm", **PAIR), RowKey("toy", "llm", **PAIR, control="no-mutual")
    assert not pair.is_control({"none"})
    assert pair.is_control({"bdlm"})
    assert control.is_control({"none"})
    assert control.cell == "sasrec+llama+bdlm+no-mutual"


def test_the_same_row_on_another_data_set_differs_in_that_only():
    key = RowKey("toy", "llm", **PAIR)
    assert key.on("toys") == RowKey("toys", "llm", **PAIR)


def test_a_result_is_told_from_others_by_data_set_cell_seed_and_hash():
    record = toy_record("sasrec", seed=3)
    assert result_key(record) == ("toy", "sasrec", 3, record["hash"])


def test_results_are_grouped_by_row_and_seed(bench):
    bench.add("sasrec", "llama", seed=1)
    bench.add("sasrec", "llama", seed=0)
    bench.add("sasrec")
    rows = by_row(bench.entries)
    assert {key.name: sorted(seeds) for key, seeds in rows.items()} == {
        "sasrec": [0],
        "sasrec+llama+bdlm:domain": [0, 1],
        "sasrec+llama+bdlm:llm": [0, 1],
    }


# --- names --------------------------------------------------------------------------------------------------------


def test_an_llm_that_only_an_earlier_version_ranked_without_epochs_is_no_row(bench):
    for seed, window, known in ((0, 1, {}), (0, 2, {"llm_epochs": 0}), (1, 1, {"llm_epochs": 0})):
        record = toy_record("sasrec", "llama", seed=seed, window=(window, 2))
        record["cell"] |= known
        bench.entries.append((Path(f"{seed}-{window}"), record))
    trained = toy_record("sasrec", "llama", dataset="other")
    rows = by_row([*bench.entries, (Path("other"), trained)])
    found = [(key.dataset, key.side, list(of_seeds)) for key, of_seeds in rows.items()]
    assert found == [
        ("toy (window 1 of 2)", "domain", [0, 1]),
        ("toy (window 2 of 2)", "domain", [0]),
        ("other", "domain", [0]),
        ("other", "llm", [0]),
    ]


@pytest.mark.parametrize(
    ("name", "benchmark", "is_called"),
    [
        ("sasrec+llama+bdlm", None, True),
        ("sasrec+llama+bdlm:llm", None, True),
        ("sasrec+llama+bdlm:domain", None, False),
        ("tuned/sasrec+llama+bdlm:llm", "tuned", True),
        ("tuned/sasrec+llama+bdlm", "other", False),
        ("sasrec", None, False),
    ],
)
def test_a_row_is_called_by_its_cell_and_by_its_side(name, benchmark, is_called):
    assert RowKey("toy", "llm", **PAIR).is_called(name, benchmark) == is_called


def test_a_name_with_a_colon_or_a_slash_in_it_is_a_name_all_the_same():
    key = RowKey("toy", "llm", None, "llama:org/model", None)
    assert key.is_called("llama:org/model")
    assert names_of("llama:org/model", ["llm"]) == ["llama:org/model", "llama:org/model:llm"]


@pytest.mark.parametrize(
    ("of", "error", "message"),
    [
        ({"name": "sasrek"}, UsageError, "unknown cell 'sasrek'; did you mean 'sasrec'"),
        ({"name": "sasrec", "dataset": None}, UsageError, "stored for several data sets; .*: toy, toys"),
        ({"name": "sasrec", "dataset": "ml-1m"}, UsageError, "unknown data set of cell sasrec 'ml-1m'"),
        ({"name": "sasrec", "seed": 7}, UsageError, "cell sasrec is not stored with seed 7; have: 0, 3"),
        ({"name": "llama"}, ResultsError, "two results for one cell and seed"),
    ],
)
def test_a_name_that_does_not_mean_one_result_is_an_error(bench, of, error, message):
    for dataset, seed in (("toy", 3), ("toy", 0), ("toys", 0)):
        bench.add("sasrec", dataset=dataset, seed=seed)
    bench.add(llm="llama")
    bench.add(llm="llama", hash="ffffffff")
    with pytest.raises(error, match=message):
        select_one(bench.entries, **{"dataset": "toy", "seed": None} | of)


def test_the_lowest_seed_is_meant_unless_one_is_named(bench):
    for seed in (3, 1):
        bench.add("sasrec", seed=seed)
    _, record = select_one(bench.entries, "sasrec", None, None)
    assert record["cell"]["seed"] == 1


# --- selection ----------------------------------------------------------------------------------------------------


@pytest.fixture
def two(bench, tmp_path):
    """A benchmark of a pair and its models alone, on two data sets, and another one of a further model."""
    other = Bench(tmp_path, "other")
    for dataset in ("toy", "toys"):
        bench.add("sasrec", dataset=dataset)
        bench.add(llm="llama", dataset=dataset)
        for control in (None, "no-mutual"):
            bench.add("sasrec", "llama", dataset=dataset, control=control)
    other.add("gru4rec")
    return [bench.store, other.store]


def chosen(stores, **of):
    return [(record["cell"]["name"], record["cell"]["dataset"]) for _, record in select(stores, **of)]


def test_all_cells_of_all_benchmarks_are_chosen_unless_told_otherwise(two):
    assert len(chosen(two)) == 2 * 4 + 1


def test_a_pick_may_be_of_a_cell_that_is_not_shown(two, bench):
    bench.add("sasrec", dataset="toy", hash="ffffffff")
    choice = Choice(picks=(("sasrec", "ffffffff"),))
    assert chosen(two, cells=["llama"], choice=choice) == [("llama", "toy"), ("llama", "toys")]
    assert ("sasrec", "toy") in chosen(two, choice=choice)
    with pytest.raises(UsageError, match="several settings of sasrec"):
        chosen(two)


def test_a_pair_comes_with_its_models_alone(two):
    found = chosen(two, cells=["sasrec+llama+bdlm"], datasets=["toy"])
    assert sorted(found) == [("llama", "toy"), ("sasrec", "toy"), ("sasrec+llama+bdlm", "toy")]


def test_a_cell_that_two_benchmarks_hold_counts_once_as_the_one_that_succeeded(two, tmp_path):
    third = Bench(tmp_path, "third")
    third.add("gru4rec")
    third.add("sasrec", **FAILED)
    stores = [third.store, *two]
    entries = select(stores, cells=["gru4rec", "sasrec"], datasets=["toy"])
    assert [(record["cell"]["name"], record["status"]) for _, record in entries] == [
        ("gru4rec", "ok"),
        ("sasrec", "ok"),
    ]


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ({"cells": ["sasrek"]}, "unknown cell 'sasrek'; did you mean 'sasrec'"),
        ({"datasets": ["ml-1m"]}, "unknown data set 'ml-1m'; have: toy, toys"),
        ({"cells": ["gru4rec"], "datasets": ["toys"]}, "unknown cell 'gru4rec'"),
    ],
)
def test_a_name_that_means_nothing_is_one_line(two, of, message):
    with pytest.raises(UsageError, match=f"^{message}"):
        select(two, **of)


def test_a_model_alone_stands_before_its_pairs_also_if_it_is_stored_later(bench):
    bench.add(**PAIR)
    bench.add("sasrec")
    bench.add(llm="llama")
    assert [(key.side, key.is_solo) for key in by_row(bench.entries)] == [
        ("domain", True), ("domain", False), ("llm", True), ("llm", False),
    ]  # fmt: skip
