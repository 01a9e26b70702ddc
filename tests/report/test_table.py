import pytest
from scipy import stats

from corecbench.api import UsageError
from corecbench.report.evidence.contrasts import Method
from corecbench.report.evidence.rows import AT_LIMIT
from corecbench.report.views.provenance import made_with
from corecbench.results.record import ResultsError
from corecbench.stats.paired import METHODS

from .conftest import shown

PROTOCOL = {"split": "leave-one-out", "candidates": "full catalogue"}
SIX_AT_2, SIX_AT_1 = [2] * 6, [1] * 6

# --- metrics ----------------------------------------------------------------------------------------------------


def test_a_metric_is_the_mean_over_users(bench):
    bench.add("sasrec", domain_ranks=[1, 2, 4])
    row = bench.rows()["sasrec", "domain"]
    assert row.metrics == pytest.approx({"HR@1": 1 / 3, "MRR": (1 + 1 / 2 + 1 / 4) / 3})
    assert (row.n_users, row.seeds, row.comparison, row.notes) == (3, (0,), None, ())


def test_users_are_averaged_over_seeds(bench):
    bench.add("sasrec", seed=0, domain_ranks=[1, 2])
    bench.add("sasrec", seed=1, domain_ranks=[2, 2])
    row = bench.rows()["sasrec", "domain"]
    assert row.metrics == pytest.approx({"HR@1": 1 / 4, "MRR": (3 / 4 + 1 / 2) / 2})
    assert row.seeds == (0, 1)


def test_both_sides_of_a_joint_cell_are_rows(pair):
    rows = pair.rows()
    assert rows["sasrec + llama", "domain"].metrics["MRR"] == 1
    assert rows["sasrec + llama", "llm"].metrics["MRR"] == 1 / 4
    assert rows["sasrec + llama", "llm"].key.sharing == "bdlm"
    assert rows["llama", "llm"].key.sharing is None


def test_an_ensemble_is_a_row_below_the_pair_s_own_and_compared_with_the_domain_model_alone(combined):
    combined.add("sasrec", "llama", domain_ranks=SIX_AT_2, llm_ranks=SIX_AT_2)
    combined.add("gru4rec", domain_ranks=[4] * 6)
    rows = shown(combined.table())
    assert [(row.key.model, row.key.side, row.key.sharing) for row in rows] == [
        ("sasrec", "domain", None),
        ("sasrec + llama", "domain", "mix"),
        ("sasrec + llama", "ensemble", "mix"),
        ("sasrec + llama", "domain", "bdlm"),
        ("gru4rec", "domain", None),
        ("llama", "llm", None),
        ("sasrec + llama", "llm", "mix"),
        ("sasrec + llama", "llm", "bdlm"),
    ]
    assert rows[2].metrics["MRR"] == 1
    assert (rows[2].comparison.base, rows[2].comparison.change) == (1 / 2, pytest.approx(1))


def test_the_ensemble_of_a_cell_that_failed_is_a_row_with_the_reason(combined):
    combined.add_failed("no luck", domain="sasrec", llm="llama", sharing="mix", seed=1, combines=True)
    row = combined.rows()["sasrec + llama", "ensemble"]
    assert not row.is_complete
    assert "seed 1 failed: no luck" in row.notes


# --- comparisons ------------------------------------------------------------------------------------------------


def test_each_side_is_compared_with_its_own_solo_row(pair):
    rows = pair.rows()
    assert rows["sasrec + llama", "domain"].comparison.change == pytest.approx(1)  # 1/2 -> 1
    assert rows["sasrec + llama", "llm"].comparison.change == pytest.approx(-1 / 2)  # 1/2 -> 1/4


def test_p_is_that_of_the_paired_test_and_is_adjusted_for_the_family(pair):
    # all six users move the same way: 2 of 2**6 choices of signs; two tests, so Holm doubles the smaller
    for side in ("domain", "llm"):
        comparison = pair.rows(method=Method("permutation"))["sasrec + llama", side].comparison
        assert comparison.test.p == 2 / 64
        assert comparison.p_adjusted == 4 / 64
        assert comparison.test.n == 6


@pytest.mark.parametrize(
    ("correction", "factors"), [("holm", (2, 2)), ("hochberg", (1, 1)), ("bh", (1, 1)), ("none", (1, 1))]
)
def test_the_correction_can_be_chosen(pair, correction, factors):
    rows = shown(pair.table(method=Method("permutation", correction)))
    adjusted = [row.comparison.p_adjusted for row in rows if row.comparison]
    assert adjusted == [factor * 2 / 64 for factor in factors]


def test_controls_do_not_make_it_harder_for_pairs(pair):
    before = pair.rows(method=Method("permutation"))["sasrec + llama", "domain"].comparison.p_adjusted
    for name in ("shuffled-texts", "untrained-llm"):
        pair.add("sasrec", "llama", control=name, domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_2)
    pair.add("sasrec", "llama", sharing="alone", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_2)
    rows = shown(pair.table(method=Method("permutation"), unshared={"alone"}))
    adjusted = {
        (row.key.control or row.key.sharing, row.key.side): row.comparison.p_adjusted
        for row in rows
        if row.comparison
    }
    assert adjusted["bdlm", "domain"] == before == 2 * 2 / 64
    assert adjusted["alone", "domain"] == adjusted["shuffled-texts", "domain"] == 6 * 2 / 64
    assert adjusted["alone", "llm"] == 1


def test_users_are_paired_by_their_ids(bench):
    bench.add("sasrec", domain_ranks=[1, 2, 4], users=["a", "b", "c"])
    bench.add("sasrec", "llama", domain_ranks=[4, 2, 1], llm_ranks=[1, 1, 1], users=["c", "b", "a"])
    comparison = bench.rows()["sasrec + llama", "domain"].comparison
    assert (comparison.change, comparison.test.p) == (0, 1)


def test_only_seeds_that_both_rows_have_are_compared(bench):
    bench.add("sasrec", seed=0, domain_ranks=SIX_AT_2)
    bench.add("sasrec", seed=1, domain_ranks=[8] * 6)
    bench.add("sasrec", "llama", seed=0, domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1)
    bench.add("sasrec", "llama", seed=2, domain_ranks=[8] * 6, llm_ranks=SIX_AT_1)
    row = bench.rows()["sasrec + llama", "domain"]
    assert row.comparison.change == pytest.approx(1)  # seed 0: 1/2 -> 1
    assert (row.seeds, row.notes) == ((0, 2), ("seed 1 missing",))


def test_sharing_modules_are_rows_of_their_own_with_the_same_solo_row(pair):
    pair.add("sasrec", "llama", sharing="none", domain_ranks=SIX_AT_2, llm_ranks=SIX_AT_2)
    changes = {(r.key.sharing, r.key.side): r.comparison.change for r in shown(pair.table()) if r.comparison}
    assert changes["none", "domain"] == 0
    assert changes["bdlm", "domain"] == pytest.approx(1)


def test_a_control_is_a_row_beside_its_pair_compared_with_the_same_solo_row(pair):
    pair.add("sasrec", "llama", control="shuffled-texts", domain_ranks=SIX_AT_2, llm_ranks=SIX_AT_1)
    rows = shown(pair.table())
    assert [(row.key.side, row.key.model, row.key.sharing, row.key.control) for row in rows] == [
        ("domain", "sasrec", None, None),
        ("domain", "sasrec + llama", "bdlm", None),
        ("domain", "sasrec + llama", "bdlm", "shuffled-texts"),
        ("llm", "llama", None, None),
        ("llm", "sasrec + llama", "bdlm", None),
        ("llm", "sasrec + llama", "bdlm", "shuffled-texts"),
    ]
    changes = [row.comparison.change if row.comparison else None for row in rows]
    assert changes == pytest.approx([None, 1, 0, None, -1 / 2, 1])  # 1/2 -> 1, 1/2, 1/4, 1


def test_rows_stand_in_order_whatever_the_order_of_the_records(bench):
    both = {"domain_ranks": SIX_AT_1, "llm_ranks": SIX_AT_2}
    bench.add("sasrec", "llama", sharing="none", **both)
    bench.add("sasrec", "llama", control="no-mutual", sharing="bdlm", **both)
    bench.add("sasrec", "qwen", **both)
    bench.add("sasrec", "llama", sharing="bdlm", **both)
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    rows = [
        (row.key.model, row.key.sharing, row.key.control)
        for row in shown(bench.table())
        if row.key.side == "domain"
    ]
    assert rows == [
        ("sasrec", None, None),
        ("sasrec + llama", "none", None),
        ("sasrec + llama", "bdlm", None),
        ("sasrec + llama", "bdlm", "no-mutual"),
        ("sasrec + qwen", "bdlm", None),
    ]


def test_the_test_is_over_users_and_seeds_unless_another_is_chosen(pair):
    def name(**options):
        return pair.rows(**options)["sasrec + llama", "domain"].comparison.test.name

    assert name() == "two-sided t test over users and seeds"
    assert name(method=Method("t")) == "two-sided paired t test over users"
    assert name(method=Method("wilcoxon")).startswith("two-sided Wilcoxon")


def test_a_solo_row_of_zero_has_no_relative_change(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add("sasrec", "llama", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1)
    assert bench.rows(tested="HR@1")["sasrec + llama", "domain"].comparison.change is None


def test_a_joint_row_is_never_compared_with_a_solo_row_that_ran_out_of_epochs(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2, stopped_by="epochs")
    bench.add("sasrec", "llama", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1, stopped_by="turns")
    solo, joint = bench.rows()["sasrec", "domain"], bench.rows()["sasrec + llama", "domain"]
    assert solo.notes == (AT_LIMIT,)
    assert joint.comparison is None
    assert joint.notes == (f"not compared: its solo row was {AT_LIMIT}",)


def test_a_joint_row_without_a_solo_row_says_so(bench):
    bench.add("sasrec", "llama", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1)
    assert bench.rows()["sasrec + llama", "llm"].notes == ("not compared: no solo row",)


# --- comparisons that say little --------------------------------------------------------------------------------


def joint(bench, alone, together, **options):
    """Return the comparison of a pair with a model alone, from their ranks."""
    bench.add("sasrec", domain_ranks=alone)
    bench.add("sasrec", "llama", domain_ranks=together, llm_ranks=together)
    return bench.rows(**options)["sasrec + llama", "domain"].comparison


@pytest.mark.parametrize("test", METHODS)
def test_equal_ranks_are_no_difference_by_any_test(bench, test):
    comparison = joint(bench, [1, 2, 3], [1, 2, 3], method=Method(test))
    assert (comparison.test.p, comparison.p_adjusted, comparison.difference, comparison.change) == (1, 1, 0, 0)
    assert comparison.p_equivalence is None  # that users who do not differ will never differ is not known either
    assert comparison.sizes.shares.equal == 1


def test_users_who_all_gain_the_same_have_no_interval(bench):
    comparison = joint(bench, [2] * 6, [1] * 6)
    assert (comparison.test.p, comparison.change) == (1, 1)  # what does not vary says nothing of other users
    by_t = bench.rows(method=Method("t"))["sasrec + llama", "domain"].comparison
    assert by_t.test.p == 0  # the t test takes a variance of 0 as known
    assert (comparison.sizes.interval, comparison.sizes.dz, comparison.p_equivalence) == (None, None, None)


def test_one_seed_says_nothing_of_seeds(bench):
    comparison = joint(bench, [2, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1])
    assert comparison.seeds == (0,)
    assert comparison.sizes.interval is not None
    assert comparison.sizes.variance is None


def test_one_user_is_not_tested(bench):
    assert joint(bench, [2], [1]) is None
    row = bench.rows()["sasrec + llama", "domain"]
    assert row.metrics["MRR"] == 1
    assert row.notes == ("not compared: a paired test needs 2 users",)


def test_alike_is_adjusted_within_the_family_too(bench):
    # three rows differ by the same, so p of equivalence is the same and Holm takes it three times
    ranks = [1] * 50 + [2] * 50
    bench.add("sasrec", domain_ranks=ranks[::-1])
    for llm in ("llama", "qwen", "gemma"):
        bench.add("sasrec", llm, domain_ranks=ranks, llm_ranks=ranks)
    comparisons = [row.comparison for row in shown(bench.table(method=Method(margin=0.2))) if row.comparison]
    assert [each.p_equivalence for each in comparisons] == pytest.approx(
        [3 * each.sizes.equivalence.p for each in comparisons]
    )


# --- rows that no seed can change ---------------------------------------------------------------------------------

UNTRAINED = {"costs": {"epochs": 0, "trainable_parameters": 0}}
"""What is stored of a model that nothing is trained of."""
TWELVE, TEN_BETTER = [2] * 12, [1] * 10 + [2] * 2


def test_rows_in_which_nothing_trains_need_one_seed(bench):
    # ten of twelve gain 1/2: t = sqrt(10/12 / (2/12 / 11)) with 11 degrees of freedom
    bench.add("popularity", domain_ranks=TWELVE, **UNTRAINED)
    bench.add("popularity", "llama", domain_ranks=TEN_BETTER, llm_ranks=TWELVE, **UNTRAINED)
    comparison = bench.rows()["popularity + llama", "domain"].comparison
    assert comparison.is_significant
    assert comparison.test.p == pytest.approx(2 * stats.t.sf((10 / 2 * 11) ** 0.5, 11))


def test_a_row_in_which_nothing_trains_counts_for_all_seeds_of_a_trained_one(bench):
    bench.add("popularity", domain_ranks=TWELVE, **UNTRAINED)
    for seed in (3, 4, 5):
        ranks = [1] * (seed + 6) + [2] * (6 - seed)
        bench.add("popularity", "llama", seed=seed, domain_ranks=ranks, llm_ranks=TWELVE)
    row = bench.rows()["popularity + llama", "domain"]
    # 9, 10 and 11 of twelve gain 1/2
    assert row.comparison.seeds == (3, 4, 5)
    assert row.comparison.difference == pytest.approx(10 / 12 / 2)
    assert row.comparison.is_significant
    assert bench.rows()["popularity", "domain"].notes == ()
    assert bench.rows()["popularity", "domain"].is_complete


def test_two_seeds_of_a_trained_row_are_too_few_beside_one_that_is_not(bench):
    bench.add("popularity", domain_ranks=TWELVE, **UNTRAINED)
    for seed in range(2):
        bench.add("popularity", "llama", seed=seed, domain_ranks=TEN_BETTER, llm_ranks=TWELVE)
    comparison = bench.rows()["popularity + llama", "domain"].comparison
    assert comparison.test.p < 0.001
    assert comparison.lacks_seeds
    assert not comparison.is_significant


@pytest.mark.parametrize(
    "of",
    [
        {"train_share": 0.5, **UNTRAINED},
        {"cold_items": 0.1, **UNTRAINED},
        {"costs": {"epochs": 0}},  # parameters that may have been set by chance
        {"epochs": [{"turn": 1, "side": "domain"}], **UNTRAINED},
    ],
)
def test_what_is_drawn_or_trained_by_seed_is_not_settled_by_one(bench, of):
    bench.add("popularity", domain_ranks=TWELVE, **of)
    bench.add("popularity", "llama", domain_ranks=TEN_BETTER, llm_ranks=TWELVE, **of)
    comparison = bench.rows()["popularity + llama", "domain"].comparison
    assert comparison.lacks_seeds


def test_a_control_draws_by_seed(bench):
    bench.add("popularity", domain_ranks=TWELVE, **UNTRAINED)
    bench.add("popularity", "llama", control="x", domain_ranks=TEN_BETTER, llm_ranks=TWELVE, **UNTRAINED)
    assert bench.rows()["popularity + llama", "domain"].comparison.lacks_seeds


def test_seeds_that_differ_show_that_something_was_drawn_whatever_the_records_say(bench):
    for seed in range(2):
        bench.add("popularity", seed=seed, domain_ranks=[2 + seed] * 12, **UNTRAINED)
        bench.add("popularity", "llama", seed=seed, domain_ranks=TEN_BETTER, llm_ranks=TWELVE, **UNTRAINED)
    assert bench.rows()["popularity + llama", "domain"].comparison.lacks_seeds


# --- order and gaps ---------------------------------------------------------------------------------------------


def test_each_joint_row_follows_its_solo_row(bench):
    both = {"domain_ranks": SIX_AT_1, "llm_ranks": SIX_AT_1}
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add("sasrec", dataset="other", domain_ranks=SIX_AT_2)
    bench.add("lightgcn", domain_ranks=SIX_AT_2)
    bench.add("sasrec", "llama", **both)
    bench.add("lightgcn", "llama", **both)
    bench.add(llm="llama", llm_ranks=SIX_AT_2)
    assert [(row.key.dataset, row.key.model, row.key.side) for row in shown(bench.table())] == [
        ("toy", "sasrec", "domain"),
        ("toy", "sasrec + llama", "domain"),
        ("toy", "lightgcn", "domain"),
        ("toy", "lightgcn + llama", "domain"),
        ("toy", "llama", "llm"),
        ("toy", "sasrec + llama", "llm"),
        ("toy", "lightgcn + llama", "llm"),
        ("other", "sasrec", "domain"),
    ]


def test_a_failed_cell_is_shown_with_its_message(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add_failed("out of\nmemory", domain="sasrec", llm="llama")
    row = bench.rows()["sasrec + llama", "domain"]
    assert (row.metrics, row.seeds, row.comparison) == ({}, (), None)
    assert row.notes[0] == "seed 0 failed: out of memory"


def test_of_a_long_message_the_middle_is_left_out(bench):
    bench.add_failed("x" * 200 + "y" * 51, domain="sasrec")
    assert bench.rows()["sasrec", "domain"].notes == ("seed 0 failed: " + "x" * 18 + "..." + "y" * 51,)


def test_a_row_with_a_failed_seed_shows_the_others(bench):
    bench.add("sasrec", seed=0, domain_ranks=SIX_AT_2)
    bench.add_failed(seed=1, domain="sasrec")
    row = bench.rows()["sasrec", "domain"]
    assert (row.metrics["MRR"], row.seeds, row.notes) == (1 / 2, (0,), ("seed 1 failed: no luck",))


def test_seeds_that_fail_alike_share_a_note(bench):
    for seed in range(3):
        bench.add_failed(seed=seed, domain="sasrec")
    assert bench.rows()["sasrec", "domain"].notes == ("seeds 0-2 failed: no luck",)


def test_a_joint_row_whose_solo_row_failed_is_not_compared(bench):
    bench.add_failed(domain="sasrec")
    bench.add("sasrec", "llama", domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1)
    row = bench.rows()["sasrec + llama", "domain"]
    assert row.metrics["MRR"] == 1
    assert row.notes == ("not compared: no seed that succeeded here and in its solo row",)


def test_a_cell_whose_ranks_are_damaged_is_shown_as_incomplete(bench):
    (bench.add("sasrec", domain_ranks=SIX_AT_2) / "ranks.parquet").unlink()
    assert bench.rows()["sasrec", "domain"].notes == ("seed 0 damaged, see `corecbench results verify`",)


# --- what must not share a table --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"protocol": PROTOCOL | {"candidates": "99 sampled"}},
            "protocol is not .*candidates: 99 sampled, there full",
        ),
        ({"data": {"fingerprint": "f", "split_fingerprint": "z"}}, "split is not .*z, there s"),
        ({"settings": {"sasrec": {"epochs": 9}}}, "settings of sasrec is not .*epochs: 9, there 3"),
    ],
)
def test_results_that_cannot_be_compared_share_no_table(bench, change, message):
    bench.add("sasrec", protocol=PROTOCOL, settings={"sasrec": {"epochs": 3}}, domain_ranks=SIX_AT_2)
    bench.add("gru4rec", domain_ranks=SIX_AT_1, **({"protocol": PROTOCOL} | change))
    with pytest.raises(ResultsError, match=message) as error:
        bench.table()
    assert error.value.exit_code == 5
    assert "\n" not in str(error.value)


def test_data_sets_under_leave_one_out_and_under_time_share_no_table(bench):
    bench.add("sasrec", dataset="other", protocol=PROTOCOL | {"split": "time"}, domain_ranks=SIX_AT_2)
    bench.add("sasrec", protocol=PROTOCOL, domain_ranks=SIX_AT_2)
    found = "toy under leave-one-out.*such results share no table; choose data sets by --datasets"
    with pytest.raises(ResultsError, match=found):
        bench.table()


def test_a_row_says_that_the_model_alone_predicts_with_texts(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    ranked = {"domain_ranks": SIX_AT_1, "llm_ranks": SIX_AT_1}
    bench.add("sasrec", "llama", costs={"predicts": "alone with texts"}, **ranked)
    notes = {row.key.name: row.notes for row in shown(bench.table())}
    assert (
        "kept the model alone with texts in its scores, not clearly worse on validation: seed 0"
        in (notes["sasrec+llama+bdlm:domain"])
    )


@pytest.mark.parametrize(("coupled", "precedes"), [(True, False), (False, True), (None, True)])
def test_a_side_that_was_coupled_to_an_untrained_one_learnt_something_of_it(bench, coupled, precedes):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    costs = {} if coupled is None else {"coupled": coupled}
    bench.add(
        "sasrec", "llama", costs=costs, epochs=[{"side": "domain"}], domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1
    )
    rows = {row.key.name: row for row in bench.table().rows.values()}
    assert rows["sasrec+llama+bdlm:domain"].precedes_the_other_side() is precedes


def test_a_row_says_that_its_llm_was_not_trained(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add("sasrec", "llama", costs={"epochs": 0}, domain_ranks=SIX_AT_1, llm_ranks=SIX_AT_1)
    notes = {row.key.name: row.notes for row in shown(bench.table())}
    assert "the LLM was not trained: seed 0" in notes["sasrec+llama+bdlm:llm"]
    assert "not trained" not in str(notes["sasrec+llama+bdlm:domain"])


def test_a_pair_shares_a_table_with_its_model_if_its_settings_differ_on_purpose(bench):
    alone, wide = ({"sasrec": {"epochs": 3, "width": width}} for width in (64, 128))
    bench.add("sasrec", settings=alone, domain_ranks=SIX_AT_2)
    pair = {"sharing": "bdlm", "settings": wide, "domain_ranks": SIX_AT_1, "llm_ranks": SIX_AT_1}
    bench.add("sasrec", "llama", in_pairs={"sasrec": ["width"]}, **pair)
    table = bench.table()
    assert made_with(table.records())[0] == "Settings that a model has in pairs only: sasrec on toy (width)"
    assert [row.comparison is not None for row in shown(table) if row.key.side == "domain"] == [False, True]
    bench.add("sasrec", "llama", seed=1, **pair)
    with pytest.raises(ResultsError, match=r"settings of sasrec is not .*width: 128, there 64"):
        bench.table()


def test_a_setting_that_came_with_a_later_version_of_a_component_keeps_no_results_apart(bench):
    bench.add("sasrec", protocol=PROTOCOL, settings={"sasrec": {"epochs": 3}}, domain_ranks=SIX_AT_2)
    bench.add("gru4rec", protocol=PROTOCOL, settings={"sasrec": {"epochs": 3, "new": 1}}, domain_ranks=SIX_AT_1)
    assert len(bench.table().rows) == 2
    bench.add("bpr", protocol=PROTOCOL, settings={"sasrec": {"epochs": 3, "new": 2}}, domain_ranks=SIX_AT_1)
    with pytest.raises(ResultsError, match=r"settings of sasrec is not .*new: 2, there 1"):
        bench.table()


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (
            {"algorithms": {"training loop": 1}},
            {"algorithms": {"training loop": 2}},
            "algorithm .*training loop: 2, there 1",
        ),
        (
            {"algorithms": {"sasrec": 1}, "fingerprints": {"sasrec": {"weights": "aa"}}},
            {"algorithms": {"sasrec": 1}, "fingerprints": {"sasrec": {"weights": "bb"}}},
            "what sasrec read .*weights: bb, there aa",
        ),
        (
            {"algorithms": {}, "plugins": {"sasrec": {"distribution": "d", "version": "1"}}},
            {"algorithms": {}, "plugins": {"sasrec": {"distribution": "d", "version": "2"}}},
            "algorithm .*sasrec: 2, there 1",
        ),
    ],
    ids=["training", "weights", "third party"],
)
def test_seeds_of_other_algorithms_or_weights_share_no_row(bench, first, second, said):
    bench.add("sasrec", domain_ranks=SIX_AT_2, **first)
    bench.add("sasrec", seed=1, domain_ranks=SIX_AT_2, **second)
    with pytest.raises(ResultsError, match=said):
        bench.table()


def test_a_table_says_which_of_its_cells_do_not_name_weights_and_algorithms(bench):
    said = "Results of earlier versions do not say which weights and algorithms made them: "
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    assert not any(said in sentence for sentence in made_with(bench.table().records()))
    bench.add("sasrec", seed=1, domain_ranks=SIX_AT_2, algorithms={"sasrec": 1}, fingerprints={})
    assert f"{said}sasrec" in made_with(bench.table().records())


def test_data_sets_have_splits_of_their_own(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add("sasrec", dataset="other", data={"fingerprint": "g", "split_fingerprint": "z"}, domain_ranks=SIX_AT_2)
    assert len(bench.table().rows) == 2


def test_data_sets_may_have_protocols_and_settings_of_their_own(bench):
    for dataset, n in (("toy", 50), ("other", 200), ("third", 50)):
        settings = {"sasrec": {"epochs": n}}
        of = {"protocol": {"split": "leave-one-out", "max_history": n}, "settings": settings}
        bench.add("sasrec", dataset=dataset, domain_ranks=SIX_AT_2, **of)
    assert bench.table().protocol() == {"split": "leave-one-out", "max_history": "50 (toy, third) and 200 (other)"}


def test_a_failed_cell_does_not_keep_the_others_from_their_table(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add_failed(domain="gru4rec", data={"fingerprint": "", "split_fingerprint": ""}, protocol={})
    assert len(bench.table().rows) == 2


def test_two_results_for_one_row_and_seed_are_an_error(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    bench.add("sasrec", hash="ffffffff", domain_ranks=SIX_AT_1)
    with pytest.raises(ResultsError, match=r"two results for one row and seed, .*0123abcd and .*ffffffff"):
        bench.table()


def test_rows_that_rank_different_users_share_no_table(bench):
    bench.add("sasrec", domain_ranks=[1, 2], users=["a", "b"])
    bench.add("gru4rec", domain_ranks=[1, 2], users=["a", "c"])
    message = "gru4rec, seed 0, ranks other users than sasrec, seed 0: 1 of its 2 users are missing and 1 are new"
    remedy = "run both on the same data, or read both from bundles, which number their users"
    with pytest.raises(ResultsError, match=f"^toy: {message}; {remedy}$"):
        bench.table()


def test_rows_that_lack_users_share_no_table(bench):
    bench.add("sasrec", domain_ranks=[1, 2, 3])
    bench.add("gru4rec", domain_ranks=[1, 2])
    with pytest.raises(ResultsError, match="1 of its 3 users are missing and 0 are new"):
        bench.table()


@pytest.mark.parametrize(("column", "kind"), [("history_length", int), ("target_item_id", str)])
def test_rows_whose_users_are_numbered_otherwise_share_no_table(bench, column, kind):
    bench.add("sasrec", domain_ranks=[1, 2, 3], counts={column: list(map(kind, [3, 4, 5]))})
    bench.add("gru4rec", domain_ranks=[1, 2, 3], counts={column: list(map(kind, [3, 5, 4]))})
    message = "gru4rec, seed 0, and sasrec, seed 0 do not mean the same by 2 of 3 users"
    with pytest.raises(ResultsError, match=f"^toy: {message}"):
        bench.table()


def test_no_results_are_an_error(bench):
    with pytest.raises(ResultsError, match="no results to make a table of"):
        bench.table()


def test_the_tested_metric_must_be_among_those_shown(bench):
    bench.add("sasrec", domain_ranks=SIX_AT_2)
    with pytest.raises(UsageError, match="metric 'NDCG@10' is to be tested but not among those shown: HR@1, MRR"):
        bench.table(tested="NDCG@10")


def test_a_sharing_module_has_its_own_settings_with_each_model_and_the_same_in_controls(bench):
    def add(model, rounds, **of):
        settings = {"bdlm": {"rounds": rounds}}
        bench.add(model, "llama", sharing="bdlm", domain_ranks=[1] * 6, llm_ranks=[1] * 6, settings=settings, **of)

    add("sasrec", 1)
    add("gru4rec", 2)
    assert {model for model, _ in bench.rows()} == {"sasrec + llama", "gru4rec + llama"}
    add("sasrec", 2, control="bag-of-words")
    with pytest.raises(ResultsError, match=r"settings of bdlm is not that of .*\(rounds: 2, there 1\)"):
        bench.rows()
