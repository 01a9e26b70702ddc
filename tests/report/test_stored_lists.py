import pandas as pd
import pytest

from corecbench.api import UsageError
from corecbench.results.record import ResultsError
from corecbench.results.stored_lists import read

from .conftest import ReciprocalRank

PAIR = "sasrec+llama+bdlm"


def add(bench, users=("u9", "u10", "u2"), lengths=(4, 3, 3), **of):
    """Store a cell whose lists all hold the item i."""
    bench.add(users=list(users), **of)
    folder, record = bench.entries[-1]
    ranks = {side: bench.store.ranks(folder, side).assign(history_length=lengths) for side in record["sides"]}
    top = pd.DataFrame({"user_id": users, "position": 1, "item_id": "i", "score": 0.5})
    bench.store.write(folder, record, ranks, top=dict.fromkeys(ranks, top))
    bench.entries[-1] = folder, bench.store.read(folder)


@pytest.fixture
def stored(bench):
    """The domain side gains with u10 and loses with u2, the LLM side the other way round."""
    add(bench, domain="sasrec", domain_ranks=[2, 2, 2])
    add(bench, llm="llama", llm_ranks=[2, 2, 2])
    add(bench, domain="sasrec", llm="llama", domain_ranks=[2, 1, 4], llm_ranks=[2, 4, 1])
    return bench


def of(bench, cell=PAIR, **options):
    return read(bench.store, bench.entries, cell, **options)


def test_a_pair_comes_with_each_of_its_models_alone_in_front_of_its_side(stored):
    rows = of(stored).rows
    assert [row.name for row in rows] == [
        "sasrec, alone",
        "sasrec, with llama (bdlm)",
        "llama, alone",
        "llama, with sasrec (bdlm)",
    ]
    assert [row.alone for row in rows] == [None, rows[0], None, rows[2]]
    assert [row.ranks["rank"]["u10"] for row in rows] == [2, 1, 2, 4]


def test_a_control_is_named_and_compared_with_the_same_models_alone(stored):
    add(stored, domain="sasrec", llm="llama", control="no-mutual", domain_ranks=[2] * 3, llm_ranks=[2] * 3)
    rows = of(stored, f"{PAIR}+no-mutual").rows
    assert [row.name for row in rows][::2] == ["sasrec, alone", "llama, alone"]
    assert rows[1].name == "sasrec, with llama (bdlm, no-mutual)"


def test_an_ensemble_comes_last_and_is_compared_with_the_domain_model_alone(stored):
    sides = {f"{side}_ranks": [2, 1, 4] for side in ("domain", "llm", "ensemble")}
    add(stored, domain="sasrec", llm="llama", sharing="mix", **sides)
    found = of(stored, "sasrec+llama+mix:ensemble")
    assert [row.name for row in found.rows] == [
        "sasrec, alone",
        "sasrec, with llama (mix)",
        "llama, alone",
        "llama, with sasrec (mix)",
        "sasrec and llama, ensemble (mix)",
    ]
    assert found.rows[4].alone is found.rows[0]
    assert found.pick("best", ReciprocalRank()) == "u10"


def test_a_model_alone_has_one_row(stored):
    assert [row.name for row in of(stored, "llama").rows] == ["llama, alone"]


def test_a_pair_of_which_no_model_alone_is_stored_is_compared_with_nothing(bench):
    add(bench, domain="sasrec", llm="llama", domain_ranks=[2, 1, 4], llm_ranks=[2, 4, 1])
    found = of(bench)
    assert [row.alone for row in found.rows] == [None, None]
    with pytest.raises(
        UsageError, match=r"no best user of sasrec, with llama \(bdlm\): it is compared with nothing"
    ):
        found.pick("best", ReciprocalRank())


@pytest.mark.parametrize(
    ("cell", "user", "user_id"),
    [
        (PAIR, "best", "u10"),
        (PAIR, "worst", "u2"),
        (f"{PAIR}:domain", "best", "u10"),
        (f"{PAIR}:llm", "best", "u2"),
        (f"{PAIR}:llm", "worst", "u10"),
        (PAIR, "coldest", "u10"),  # as short as u2's
        ("sasrec", "coldest", "u10"),
        (PAIR, "u9", "u9"),
    ],
)
def test_a_user_is_named_or_gains_or_loses_most_or_has_the_shortest_history(stored, cell, user, user_id):
    assert of(stored, cell).pick(user, ReciprocalRank()) == user_id


def test_of_users_who_gain_alike_the_first_id_is_picked(bench):
    add(bench, domain="sasrec", domain_ranks=[2, 2, 2])
    add(bench, domain="sasrec", llm="llama", domain_ranks=[1, 1, 1], llm_ranks=[1, 1, 1])
    assert {of(bench).pick(user, ReciprocalRank()) for user in ("best", "worst")} == {"u10"}


def test_nobody_has_a_gain_where_a_model_is_alone(stored):
    with pytest.raises(
        UsageError, match="no worst user of sasrec, alone: it is compared with nothing; name a user"
    ):
        of(stored, "sasrec").pick("worst", ReciprocalRank())


def test_a_user_who_is_not_tested_is_an_error_that_says_what_is_allowed(stored):
    with pytest.raises(UsageError, match=r"'u3' is none of the 3 tested users of toy; allowed are .* best, worst"):
        of(stored).pick("u3", ReciprocalRank())


def test_the_lowest_seed_is_taken_unless_one_is_named(stored):
    for seed in (5, 3):
        add(stored, domain="sasrec", seed=seed, domain_ranks=[seed] * 3)
    assert of(stored, "sasrec").record["cell"]["seed"] == 0
    assert of(stored, "sasrec", seed=3).rows[0].ranks["rank"].tolist() == [3, 3, 3]
    with pytest.raises(UsageError, match="cell sasrec is not stored with seed 4; have: 0, 3, 5"):
        of(stored, "sasrec", seed=4)


def test_a_cell_of_several_data_sets_needs_the_name_of_one(stored):
    add(stored, domain="sasrec", dataset="other", domain_ranks=[1, 1, 1])
    with pytest.raises(UsageError, match="stored for several data sets; choose by --dataset: other, toy"):
        of(stored, "sasrec")
    assert of(stored, "sasrec", dataset="other").rows[0].ranks["rank"].tolist() == [1, 1, 1]
    with pytest.raises(UsageError, match="unknown data set of cell sasrec 'toys'; did you mean 'toy'"):
        of(stored, "sasrec", dataset="toys")


def test_an_unknown_cell_is_an_error_with_close_matches(stored):
    with pytest.raises(UsageError, match=r"unknown cell 'sasrek'; did you mean 'sasrec'\? have: llama, llama:llm"):
        of(stored, "sasrek")


def test_a_cell_that_failed_says_why(bench):
    bench.add_failed("no\nluck", domain="sasrec")
    with pytest.raises(ResultsError, match="the cell failed: no luck"):
        of(bench, "sasrec")


def test_a_cell_that_is_there_twice_is_an_error(stored):
    add(stored, domain="sasrec", domain_ranks=[1, 1, 1], hash="89abcdef")
    with pytest.raises(
        ResultsError, match=r"two results for one cell and seed.* --latest, or one by --pick sasrec="
    ):
        of(stored)


def test_a_model_alone_under_other_settings_is_not_compared(bench):
    add(bench, domain="sasrec", domain_ranks=[2, 2, 2], settings={"sasrec": {"epochs": 1}})
    pair = {"domain_ranks": [1, 1, 1], "llm_ranks": [1, 1, 1], "settings": {"sasrec": {"epochs": 2}}}
    add(bench, domain="sasrec", llm="llama", **pair)
    with pytest.raises(ResultsError, match="settings of sasrec is not that of"):
        of(bench)


def test_a_cell_without_lists_is_an_error(bench):
    bench.add("sasrec", domain_ranks=[1, 2])
    with pytest.raises(ResultsError, match=r"top\.parquet: no best items were stored"):
        of(bench, "sasrec")
