import pytest

from corecbench.api import UsageError
from corecbench.report.selection import select


@pytest.fixture
def two(bench, tmp_path):
    """A benchmark of a pair and its models alone, on two data sets, and another one of a further model."""
    other = type(bench)(tmp_path, "other")
    for dataset in ("toy", "toys"):
        bench.add("sasrec", dataset=dataset, domain_ranks=[2] * 6)
        bench.add(llm="llama", dataset=dataset, llm_ranks=[2] * 6)
        for control in (None, "no-mutual"):
            ranks = {"domain_ranks": [1] * 6, "llm_ranks": [1] * 6}
            bench.add("sasrec", "llama", dataset=dataset, control=control, **ranks)
    other.add("gru4rec", domain_ranks=[3] * 6)
    return [bench.store, other.store]


def chosen(stores, **of):
    return [(record["cell"]["name"], record["cell"]["dataset"]) for _, record in select(stores, **of)]


def test_all_cells_of_all_benchmarks_are_chosen_unless_told_otherwise(two):
    assert len(chosen(two)) == 2 * 4 + 1


def test_a_pair_comes_with_its_models_alone(two):
    found = chosen(two, cells=["sasrec+llama+bdlm"], datasets=["toy"])
    assert sorted(found) == [("llama", "toy"), ("sasrec", "toy"), ("sasrec+llama+bdlm", "toy")]


def test_a_cell_that_two_benchmarks_hold_counts_once_as_the_one_that_succeeded(two, bench, tmp_path):
    third = type(bench)(tmp_path, "third")
    third.add("gru4rec", domain_ranks=[3] * 6)
    third.add_failed(domain="sasrec")
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
