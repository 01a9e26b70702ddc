import re

import pytest

from corecbench.report.views.captions import main_caption as caption
from corecbench.report.views.captions import over_datasets


@pytest.fixture
def agreeing(bench):
    """Store three models that have the same order on each of some data sets."""

    def add(n_datasets):
        for number in range(n_datasets):
            for rank, name in enumerate(("first", "second", "third"), start=1):
                bench.add(name, dataset=f"toy{number}", domain_ranks=[rank] * 3)
        return bench

    return add


def test_few_data_sets_that_agree_cannot_tell_rows_apart(agreeing):
    ranks, tests = over_datasets(agreeing(2).table())
    assert ranks == (
        "Average ranks by MRR over 2 data sets, of the 3 rows on all of them that are no controls: "
        "1.00 first (domain); 2.00 second (domain); 3.00 third (domain)"
    )
    # 1 of 6 orders of the second data set agrees; the critical difference is 2.343 sqrt(3 * 4 / (6 * 2))
    assert re.fullmatch(
        r"Friedman's test: p \.1[67]\d; 0 of 3 pairs of rows are further apart than Nemenyi's critical difference "
        r"at \.05, 2\.34, which is rough for few data sets",
        tests,
    )


def test_more_data_sets_tell_them_apart(agreeing):
    # 2.343 sqrt(3 * 4 / (6 * 8)) = 1.17, less than between the first and the third
    tests = list(over_datasets(agreeing(8).table()))[1]
    assert (
        "p <.001; 1 of 3 pairs of rows are further apart than Nemenyi's critical difference at .05, 1.17" in tests
    )


def test_only_rows_that_are_on_every_data_set_and_no_controls_take_part(agreeing):
    bench = agreeing(2)
    bench.add("fourth", dataset="toy0", domain_ranks=[1] * 3)
    bench.add_failed(domain="fourth", dataset="toy1")
    both = {"domain_ranks": [1] * 3, "llm_ranks": [2] * 3}
    for dataset in ("toy0", "toy1"):
        bench.add("first", "llama", control="no-mutual", dataset=dataset, **both)
        bench.add("first", "llama", dataset=dataset, **both)
    ranks = next(over_datasets(bench.table()))
    assert "of the 5 rows" in ranks
    # MRR 1 and 1 tie, then 1/2 and 1/2, then 1/3
    assert ranks.split(": ")[1].split("; ") == [
        "1.50 first (domain)",
        "1.50 first + llama, bdlm (domain)",
        "3.50 second (domain)",
        "3.50 first + llama, bdlm (llm)",
        "5.00 third (domain)",
    ]


def test_many_rows_are_counted_instead_of_named(bench):
    for dataset in ("a", "b"):
        for number in range(1, 11):
            bench.add(f"m{number}", dataset=dataset, domain_ranks=[number] * 3)
    assert next(over_datasets(bench.table())).endswith("8.00 m8 (domain); 2 more")


@pytest.mark.parametrize(("n_datasets", "n_rows"), [(1, 3), (2, 2)])
def test_few_data_sets_or_rows_are_not_ranked(bench, n_datasets, n_rows):
    for dataset in range(n_datasets):
        for row in range(n_rows):
            bench.add(f"m{row}", dataset=f"toy{dataset}", domain_ranks=[row + 1] * 3)
    assert list(over_datasets(bench.table())) == []
    assert "Friedman" not in caption(bench.table())


def test_the_caption_of_the_table_states_them(agreeing):
    assert "; 3.00 third (domain). Friedman's test: p " in caption(agreeing(2).table())
