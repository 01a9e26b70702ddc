"""Which row without an LLM is the strongest, and what tables and the page say of it."""

import pytest

from corecbench.report.page.answers import answer, pairs
from corecbench.report.views.tables import main_table as report

from .conftest import METRICS

FIRST, SECOND, FOURTH = [1] * 12, [2] * 12, [4] * 12


@pytest.fixture
def weak(bench):
    """sasrec alone ranks every item fourth, and its pair second; neighbours, without an LLM, rank it first."""
    for seed in range(3):
        known = {"reference": True}
        add(bench, "neighbours", seed, 0.3, domain_ranks=[*FIRST[seed:], *SECOND[:seed]], cell=known)
        add(bench, "sasrec", seed, 0.1, domain_ranks=FOURTH)
        add(bench, None, seed, 0.4, llm="llama", llm_ranks=SECOND)
        add(bench, "sasrec", seed, 0.5, llm="llama", domain_ranks=[*SECOND[seed:], *FOURTH[:seed]], llm_ranks=FIRST)
    return bench


def add(bench, domain, seed, validation, llm=None, cell=None, **ranks):
    bench.add(domain, llm, seed=seed, costs={"validation": validation}, **ranks)
    if cell:
        _, record = bench.entries[-1]
        record["cell"] |= cell


def test_the_strongest_row_is_chosen_on_validation_and_has_no_llm(weak):
    strongest = weak.table().strongest["toy"]
    assert (strongest.cell, strongest.is_reference) == ("neighbours", True)


def test_a_row_of_unknown_validation_is_not_chosen(bench):
    add(bench, "neighbours", 0, -1.0, domain_ranks=FIRST)
    add(bench, "theirs", 0, None, domain_ranks=FIRST)
    assert bench.table().strongest == {}
    add(bench, "sasrec", 0, 0.1, domain_ranks=FOURTH)
    assert bench.table().strongest["toy"].cell == "sasrec"


@pytest.mark.parametrize(("of_seed_0", "strongest"), [(0.9, "neighbours"), (0.3, "sasrec")])
def test_a_row_with_fewer_seeds_is_compared_under_those_that_both_have(bench, of_seed_0, strongest):
    add(bench, "neighbours", 0, of_seed_0, domain_ranks=[*FIRST[1:], 2])
    for seed, validation in enumerate((0.5, 0.1)):
        add(bench, "sasrec", seed, validation, domain_ranks=[*FOURTH[seed:], *SECOND[:seed]])
    assert bench.table().strongest["toy"].cell == strongest


def test_a_pair_that_shares_nothing_is_a_row_without_an_llm(weak):
    for seed in range(3):
        weak.add(
            "sasrec",
            "llama",
            seed,
            sharing="none",
            costs={"validation": 0.35},
            domain_ranks=FIRST,
            llm_ranks=FIRST,
        )
    assert weak.table(unshared=("none",)).strongest["toy"].cell == "sasrec+llama+none"
    assert weak.table().strongest["toy"].cell == "neighbours"


def test_the_table_compares_pairs_with_the_strongest_row_first_and_shows_references_apart(weak):
    frame = report(weak.table()).frame.set_index(["model", "side"])
    assert frame.index[0] == ("neighbours", "reference")
    columns = list(frame.columns)
    assert columns.index("MRR vs strongest") < columns.index("MRR vs solo")
    # the mean over three seeds: 1 - (0 + 1 + 2) / 36 / 2 for neighbours, and half of that for the pair
    base, pair = 1 - 3 / 36 / 2, (1 - 3 / 36 / 2) / 2
    assert frame.loc[("sasrec + llama", "domain"), "MRR vs strongest"] == f"{100 * (pair / base - 1):+.1f}%"
    assert frame.loc[("sasrec", "domain"), "MRR vs strongest"] == "-"
    assert "best on the validation items, neighbours on toy" in report(weak.table()).caption


def test_a_table_without_a_stronger_row_has_no_such_column(bench):
    add(bench, "sasrec", 0, 0.1, domain_ranks=FOURTH)
    add(bench, "sasrec", 0, 0.5, llm="llama", domain_ranks=SECOND, llm_ranks=FIRST)
    assert "MRR vs strongest" not in report(bench.table()).frame


def test_with_one_seed_the_page_speaks_of_these_trained_models(bench):
    add(bench, "neighbours", 0, 0.3, domain_ranks=FIRST)
    add(bench, "sasrec", 0, 0.1, domain_ranks=FOURTH)
    add(bench, "sasrec", 0, 0.5, llm="llama", domain_ranks=[1, *SECOND[1:]], llm_ranks=FIRST)
    evidence = bench.table(metrics={"MRR": METRICS["MRR"]})
    found = answer(evidence, pairs(evidence, "toy")[0])
    assert (found.verdict, found.said) == ("few seeds", "cannot tell")
    # (1 + 11 / 2) / 12 against 1
    assert found.because == (
        "a verdict needs 3 seeds; in these trained models its MRR is 45.8% below that of neighbours, the strongest "
        "row without an LLM"
    )


def test_the_answer_names_the_stronger_reference_though_the_pair_beats_its_weak_model(weak):
    evidence = weak.table(metrics={"MRR": METRICS["MRR"]})
    found = answer(evidence, pairs(evidence, "toy")[0])
    assert (found.verdict, found.said) == ("loss", "no")
    assert found.because == "its MRR is 50.0% below that of neighbours, the strongest row without an LLM"
    assert found.more[0] == "Against the model alone: yes, its MRR is 91.7% above that of sasrec alone."
