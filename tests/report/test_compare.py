import numpy as np
import pytest

from corecbench.api import UsageError
from corecbench.report.evidence.comparison import read_comparison
from corecbench.report.evidence.contrasts import Method
from corecbench.report.views.tables import comparison_table as report
from corecbench.results.record import ResultsError

from ..stats.conftest import paired_interval
from .conftest import ReciprocalRank

SIX_AT_2, SIX_AT_1 = [2] * 6, [1] * 6


def compare(*benches, baseline="sasrec", **options):
    return compare_by(ReciprocalRank(), *benches, baseline=baseline, **options)


def compare_by(metric, *benches, **options):
    results = {bench.store: list(bench.store.records()) for bench in benches}
    return read_comparison(results, name="MRR", metric=metric, **options)


def rows(found):
    return {(row.key.dataset, row.name): row for row in found.rows}


# --- who is compared ----------------------------------------------------------------------------------------------


def test_every_side_of_every_cell_is_compared_and_the_baseline_is_first(pair):
    pair.add("gru4rec", domain_ranks=[4] * 6)
    found = compare(pair, baseline="gru4rec")
    assert [row.name for row in found.rows] == [
        "gru4rec",
        "sasrec",
        "sasrec+llama+bdlm:domain",
        "llama",
        "sasrec+llama+bdlm:llm",
    ]
    assert [row.mean for row in found.rows] == [1 / 4, 1 / 2, 1, 1 / 2, 1 / 4]
    assert found.rows[0].contrast is None
    assert [row.contrast.base for row in found.rows[1:]] == [1 / 4] * 4


def test_cells_can_be_chosen(pair):
    found = compare(pair, baseline="llama", cells=["sasrec+llama+bdlm:llm"])
    assert [row.name for row in found.rows] == ["llama", "sasrec+llama+bdlm:llm"]
    found = compare(pair, baseline="llama", cells=["sasrec+llama+bdlm"])
    assert [row.name for row in found.rows][1:] == ["sasrec+llama+bdlm:domain", "sasrec+llama+bdlm:llm"]


def test_an_ensemble_is_named_as_one(combined):
    found = compare(combined, baseline="llama", cells=["sasrec+llama+mix:ensemble"])
    assert [row.name for row in found.rows] == ["llama", "sasrec+llama+mix:ensemble"]
    assert "Side ensemble: " in report(found).caption


def test_a_side_can_be_the_baseline(pair):
    found = compare(pair, baseline="sasrec+llama+bdlm:llm", cells=["sasrec"])
    assert rows(found)["toy", "sasrec"].contrast.change == pytest.approx(1)  # 1/4 -> 1/2


def test_a_cell_whose_name_has_a_colon_can_be_the_baseline(bench):
    bench.add(llm="llama:x", llm_ranks=SIX_AT_2)
    bench.add("sasrec", "llama:x", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1)
    assert compare(bench, baseline="llama:x").rows[0].name == "llama:x"
    assert compare(bench, baseline="sasrec+llama:x+bdlm:llm").rows[0].name == "sasrec+llama:x+bdlm:llm"


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
    assert found["other", "gru4rec"].contrast.base == 1 / 4
    assert found["toy", "llama"].contrast.base == 1 / 2


def test_a_data_set_without_the_baseline_is_refused_unless_it_is_left_out(pair):
    pair.add("gru4rec", dataset="other", domain_ranks=SIX_AT_2)
    with pytest.raises(
        ResultsError, match="other: no cell sasrec to compare with; choose data sets with --datasets"
    ):
        compare(pair)
    assert len(compare(pair, datasets=["toy"]).rows) == 4


# --- the numbers --------------------------------------------------------------------------------------------------


def test_users_are_averaged_over_the_seeds_that_both_have(bench):
    for seed, rank in ((0, 2), (1, 4), (2, 1)):
        bench.add("sasrec", seed=seed, domain_ranks=[rank] * 6)
    ranks = {1: [1, 1, 1, 2, 2, 2], 2: [2] * 6, 3: [1] * 6}
    for seed, rank in ranks.items():
        bench.add("gru4rec", seed=seed, domain_ranks=rank)
    row = rows(compare(bench))["toy", "gru4rec"]
    own, base = np.repeat([3 / 4, 1 / 2], 3), (1 / 4 + 1) / 2
    assert (row.seeds, row.n_users) == ((1, 2), 6)
    found = row.contrast
    assert (row.mean, found.own, found.base) == pytest.approx((5 / 8, 5 / 8, 5 / 8))
    assert (found.difference, found.change) == pytest.approx((0, 0))
    assert found.sizes.interval == pytest.approx(paired_interval(own, np.full(6, base)))
    assert found.test.p == pytest.approx(1)  # three users gain and three lose the same


def p_adjusted(found):
    return {name: row.contrast.p_adjusted for (_, name), row in rows(found).items() if row.contrast}


def test_users_in_order_can_be_compared_alone(bench):
    tied = {"target_is_tied": [True, True, False, False]}
    bench.add("sasrec", domain_ranks=[1, 1, 2, 4], counts=tied)
    bench.add("gru4rec", domain_ranks=[2, 2, 1, 4], counts=tied)
    found = compare(bench, in_order=True)
    # of the last two users 1/2 and 1/4 become 1 and 1/4
    assert [(row.mean, row.n_users) for row in found.rows] == [(3 / 8, 2), (5 / 8, 2)]
    assert "Users are those whose last two items are in order by time" in report(found).caption
    assert compare(bench).rows[0].mean == (1 + 1 + 1 / 2 + 1 / 4) / 4


def test_results_that_do_not_say_who_is_in_order_are_refused(pair):
    with pytest.raises(ResultsError, match="it is not stored whose items are in order"):
        compare(pair, in_order=True)


def test_p_is_adjusted_over_all_comparisons_of_all_data_sets(pair):
    pair.add("sasrec", dataset="other", domain_ranks=SIX_AT_2)
    pair.add("gru4rec", dataset="other", domain_ranks=SIX_AT_1)
    # all six users move the same way in three of four tests, p = 2/64, and none in the fourth, p = 1
    assert p_adjusted(compare(pair, method=Method("permutation"))) == {
        "llama": 1,
        "sasrec+llama+bdlm:domain": 4 * 2 / 64,
        "sasrec+llama+bdlm:llm": 4 * 2 / 64,
        "gru4rec": 4 * 2 / 64,
    }


def test_controls_are_a_family_of_their_own(pair):
    both = {"domain_ranks": SIX_AT_1, "llm_ranks": SIX_AT_2}
    pair.add("sasrec", "llama", control="no-mutual", **both)
    pair.add("sasrec", "llama", sharing="alone", **both)
    found = compare(pair, method=Method("permutation"), unshared={"alone"})
    # p is 2/64 where the users move and 1 where they do not; three rows, and four controls
    assert p_adjusted(found) == {
        "llama": 1,
        "sasrec+llama+bdlm:domain": 3 * 2 / 64,
        "sasrec+llama+bdlm:llm": 3 * 2 / 64,
        "sasrec+llama+bdlm+no-mutual:domain": 4 * 2 / 64,
        "sasrec+llama+bdlm+no-mutual:llm": 1,
        "sasrec+llama+alone:domain": 4 * 2 / 64,
        "sasrec+llama+alone:llm": 1,
    }
    assert "two families of tests: 3 rows against sasrec and 4 controls against sasrec." in report(found).caption


def test_a_baseline_of_zero_gives_no_relative_change(bench):
    class First(ReciprocalRank):
        def per_user(self, rank, n_candidates):
            return (rank == 1).astype(float)

    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add("gru4rec", domain_ranks=SIX_AT_1)
    found = compare_by(First(), bench, baseline="sasrec").rows[1].contrast
    assert (found.difference, found.change) == (1, None)


# --- gaps ---------------------------------------------------------------------------------------------------------


def test_a_failed_cell_is_a_row_with_its_reason(pair):
    pair.add_failed(domain="gru4rec")
    row = rows(compare(pair))["toy", "gru4rec"]
    assert (row.mean, row.contrast) == (None, None)
    assert row.notes == (
        "seed 0 failed: no luck",
        "not compared: no seed that succeeded here and in the baseline",
    )


def test_cells_without_a_common_seed_are_not_compared(bench):
    bench.add("sasrec", seed=0, domain_ranks=SIX_AT_2)
    bench.add("gru4rec", seed=1, domain_ranks=SIX_AT_2)
    found = compare(bench)
    assert rows(found)["toy", "gru4rec"].notes == ("not compared: no seed that succeeded here and in the baseline",)
    assert "No cell can be compared." in report(found).caption


def test_one_user_is_not_tested(bench):
    bench.add("sasrec", domain_ranks=[2])
    bench.add("gru4rec", domain_ranks=[1])
    row = rows(compare(bench))["toy", "gru4rec"]
    assert (row.mean, row.contrast) == (1, None)
    assert row.notes == ("not compared: a paired test needs 2 users",)


def test_a_cell_of_equal_ranks_shows_dashes_for_what_is_not_known(bench):
    for name in ("sasrec", "gru4rec"):
        bench.add(name, domain_ranks=[1, 2, 3, 4, 5, 6])
    shown = report(compare(bench)).frame.iloc[1].to_dict()
    unknown = ["95% interval", "95% interval (change)", "d_z", "detectable", "users needed", "p (TOST, Holm)"]
    assert [shown[name] for name in unknown] == ["-"] * 6
    known = [shown[name] for name in ("difference", "MRR vs baseline", "better/worse/equal", "p")]
    assert known == ["+.0000", "+0.0%", "0/0/100%", "1.000"]


def test_a_row_that_ran_out_of_epochs_says_so(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2, stopped_by="epochs")
    bench.add("gru4rec", domain_ranks=SIX_AT_2)
    assert [row.notes for row in compare(bench).rows] == [("still improving at its epoch limit",), ()]


# --- several benchmarks -------------------------------------------------------------------------------------------


@pytest.fixture
def tuned(bench, tmp_path):
    """A second benchmark with the same model under other settings."""
    other = type(bench)(tmp_path, "tuned")
    bench.add("sasrec", domain_ranks=SIX_AT_2, settings={"sasrec": {"epochs": 3}})
    other.add("sasrec", domain_ranks=SIX_AT_1, settings={"sasrec": {"epochs": 9}})
    return other


def test_a_row_whose_seeds_have_other_settings_is_refused(bench):
    for seed in (0, 1):
        bench.add("gru4rec", seed=seed, domain_ranks=SIX_AT_2)
        settings = {"sasrec": {"epochs": 3 + seed}}
        bench.add("sasrec", seed=seed, domain_ranks=SIX_AT_1, settings=settings, hash=f"{seed:08}")
    with pytest.raises(ResultsError, match=r"settings of sasrec is not that of .*\(epochs: 4, there 3\)"):
        compare(bench, baseline="gru4rec")


def test_cells_of_several_benchmarks_are_compared_under_other_settings(bench, tuned):
    found = compare(bench, tuned, baseline="default/sasrec")
    assert [(row.benchmark, row.mean) for row in found.rows] == [("default", 1 / 2), ("tuned", 1)]
    assert report(found).frame["benchmark"].tolist() == ["default", "tuned"]


def test_a_baseline_that_several_benchmarks_have_is_named_with_one(bench, tuned):
    with pytest.raises(UsageError, match=r"means several rows; choose one of default/sasrec, tuned/sasrec"):
        compare(bench, tuned)


def test_benchmarks_of_the_same_name_are_told_apart_by_their_folders(bench, tmp_path):
    again = type(bench)(tmp_path / "again", "default")
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    again.add("sasrec", domain_ranks=SIX_AT_1)
    found = compare(bench, again, bench, baseline=f"{tmp_path}/default/sasrec")
    assert [(row.benchmark, row.mean) for row in found.rows] == [
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
    assert len(compare(bench, cells=["gru4rec"]).rows) == 2


# --- in words -----------------------------------------------------------------------------------------------------


def test_the_table_shows_the_comparison_and_its_effect_sizes(bench):
    bench.seeds = range(3)
    bench.add("sasrec", domain_ranks=[2] * 12)
    bench.add("gru4rec", domain_ranks=[1] * 6 + [2] * 6)
    found = report(compare(bench))
    # six of twelve users gain 1/2: the mean difference is 1/4, with the standard deviation sqrt(12/11) / 4
    low, high = paired_interval(np.array([1.0] * 6 + [0.5] * 6), np.full(12, 0.5))
    dz = (11 / 12) ** 0.5
    assert (f"{low:.4f}", f"{high:.4f}") == ("0.0841", "0.4159")
    assert found.frame.iloc[1].to_dict() == {
        "data set": "toy",
        "cell": "gru4rec",
        "MRR": ".7500",
        "baseline": ".5000",
        "difference": "+.2500",
        "95% interval": "[+.0841, +.4159]",
        "MRR vs baseline": "+50.0%",
        "95% interval (change)": "[+16.8%, +83.2%]",  # the base is 1/2 for everyone
        "d_z": f"+{dz:.3f}".replace("0.", "."),
        "better/worse/equal": "50/0/50%",
        "detectable": ".2320",  # (2.20 + 0.88) standard errors, quantiles of t with 11 degrees of freedom
        "users needed": "11",
        "p (TOST, Holm)": ".994",  # 3 standard errors beyond 5 % of 1/2
        "p": ".007",
        "p (Holm)": ".007",
        "users": "12",
        "seeds": "0-2",
        "variance: user/seed/rest": "100/0/0%",
        "seeds needed": "2",
    }
    values = found.values.iloc[1]
    assert (values["95% low"], values["95% high"]) == pytest.approx((low, high))
    assert (values["95% low (change)"], values["95% high (change)"]) == pytest.approx((2 * low, 2 * high))
    assert (values["better"], values["worse"], values["equal"]) == (1 / 2, 0, 1 / 2)
    assert values["d_z"] == pytest.approx(dz, abs=1e-15)
    assert found.marks == {(1, "MRR vs baseline"): ["significant"]}
    assert found.legend == {"significant": "p (Holm) below .05"}


def test_several_seeds_add_columns_about_them(bench):
    for seed, ranks in enumerate(([1] * 6 + [2] * 6, [1] * 8 + [2] * 4)):
        bench.add("sasrec", seed=seed, domain_ranks=[2] * 12)
        bench.add("gru4rec", seed=seed, domain_ranks=ranks)
    found = report(compare(bench))
    names = ["variance: user", "variance: seed", "variance: rest"]
    assert found.values.iloc[1][names].sum() == pytest.approx(1)
    assert {"variance: user/seed/rest", "seeds needed"} < set(found.frame)
    assert "the share that is the user, the seed and the rest" in found.caption


def test_without_a_correction_there_is_no_adjusted_p(pair):
    found = report(compare(pair, method=Method("permutation", correction="none")))
    assert [name for name in found.frame if name.startswith("p")] == ["p (TOST)", "p"]
    assert "p is not adjusted for the number of tests; one family of tests: 3 rows against sasrec." in found.caption
    assert found.frame["p"].tolist() == ["-", ".031", "1.000", ".031"]
    assert found.legend == {"significant": "p below .05"}


def test_a_change_against_a_baseline_close_to_zero_is_unbounded(bench):
    # one user of twelve has the baseline above 0, which is compatible with 0
    class Hit(ReciprocalRank):
        def per_user(self, rank, n_candidates):
            return (rank == 1).astype(float)

    bench.add("sasrec", domain_ranks=[1] + [2] * 11)
    bench.add("gru4rec", domain_ranks=[1] * 9 + [2] * 3)
    found = report(compare_by(Hit(), bench, baseline="sasrec"))
    assert found.frame["95% interval (change)"].tolist() == ["-", "unbounded"]
    assert found.values["95% low (change)"].tolist() == [None, None]


def test_the_caption_states_baseline_protocol_test_and_correction(pair):
    caption = report(compare(pair, method=Method("wilcoxon", "bh", 0.125))).caption
    assert caption.startswith("MRR of cells against sasrec, the first row of a data set. Protocol: ")
    assert "split leave-one-out" in caption
    assert "means over 6 users (toy), each user first averaged over the seeds both have (of 0)." in caption
    assert (
        "p: two-sided Wilcoxon signed-rank test over users, zeros ranked (Pratt), for these trained models."
        in caption
    )
    tests = "p (BH): Benjamini-Hochberg-adjusted within one family of tests: 3 rows against sasrec."
    assert tests in caption
    assert (
        "p (TOST, BH): of two one-sided t tests, of a difference of 12.5% of the baseline's mean or more" in caption
    )
    assert caption.endswith("Device: cpu.")
