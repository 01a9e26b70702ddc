import pytest

from corecbench.report.evidence.contrasts import Method
from corecbench.report.evidence.controls import KnownControl, KnownControls, plainly
from corecbench.report.views.captions import main_caption as caption
from corecbench.report.views.tables import main_table as report

from .conftest import shown

SIX_AT_2, SIX_AT_1 = [2] * 6, [1] * 6


def frame(table):
    return report(table).frame


def known(control, summary):
    return KnownControls(by_label={control: KnownControl(control, plainly(control).entry, summary)})


def test_controls_are_a_column_and_explained_only_where_there_are_any(pair):
    assert "control" not in frame(pair.table())
    assert "Control" not in caption(pair.table())
    pair.add("sasrec", "llama", control="shuffled-texts", domain_ranks=SIX_AT_2, llm_ranks=SIX_AT_1)
    assert frame(pair.table())["control"].tolist() == ["-", "-", "shuffled-texts"] * 2
    sentence = "Control shuffled-texts: as the pair beside it, but each item has the text of another item. "
    assert sentence in caption(
        pair.table(controls=known("shuffled-texts", "each item has the text of another item"))
    )


def test_a_stored_control_is_shown_without_its_plugin(pair):
    pair.add("sasrec", "llama", control="theirs:x", domain_ranks=SIX_AT_2, llm_ranks=SIX_AT_1)
    assert frame(pair.table())["control"].tolist() == ["-", "-", "theirs:x"] * 2
    sentence = "Control theirs:x: as the pair beside it, but changed by a plugin that is not here. "
    assert sentence in caption(pair.table())
    assert "Control theirs:x: as the pair beside it, but new. " in caption(
        pair.table(controls=known("theirs:x", "new"))
    )


def test_ensembles_are_explained_only_where_there_are_any(combined, bench):
    sentence = (
        "Side ensemble: both sides' scores combined, any weights chosen on validation; it needs both models, "
        "and is compared with the domain model alone. "
    )
    assert sentence in caption(combined.table())
    assert "an ensemble takes what both sides take" in caption(combined.table(), cost=True)
    bench.entries.pop()
    assert "ensemble" not in caption(bench.table(), cost=True)


def test_the_frame_holds_formatted_text(pair):
    assert frame(pair.table(method=Method("permutation"))).iloc[1].to_dict() == {
        "data set": "toy",
        "model": "sasrec + llama",
        "side": "domain",
        "sharing": "bdlm",
        "HR@1": "1.0000",
        "MRR": "1.0000",
        "MRR vs solo": "+100.0%",
        "p": ".031",
        "p (Holm)": ".062",
        "users": "6",
        "seeds": "0",
    }


def test_effect_sizes_are_columns_where_they_are_asked_for(bench):
    bench.add("sasrec", domain_ranks=[2] * 12)
    bench.add("sasrec", "llama", domain_ranks=[1] * 6 + [2] * 6, llm_ranks=[2] * 12)
    found = report(bench.table(), effects=True)
    names = ["difference", "MRR vs solo", "d_z", "better/worse/equal"]
    # six of twelve users gain 1/2: the mean difference is 1/4, with the standard deviation sqrt(12/11) / 4
    assert found.frame[names].to_numpy().tolist() == [
        ["-"] * 4,
        ["+.2500", "+50.0%", "+.957", "50/0/50%"],
        ["-"] * 4,
    ]
    assert found.values["d_z"].tolist() == [None, pytest.approx((11 / 12) ** 0.5, abs=1e-15), None]
    assert "a difference of 5% of the solo row's mean or more" in found.caption
    assert "d_z" not in report(bench.table()).caption


def test_a_solo_row_has_no_comparison(pair):
    assert frame(pair.table()).iloc[0].tolist() == [
        "toy",
        "sasrec",
        "domain",
        "-",
        ".0000",
        ".5000",
        *"---",
        "6",
        "0",
    ]


def test_the_values_are_numbers_that_are_not_rounded(bench):
    bench.add("sasrec", domain_ranks=[1, 3, 3])
    bench.add("sasrec", "llama", domain_ranks=[1, 3, 2], llm_ranks=[2] * 3)
    solo, joint = report(bench.table(method=Method("t"))).values.to_dict("records")[:2]
    assert solo["MRR"] == pytest.approx(5 / 9, abs=1e-15)
    assert joint["MRR vs solo"] == pytest.approx((11 / 18) / (5 / 9) - 1, abs=1e-15)
    # of three users one gains 1/6: the mean is one standard error, and 1 - 1 / sqrt(2 + 1) of t is further out
    assert (solo["p"], solo["sharing"]) == (None, None)
    assert joint["p"] == pytest.approx(1 - 1 / 3**0.5, abs=1e-12)
    assert (joint["users"], joint["seeds"]) == (3, "0")


def test_a_failed_row_shows_dashes_and_its_reason(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add_failed("out of\nmemory", domain="sasrec", llm="llama")
    cells = frame(bench.table()).set_index(["model", "side"]).loc[("sasrec + llama", "llm")]
    assert cells[["MRR", "p", "users", "seeds"]].tolist() == ["-"] * 4
    assert cells["notes"].startswith("seed 0 failed: out of memory")
    assert report(bench.table()).values["MRR"].tolist() == [1 / 2, None, None]


# --- marks --------------------------------------------------------------------------------------------------------


def marked(table, column, **options):
    found = report(table, **options)
    return [found.marks.get((row, column), []) for row in range(len(found.frame))]


def test_significant_changes_are_marked(bench):
    # of twelve users eleven gain 1/2; for the side that changes nothing p is 1
    bench.seeds = range(3)
    bench.add("sasrec", domain_ranks=[2] * 12)
    bench.add(llm="llama", llm_ranks=[2] * 12)
    bench.add("sasrec", "llama", domain_ranks=[1] * 11 + [2], llm_ranks=[2] * 12)
    cells = frame(bench.table())
    assert cells["MRR vs solo"].tolist() == ["-", "+91.7%", "-", "+0.0%"]
    assert marked(bench.table(), "MRR vs solo") == [[], ["significant"], [], []]
    assert cells["p"].tolist() == ["-", "<.001", "-", "1.000"]
    assert report(bench.table()).legend["significant"] == "p (Holm) below .05"


def test_fewer_than_three_seeds_show_p_and_no_mark(bench):
    bench.seeds = range(2)
    bench.add("sasrec", domain_ranks=[2] * 12)
    bench.add("sasrec", "llama", domain_ranks=[1] * 11 + [2], llm_ranks=[2] * 12)
    assert frame(bench.table())["p"].tolist() == ["-", "<.001", "-"]
    assert marked(bench.table(), "MRR vs solo") == [[], [], []]
    assert marked(bench.table(method=Method("t")), "MRR vs solo") == [[], ["significant"], []]
    assert "for these trained models. p (Holm)" in caption(bench.table(method=Method("t")))


def test_rows_of_three_seeds_and_of_fewer_are_told_apart(bench):
    for seed in range(3):
        bench.add("sasrec", seed=seed, domain_ranks=[2] * 12)
        bench.add("sasrec", "llama", seed=seed, domain_ranks=[1] * 11 + [2], llm_ranks=[2] * 12)
    bench.add("sasrec", "qwen", domain_ranks=[1] * 11 + [2], llm_ranks=[2] * 12)
    assert marked(bench.table(), "MRR vs solo")[:3] == [[], ["significant"], []]
    assert (
        "p: two-sided t test over users and seeds; where fewer than 3 seeds rank the same users, two-sided paired "
        "t test over users, for these trained models and without a star: a verdict needs 3 seeds. "
    ) in caption(bench.table())


def test_the_best_and_the_second_best_are_marked_per_data_set_and_metric(pair):
    pair.add("gru4rec", domain_ranks=[1, 4, 4, 4, 4, 4])
    pair.add("sasrec", dataset="other", domain_ranks=[3] * 6)
    pair.add("gru4rec", dataset="other", domain_ranks=[4] * 6)
    # MRR: gru4rec 3/8, sasrec 1/2, with llama 1; llama 1/2, with sasrec 1/4. HR@1: 1/6, 0, 1, 0, 0
    table = pair.table()
    names = [f"{row.key.dataset} {row.key.model} {row.key.side}" for row in shown(table)]
    assert dict(zip(names, marked(table, "MRR"), strict=True)) == {
        "toy sasrec domain": ["second"],
        "toy sasrec + llama domain": ["best"],
        "toy gru4rec domain": [],
        "toy llama llm": ["second"],
        "toy sasrec + llama llm": [],
        "other sasrec domain": ["best"],
        "other gru4rec domain": ["second"],
    }
    assert marked(table, "HR@1") == [[], ["best"], ["second"], [], [], [], []]


def test_the_lowest_is_best_where_lower_is_better(bench):
    class Rank:
        higher_is_better = False

        def per_user(self, rank, n_candidates):
            return rank.astype(float)

    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add("gru4rec", domain_ranks=SIX_AT_1)
    table = bench.table(metrics={"rank": Rank()}, tested="rank")
    assert marked(table, "rank") == [["second"], ["best"]]
    assert report(table).higher_is_better == {"rank": False}


def test_controls_rows_that_share_nothing_and_incomplete_rows_are_not_best(pair):
    both = {"domain_ranks": SIX_AT_1, "llm_ranks": SIX_AT_2}
    pair.add("sasrec", "llama", control="no-mutual", **both)
    pair.add("sasrec", "llama", sharing="alone", **both)
    pair.add("sasrec", "qwen", **both)
    pair.add_failed(domain="sasrec", llm="qwen", seed=1)
    for model in ({"domain": "sasrec", "domain_ranks": SIX_AT_2}, {"llm": "llama", "llm_ranks": SIX_AT_2}):
        pair.add(seed=1, **model)
    pair.add("sasrec", "llama", seed=1, domain_ranks=[2] * 5 + [1], llm_ranks=SIX_AT_2)
    table = pair.table(unshared={"alone"})
    assert [
        (row.key.model, row.key.sharing, row.key.control, row.metrics["MRR"], *mark)
        for row, mark in zip(shown(table), marked(table, "MRR"), strict=True)
        if row.key.side == "domain"
    ] == [
        ("sasrec", None, None, 1 / 2, "second"),
        ("sasrec + llama", "bdlm", None, pytest.approx((1 + 7 / 12) / 2), "best"),
        ("sasrec + llama", "bdlm", "no-mutual", 1),
        ("sasrec + llama", "alone", None, 1),
        ("sasrec + qwen", "bdlm", None, 1),
    ]


def test_rows_that_are_all_the_same_have_no_best(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add("gru4rec", domain_ranks=SIX_AT_2)
    assert report(bench.table()).marks == {}
    assert report(bench.table()).legend == {}


# --- costs --------------------------------------------------------------------------------------------------------


def test_costs_are_columns_where_they_are_asked_for(bench):
    costs = {"train_s": 10.0, "trainable_parameters": 1200, "parameters": 3400}
    for seed, ms in ((0, 1.0), (1, 2.0)):
        of = costs | {"inference_ms_per_user": ms, "train_s": 10.0 + seed}
        bench.add("sasrec", seed=seed, domain_ranks=SIX_AT_2, costs=of, peak_memory_bytes=2**30)
    assert "train s" not in frame(bench.table())
    found = report(bench.table(), cost=True)
    names = ["train s", "ms/user", "trainable", "parameters", "peak GiB"]
    assert found.frame[names].iloc[0].tolist() == ["10.5", "1.50", "1,200", "3,400", "1.00"]
    assert found.values[names].iloc[0].tolist() == [10.5, 1.5, 1200, 3400, 1]
    assert "Costs are means over seeds" in found.caption
    assert "before this was recorded" not in found.caption


def test_costs_that_were_not_recorded_are_dashes_and_the_caption_says_why(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    found = report(bench.table(), cost=True)
    assert found.frame[["train s", "ms/user", "parameters"]].iloc[0].tolist() == ["1.0", "-", "-"]
    assert " -: the result is from before this was recorded. " in found.caption


def test_a_failed_row_has_no_costs(bench):
    bench.add_failed(domain="sasrec")
    assert frame(bench.table()).to_dict("records")[0].get("train s") is None
    assert report(bench.table(), cost=True).frame["train s"].tolist() == ["-"]


# --- notes and caption --------------------------------------------------------------------------------------------


def test_notes_are_a_column_only_where_there_are_any(pair):
    assert "notes" not in frame(pair.table())
    pair.add_failed(domain="gru4rec")
    assert frame(pair.table())["notes"].tolist()[-1] == ""


def test_the_caption_states_protocol_users_seeds_test_and_correction(pair):
    assert caption(pair.table()) == (
        "Protocol: candidates full catalogue, seen items left out, split leave-one-out, ties against the model. "
        "Metrics are means over 6 users (toy), each user first averaged over seed 0. "
        "MRR vs solo: relative change against the same model trained alone, over the seeds both have. "
        "p: two-sided paired t test over users, for these trained models and without a star: a verdict needs 3 "
        "seeds. p (Holm): Holm-adjusted within one family of tests: 2 joint rows against the model alone. "
        "Device: cpu."
    )


def test_the_caption_states_the_family_of_the_controls(pair):
    pair.add("sasrec", "llama", control="no-mutual", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1)
    pair.add("sasrec", "qwen", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1)
    families = "3 joint rows against the model alone and 2 controls against the model alone. "
    assert f"p (Holm): Holm-adjusted within two families of tests: {families}" in caption(pair.table())


def test_ablations_are_a_family_of_their_own_where_their_pair_stands_beside_them(pair):
    variant = {"distribution": "corecbench", "version": "0", "variant_of": "bdlm"}
    of_one_turn = {"sharing": "one-turn", "plugins": {"one-turn": variant}}
    pair.add("sasrec", "llama", control="no-mutual", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1)
    pair.add("sasrec", "llama", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1, **of_one_turn)
    # qwen has no pair of bdlm itself
    pair.add("sasrec", "qwen", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1, **of_one_turn)
    families = "3 joint rows against the model alone and 2 ablations against the model alone and 2 controls against"
    assert f"Holm-adjusted within three families of tests: {families}" in caption(pair.table())


def test_a_caption_without_tests_states_none(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    assert "Holm" not in caption(bench.table())


def test_the_caption_states_versions_and_devices(bench):
    versions = {"corecbench": "0.1", "torch": "2.6", "python": "3.11"}
    bench.add("sasrec", domain_ranks=SIX_AT_2, versions=versions, commit="0123456789")
    bench.add("gru4rec", domain_ranks=SIX_AT_2, versions=versions, commit="0123456789")
    bench.add_failed(domain="lightgcn", versions=versions | {"torch": "1"}, device="cuda")
    assert caption(bench.table()).endswith("Versions: corecbench 0.1, torch 2.6, commit 0123456. Device: cpu.")


def test_the_caption_says_which_cells_have_other_number_formats(bench):
    of_llm = {"llama": {"dtype": "float32"}, "sasrec": {"loss_dtype": "bfloat16"}}
    bench.add("sasrec", domain_ranks=SIX_AT_2, dtypes={"sasrec": {"loss_dtype": "float32"}})
    bench.add("popularity", domain_ranks=SIX_AT_2, dtypes={})
    bench.add("gru4rec", domain_ranks=SIX_AT_2)
    assert "Number formats" not in caption(bench.table())
    bench.add("sasrec", seed=1, domain_ranks=SIX_AT_2, dtypes={"sasrec": {"loss_dtype": "bfloat16"}})
    bench.add("lightgcn", domain_ranks=SIX_AT_2, dtypes=of_llm)
    assert caption(bench.table()).endswith(
        "Number formats differ between cells: float32 (sasrec) and bfloat16 (sasrec) and "
        "bfloat16/float32 (lightgcn)."
    )


def test_the_caption_says_which_cells_have_other_versions_and_devices(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2, versions={"torch": "2.6", "peft": "1"})
    for seed in range(4):
        bench.add(
            "gru4rec", seed=seed, domain_ranks=SIX_AT_2, versions={"torch": "2.7", "peft": "1"}, device="cuda"
        )
    assert caption(bench.table()).endswith(
        "Versions (they differ between cells): torch 2.6 (sasrec) and 2.7 (gru4rec), peft 1. "
        "Device: cpu (sasrec) and cuda (gru4rec)."
    )


def test_the_caption_counts_who_has_no_history_before_the_test(bench):
    data = {"fingerprint": "f", "split_fingerprint": "s"}
    bench.add("sasrec", domain_ranks=[2] * 6, data=data | {"users_without_history": 1200})
    assert "Not ranked on toy: 1,200 further users, who have no history before the test. " in caption(bench.table())
