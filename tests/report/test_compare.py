import numpy as np
import pytest

from corecbench.api import UsageError
from corecbench.report.compare import build, report
from corecbench.results import ResultsError
from corecbench.stats.intervals import paired_interval

SIX_AT_2, SIX_AT_1 = [2] * 6, [1] * 6


class ReciprocalRank:
    higher_is_better = True

    def per_user(self, rank, n_candidates):
        return 1 / rank


def compare(*benches, baseline="sasrec", **options):
    return build([bench.store for bench in benches], baseline, "MRR", ReciprocalRank(), **options)


def rows(found):
    return {(duel.rival.line.key.dataset, duel.rival.name): duel for duel in found.duels}


# --- who is compared ----------------------------------------------------------------------------------------------


def test_every_side_of_every_cell_is_compared_and_the_baseline_is_first(pair):
    pair.add("gru4rec", domain_ranks=[4] * 6)
    found = compare(pair, baseline="gru4rec")
    assert [duel.rival.name for duel in found.duels] == [
        "gru4rec",
        "sasrec",
        "sasrec+llama+bdlm:domain",
        "llama",
        "sasrec+llama+bdlm:llm",
    ]
    assert [duel.own for duel in found.duels] == [1 / 4, 1 / 2, 1, 1 / 2, 1 / 4]
    assert [duel.base for duel in found.duels] == [None, 1 / 4, 1 / 4, 1 / 4, 1 / 4]


def test_cells_can_be_chosen(pair):
    found = compare(pair, baseline="llama", cells=["sasrec+llama+bdlm:llm"])
    assert [duel.rival.name for duel in found.duels] == ["llama", "sasrec+llama+bdlm:llm"]
    found = compare(pair, baseline="llama", cells=["sasrec+llama+bdlm"])
    assert [duel.rival.name for duel in found.duels][1:] == ["sasrec+llama+bdlm:domain", "sasrec+llama+bdlm:llm"]


def test_a_side_can_be_the_baseline(pair):
    found = compare(pair, baseline="sasrec+llama+bdlm:llm", cells=["sasrec"])
    assert rows(found)["toy", "sasrec"].change == pytest.approx(1)  # 1/4 -> 1/2


def test_a_cell_whose_name_has_a_colon_can_be_the_baseline(bench):
    bench.add(llm="llama:x", llm_ranks=SIX_AT_2)
    bench.add("sasrec", "llama:x", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1)
    assert compare(bench, baseline="llama:x").duels[0].rival.name == "llama:x"
    assert compare(bench, baseline="sasrec+llama:x+bdlm:llm").duels[0].rival.name == "sasrec+llama:x+bdlm:llm"


def test_a_pair_without_its_side_is_no_baseline(pair):
    message = r"'sasrec\+llama\+bdlm' means several rows; choose one of .*bdlm:domain, .*bdlm:llm"
    with pytest.raises(UsageError, match=message):
        compare(pair, baseline="sasrec+llama+bdlm")


@pytest.mark.parametrize("options", [{"baseline": "sasrek"}, {"cells": ["sasrek"]}])
def test_an_unknown_cell_is_an_error_with_those_that_there_are(pair, options):
    with pytest.raises(
        UsageError, match=r"unknown cell 'sasrek'; did you mean 'sasrec'.* have: llama, sasrec, sasrec"
    ):
        compare(pair, **options)


def test_each_data_set_has_a_baseline_of_its_own(pair):
    pair.add("sasrec", dataset="other", domain_ranks=[4] * 6)
    pair.add("gru4rec", dataset="other", domain_ranks=SIX_AT_2)
    found = rows(compare(pair))
    assert found["other", "gru4rec"].base == 1 / 4
    assert found["toy", "llama"].base == 1 / 2


def test_a_data_set_without_the_baseline_is_refused_unless_it_is_left_out(pair):
    pair.add("gru4rec", dataset="other", domain_ranks=SIX_AT_2)
    with pytest.raises(
        ResultsError, match="other: no cell sasrec to compare with; choose data sets with --datasets"
    ):
        compare(pair)
    assert len(compare(pair, datasets=["toy"]).duels) == 4


# --- the numbers --------------------------------------------------------------------------------------------------


def test_users_are_averaged_over_the_seeds_that_both_have(bench):
    for seed, rank in ((0, 2), (1, 4), (2, 1)):
        bench.add("sasrec", seed=seed, domain_ranks=[rank] * 6)
    ranks = {1: [1, 1, 1, 2, 2, 2], 2: [2] * 6, 3: [1] * 6}
    for seed, rank in ranks.items():
        bench.add("gru4rec", seed=seed, domain_ranks=rank)
    duel = rows(compare(bench))["toy", "gru4rec"]
    own, base = np.repeat([3 / 4, 1 / 2], 3), (1 / 4 + 1) / 2
    assert (duel.seeds, duel.n_users) == ((1, 2), 6)
    assert (duel.own, duel.base) == pytest.approx((5 / 8, 5 / 8))
    assert (duel.difference, duel.change) == pytest.approx((0, 0))
    assert duel.interval == pytest.approx(paired_interval(own, np.full(6, base)))
    assert duel.test.p == 1  # three users gain and three lose the same


def test_p_is_adjusted_over_all_comparisons_of_all_data_sets(pair):
    pair.add("sasrec", dataset="other", domain_ranks=SIX_AT_2)
    pair.add("gru4rec", dataset="other", domain_ranks=SIX_AT_1)
    # all six users move the same way in three of four tests, p = 2/64, and none in the fourth, p = 1
    adjusted = {name: duel.p_adjusted for (_, name), duel in rows(compare(pair)).items() if duel.test}
    assert adjusted == {
        "llama": 1,
        "sasrec+llama+bdlm:domain": pytest.approx(4 * 2 / 64),
        "sasrec+llama+bdlm:llm": pytest.approx(4 * 2 / 64),
        "gru4rec": pytest.approx(4 * 2 / 64),
    }


def test_a_baseline_of_zero_gives_no_relative_change(bench):
    class First(ReciprocalRank):
        def per_user(self, rank, n_candidates):
            return (rank == 1).astype(float)

    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add("gru4rec", domain_ranks=SIX_AT_1)
    duel = build([bench.store], "sasrec", "HR@1", First()).duels[1]
    assert (duel.difference, duel.change) == (1, None)


# --- gaps ---------------------------------------------------------------------------------------------------------


def test_a_failed_cell_is_a_row_with_its_reason(pair):
    pair.add_failed(domain="gru4rec")
    duel = rows(compare(pair))["toy", "gru4rec"]
    assert (duel.own, duel.test) == (None, None)
    assert duel.notes == (
        "seed 0 failed: no luck",
        "not compared: no seed that succeeded here and in the baseline",
    )


def test_cells_without_a_common_seed_are_not_compared(bench):
    bench.add("sasrec", seed=0, domain_ranks=SIX_AT_2)
    bench.add("gru4rec", seed=1, domain_ranks=SIX_AT_2)
    found = compare(bench)
    assert rows(found)["toy", "gru4rec"].notes == ("not compared: no seed that succeeded here and in the baseline",)
    assert "No cell can be compared." in report(found).caption


def test_a_row_that_ran_out_of_epochs_says_so(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2, stopped_by="epochs")
    bench.add("gru4rec", domain_ranks=SIX_AT_2)
    assert [duel.notes for duel in compare(bench).duels] == [("still improving at its epoch limit",), ()]


# --- several benchmarks -------------------------------------------------------------------------------------------


@pytest.fixture
def tuned(bench, tmp_path):
    """A second benchmark with the same model under other settings."""
    other = type(bench)(tmp_path, "tuned")
    bench.add("sasrec", domain_ranks=SIX_AT_2, settings={"sasrec": {"epochs": 3}})
    other.add("sasrec", domain_ranks=SIX_AT_1, settings={"sasrec": {"epochs": 9}})
    return other


def test_cells_of_several_benchmarks_are_compared_under_other_settings(bench, tuned):
    found = compare(bench, tuned, baseline="default/sasrec")
    assert [(duel.rival.benchmark, duel.own) for duel in found.duels] == [("default", 1 / 2), ("tuned", 1)]
    assert report(found).frame["benchmark"].tolist() == ["default", "tuned"]


def test_a_baseline_that_several_benchmarks_have_is_named_with_one(bench, tuned):
    with pytest.raises(UsageError, match=r"means several rows; choose one of default/sasrec, tuned/sasrec"):
        compare(bench, tuned)


def test_benchmarks_of_the_same_name_are_told_apart_by_their_folders(bench, tmp_path):
    again = type(bench)(tmp_path / "again", "default")
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    again.add("sasrec", domain_ranks=SIX_AT_1)
    found = compare(bench, again, bench, baseline=f"{tmp_path}/default/sasrec")
    assert [(duel.rival.benchmark, duel.own) for duel in found.duels] == [
        (f"{tmp_path}/default", 1 / 2),
        (f"{tmp_path}/again/default", 1),
    ]


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": {"split": "random"}}, "protocol is not that of .*split: random, there leave-one-out"),
        ({"data": {"fingerprint": "f", "split_fingerprint": "z"}}, "split is not that of .*z, there s"),
        ({"users": list("abcdef")}, "toy: gru4rec, seed 0, ranks other users"),
    ],
)
def test_cells_under_another_protocol_or_split_are_refused_with_the_reason(bench, tmp_path, change, message):
    other = type(bench)(tmp_path, "other")
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    other.add("gru4rec", domain_ranks=SIX_AT_1, **change)
    with pytest.raises(ResultsError, match=message):
        compare(bench, other)


def test_a_cell_that_is_not_asked_for_may_have_another_protocol(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add("gru4rec", domain_ranks=SIX_AT_1)
    bench.add("lightgcn", domain_ranks=SIX_AT_1, protocol={"split": "random"})
    assert len(compare(bench, cells=["gru4rec"]).duels) == 2


# --- in words -----------------------------------------------------------------------------------------------------


def test_the_table_shows_difference_interval_change_and_p(bench):
    bench.add("sasrec", domain_ranks=[2] * 12)
    bench.add("gru4rec", domain_ranks=[1] * 11 + [2])
    found = report(compare(bench))
    low, high = paired_interval(np.array([1.0] * 11 + [0.5]), np.full(12, 0.5))
    assert found.frame.iloc[1].to_dict() == {
        "data set": "toy",
        "cell": "gru4rec",
        "MRR": ".9583",
        "baseline": ".5000",
        "difference": "+.4583",
        "95% interval": f"[+{low:.4f}, +{high:.4f}]".replace("0.", "."),
        "MRR vs baseline": "+91.7%",
        "p": "<.001",
        "p (Holm)": "<.001",
        "users": "12",
        "seeds": "0",
    }
    assert found.values.iloc[1]["95% low"] == low
    assert found.marks == {(1, "MRR vs baseline"): ["significant"]}


def test_the_caption_states_baseline_protocol_test_and_correction(pair):
    caption = report(compare(pair)).caption
    assert caption.startswith("MRR of cells against sasrec, the first row of a data set. Protocol: ")
    assert "split leave-one-out" in caption
    assert "p: two-sided Wilcoxon signed-rank test, zeros ranked (Pratt), paired over users." in caption
    assert "p (Holm): Holm-adjusted over the 3 tests of this table." in caption
    assert caption.endswith("Device: cpu.")
