"""The steps and contrasts of a ledger, from users whose ranks are known. The metric is one over the rank.

Of 40 users alone each has rank 2, a value of 1/2. A row with `first(n)` ranks the first n users first: it gains 1/2
for each of them, so n/40 of the mean alone.
"""

import numpy as np
import pytest

from corecbench.report.evidence.contrasts import STANDARD, Method
from corecbench.report.evidence.reading import read
from corecbench.stats.components import variance_components
from corecbench.stats.correction import holm
from corecbench.stats.equivalence import tost
from corecbench.stats.paired import paired_test
from corecbench.stats.relative import fieller

from ..stats.conftest import paired_interval
from .conftest import METRICS, controls_with

N = 40
CONTROLS = controls_with({"none", "hybrid"})
TWO = [2] * N
FULL = {
    **{"none": 6, "frozen-bag-of-words": 14, "frozen-texts": 20, "no-mutual": 30, "pair": 36},
    "bag-of-words": 16,
}
"""Row -> how many users it ranks first on the domain side."""


def first(n):
    return [1] * n + [2] * (N - n)


def value(n):
    """Return the metric of each user of a row."""
    return 1 / np.array(first(n), dtype=float)


def add(bench, row, n, llm=0, **of):
    control = None if row in ("none", "hybrid", "pair") else row
    sharing = row if row in ("none", "hybrid") else of.pop("sharing", "bdlm")
    ranks = {"domain_ranks": first(n), "llm_ranks": first(llm)}
    bench.add("sasrec", "llama", sharing=sharing, control=control, **ranks, **of)


def epochs(*sides):
    """Return one epoch in each turn, in this order."""
    return [{"turn": turn, "side": side} for turn, side in enumerate(sides, start=1)]


@pytest.fixture
def alone(bench):
    bench.add("sasrec", domain_ranks=TWO)
    bench.add(llm="llama", llm_ranks=TWO)
    return bench


@pytest.fixture
def full(alone):
    for row, n in FULL.items():
        add(alone, row, n)
    return alone


def ledgers(bench, side="domain", metric=METRICS["MRR"], method=STANDARD, by_slices=False):
    evidence = read(bench.entries, bench.store, {"MRR": metric}, "MRR", method, CONTROLS)
    found = evidence.ledgers(by_slices)
    return [ledger for ledger in found if side in (None, ledger.pair.side)]


def told(ledger, kind):
    return [(each.tells, each.comparison.change) for each in ledger.of_kind(kind)]


# --- the steps ----------------------------------------------------------------------------------------------------


def test_each_planted_difference_is_found_in_its_step(full):
    (ledger,) = ledgers(full)
    assert told(ledger, "step") == [
        ("schedule and ids", pytest.approx(6 / 40)),
        ("counted words", pytest.approx(8 / 40)),
        ("the frozen pretrained LLM", pytest.approx(6 / 40)),
        ("fine-tuning", pytest.approx(10 / 40)),
        ("mutual learning", pytest.approx(6 / 40)),
    ]
    assert told(ledger, "whole") == [("the whole gain", pytest.approx(36 / 40))]


def test_the_steps_add_up_to_the_whole_gain(full):
    (ledger,) = ledgers(full)
    (whole,) = ledger.of_kind("whole")
    steps = ledger.of_kind("step")
    assert sum(each.comparison.difference for each in steps) == pytest.approx(whole.comparison.difference)
    assert {each.comparison.seeds for each in ledger.contrasts} == {steps[0].comparison.seeds}


def test_a_step_is_the_test_of_its_two_rows_in_units_of_the_model_alone(full):
    (ledger,) = ledgers(full, method=Method(margin=0.5))
    step = ledger.of_kind("step")[1]
    upper, lower, base = value(14), value(6), value(0)
    assert step.comparison.means == (pytest.approx(27 / 40), pytest.approx(23 / 40))
    assert step.comparison.test.p == pytest.approx(paired_test(upper, lower).p)
    changes, expected = step.comparison.sizes.changes, fieller(base + upper - lower, base)
    assert (changes.low, changes.high) == pytest.approx((expected.low, expected.high))
    assert step.comparison.sizes.equivalence.p == pytest.approx(tost(upper, lower, 0.5 * 0.5).p)
    assert step.comparison.n_users == N


@pytest.mark.parametrize(
    ("missing", "tells", "upper"),
    [
        (("none",), "schedule and ids + counted words", "frozen-bag-of-words"),
        (
            ("frozen-bag-of-words", "frozen-texts"),
            "counted words + the frozen pretrained LLM + fine-tuning",
            "no-mutual",
        ),
        (("no-mutual",), "fine-tuning + mutual learning", None),
    ],
)
def test_a_step_whose_row_is_missing_is_merged_with_the_next_and_said(alone, missing, tells, upper):
    for row, n in FULL.items():
        if row not in missing:
            add(alone, row, n)
    (ledger,) = ledgers(alone)
    steps = ledger.of_kind("step")
    (merged,) = [each for each in steps if each.merged]
    assert merged.tells == tells
    assert merged.merged == missing
    assert merged.comparison.row.control == upper
    assert set(missing) <= set(ledger.lacking["not run"])
    assert sum(each.comparison.change for each in steps) == pytest.approx(36 / 40)


def test_a_pair_that_shares_nothing_but_in_which_words_have_a_say_is_a_step_and_a_contrast(full):
    add(full, "hybrid", 11, llm=3)
    (ledger,) = ledgers(full)
    assert told(ledger, "step")[:3] == [
        ("schedule and ids", pytest.approx(6 / 40)),
        ("counted words in the scores", pytest.approx(5 / 40)),
        ("counted words", pytest.approx(3 / 40)),
    ]
    assert ("what goes beyond counted words", pytest.approx(25 / 40)) in told(ledger, "contrast")
    (of_llm,) = ledgers(full, side="llm")
    assert told(of_llm, "step")[1] == ("counted words in the scores", pytest.approx(3 / 40))


def test_a_bag_of_words_is_the_step_of_words_where_no_turn_of_its_llm_can_have_reached_it(alone):
    add(alone, "bag-of-words", 14, epochs=epochs("domain", "llm", "llm"))
    add(alone, "frozen-texts", 20)
    add(alone, "pair", 36)
    (ledger,) = ledgers(alone)
    assert told(ledger, "step")[0] == ("schedule and ids + counted words", pytest.approx(14 / 40))
    assert [tells for tells, _ in told(ledger, "contrast")] == [
        "knowledge beyond counted words",
        "training the LLM",
    ]
    assert not any("frozen-bag-of-words" in names for names in ledger.lacking.values())


@pytest.mark.parametrize("course", [(), ("domain", "llm", "domain"), ("llm", "domain")])
def test_a_bag_of_words_that_may_hold_what_its_llm_learnt_is_a_contrast_alone(alone, course):
    add(alone, "bag-of-words", 14, epochs=epochs(*course))
    add(alone, "frozen-texts", 20)
    add(alone, "pair", 36)
    (ledger,) = ledgers(alone)
    assert told(ledger, "step")[0][0] == "schedule and ids + counted words + the frozen pretrained LLM"
    assert ("knowledge beyond counted words", pytest.approx(22 / 40)) in told(ledger, "contrast")
    assert "frozen-bag-of-words" in ledger.lacking["not run"]


def test_where_both_bags_of_words_were_run_the_one_without_turns_is_the_step(alone):
    for row, n in {"bag-of-words": 25, "frozen-bag-of-words": 14, "pair": 36}.items():
        add(alone, row, n, epochs=epochs("domain", "llm"))
    (ledger,) = ledgers(alone)
    assert told(ledger, "step")[0] == ("schedule and ids + counted words", pytest.approx(14 / 40))
    assert told(ledger, "contrast") == [
        ("knowledge beyond counted words", pytest.approx(11 / 40)),
        ("the LLM beyond counted words", pytest.approx(22 / 40)),
    ]


def test_words_that_have_no_say_are_not_missed(full):
    (ledger,) = ledgers(full)
    assert not any("hybrid" in names for names in ledger.lacking.values())


def test_the_llm_side_has_steps_of_its_own(alone):
    for row, n in {"none": 4, "no-mutual": 20, "pair": 25}.items():
        add(alone, row, 0, llm=n)
    (ledger,) = ledgers(alone, side="llm")
    assert told(ledger, "step") == [
        ("schedule and ids", pytest.approx(4 / 40)),
        ("the shared store", pytest.approx(16 / 40)),
        ("mutual learning", pytest.approx(5 / 40)),
    ]
    assert "frozen-texts" not in ledger.lacking["not run"]


def test_a_failed_rung_is_merged_and_told_apart_from_one_that_was_not_run(full):
    full.entries = [entry for entry in full.entries if entry[1]["cell"].get("control") != "no-mutual"]
    full.add_failed(domain="sasrec", llm="llama", control="no-mutual")
    (ledger,) = ledgers(full)
    assert ledger.lacking["failed"] == ["no-mutual"]
    assert ledger.of_kind("step")[-1].merged == ("no-mutual",)


def test_without_a_rung_the_whole_gain_is_the_only_step(alone):
    add(alone, "pair", 30)
    add(alone, "shuffled-texts", 0)
    (ledger,) = ledgers(alone)
    assert ledger.of_kind("step") == []
    assert told(ledger, "whole") == [("the whole gain", pytest.approx(30 / 40))]
    assert told(ledger, "contrast") == [("the right text of each item", pytest.approx(30 / 40))]


# --- contrasts ----------------------------------------------------------------------------------------------------


def test_the_pair_is_contrasted_with_each_control_that_was_run(full):
    for control, n in {"ciphered-texts": 26, "untrained-llm": 31, "no-neighbours": 34, "mine": 35}.items():
        add(full, control, n)
    (ledger,) = ledgers(full)
    assert told(ledger, "contrast") == [
        ("knowledge beyond counted words", pytest.approx(20 / 40)),
        ("the LLM beyond counted words", pytest.approx(22 / 40)),
        ("the meaning of words", pytest.approx(10 / 40)),
        ("training the LLM", pytest.approx(16 / 40)),
        ("pretraining", pytest.approx(5 / 40)),
        ("what mine leaves out", pytest.approx(1 / 40)),
        ("sharing with neighbours", pytest.approx(2 / 40)),
    ]
    assert ledger.lacking == {"not run": ["shuffled-texts"]}


def test_a_control_that_changes_nothing_for_any_user_is_a_fault_and_no_contrast(alone):
    add(alone, "pair", 30, llm=5)
    add(alone, "shuffled-texts", 30, llm=5)
    add(alone, "untrained-llm", 30, llm=6)
    (ledger,) = ledgers(alone)
    assert [each.comparison.other.control for each in ledger.of_kind("contrast")] == ["untrained-llm"]
    assert ledger.lacking["had no effect on this model"] == ["shuffled-texts"]


def test_a_control_under_which_a_pair_stays_the_model_alone_as_without_is_no_fault(alone):
    for row in ("pair", "shuffled-texts"):
        add(alone, row, 0, costs={"kept_alone": True})
    (ledger,) = ledgers(alone)
    assert told(ledger, "contrast") == [("the right text of each item", 0)]
    assert "had no effect on this model" not in ledger.lacking


# --- which pairs have a ledger ------------------------------------------------------------------------------------


def test_a_pair_without_a_control_has_no_ledger(alone):
    add(alone, "pair", 30)
    add(alone, "shuffled-texts", 0, sharing="other")
    assert ledgers(alone, side=None) == []


def test_a_variant_without_controls_has_no_ledger_beside_a_pair_that_has_some(full):
    full.add("sasrec", "llama", sharing="bdlm-wide", domain_ranks=first(36), llm_ranks=TWO)
    assert [ledger.pair.sharing for ledger in ledgers(full)] == ["bdlm"]


def test_a_pair_that_shares_nothing_is_control_enough(alone):
    add(alone, "none", 5)
    add(alone, "pair", 30)
    (ledger,) = ledgers(alone)
    assert told(ledger, "step") == [
        ("schedule and ids", pytest.approx(5 / 40)),
        ("counted words + the frozen pretrained LLM + fine-tuning + mutual learning", pytest.approx(25 / 40)),
    ]


# --- seeds --------------------------------------------------------------------------------------------------------


def test_all_contrasts_are_over_the_seeds_that_all_rows_have_so_that_steps_add_up(bench):
    for seed, n in enumerate((10, 20, 30, 40)):
        bench.add("sasrec", domain_ranks=TWO, seed=seed)
        add(bench, "pair", n, seed=seed)
        if seed:
            add(bench, "bag-of-words", n // 2, seed=seed)
    add(bench, "no-mutual", 8, seed=0)
    (ledger,) = ledgers(bench)
    assert {each.comparison.seeds for each in ledger.contrasts} == {(1, 2, 3)}
    (whole,), (beyond,) = ledger.of_kind("whole"), ledger.of_kind("contrast")
    assert whole.comparison.change == pytest.approx((20 + 30 + 40) / 3 / 40)
    assert beyond.comparison.change == pytest.approx((10 + 15 + 20) / 3 / 40)
    assert sum(each.comparison.change for each in ledger.of_kind("step")) == pytest.approx(
        0 if len(ledger.of_kind("step")) < 2 else whole.comparison.change
    )
    # of whose seeds one would be left
    assert ledger.lacking["left out, as it has 0 of seeds 0-3"] == ["no-mutual"]


def test_a_row_without_a_common_seed_is_no_rung(alone):
    add(alone, "pair", 30)
    add(alone, "none", 5)
    add(alone, "no-mutual", 20, seed=1)
    (ledger,) = ledgers(alone)
    assert ledger.lacking["no seed in common"] == ["no-mutual"]
    assert ledger.of_kind("step")[-1].merged == ("frozen-bag-of-words", "frozen-texts", "no-mutual")


# --- the model alone ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stopped_by", [None, "epochs"])
def test_without_a_fit_model_alone_the_lowest_row_is_the_unit(bench, stopped_by):
    if stopped_by:
        bench.add("sasrec", domain_ranks=TWO, stopped_by=stopped_by)
    add(bench, "none", 8)  # a mean of 24/40
    add(bench, "pair", 20)
    (ledger,) = ledgers(bench)
    assert ledger.no_alone
    assert ledger.of_kind("whole") == []
    (step,) = ledger.of_kind("step")
    assert step.comparison.change == pytest.approx((6 / 40) / (24 / 40))
    assert step.merged == ("frozen-bag-of-words", "frozen-texts", "no-mutual")


# --- families -----------------------------------------------------------------------------------------------------


def test_all_contrasts_are_one_family_in_which_a_contrast_counts_once(alone):
    add(alone, "none", 6)
    add(alone, "bag-of-words", 14, epochs=epochs("domain", "llm"))
    add(alone, "pair", 20)
    (ledger,) = [each for each in ledgers(alone) if each.pair.side == "domain"]
    # the last step is the contrast with the bag of words; the LLM's side has three contrasts without a difference
    p = [paired_test(value(upper), value(lower)).p for upper, lower in ((20, 0), (6, 0), (14, 6), (20, 14))]
    expected = holm([*p, 1, 1, 1, 1])
    found = [each.comparison.p_adjusted for each in ledger.contrasts]
    assert found == pytest.approx([*expected[:4], expected[3]])


def test_the_correction_is_the_one_that_is_chosen(full):
    (ledger,) = ledgers(full, method=Method(correction="none"))
    assert all(each.comparison.p_adjusted == each.comparison.test.p for each in ledger.contrasts)


# --- slices -------------------------------------------------------------------------------------------------------


def test_slices_have_their_own_contrasts_and_leave_the_others_as_they_are(alone):
    counts = {"history_length": np.repeat([1, 9], N // 2), "target_frequency": np.ones(N, dtype=int)}
    for row, n in FULL.items():
        add(alone, row, n, counts=counts)
    (plain,), (sliced,) = ledgers(alone), ledgers(alone, by_slices=True)
    on_all = [each for each in sliced.contrasts if each.comparison.group.slicing is None]
    assert [each.comparison.p_adjusted for each in on_all] == [
        each.comparison.p_adjusted for each in plain.contrasts
    ]
    whole = {
        (each.comparison.group.slicing, each.comparison.group.label): (
            each.comparison.n_users,
            each.comparison.change,
        )
        for each in sliced.contrasts
        if each.kind == "whole"
    }
    assert whole == {
        (None, "all users"): (40, pytest.approx(36 / 40)),
        ("history length", "1"): (20, pytest.approx(1)),
        ("history length", "9"): (20, pytest.approx(16 / 20)),
        ("target frequency", "1"): (40, pytest.approx(36 / 40)),
        ("target frequency in bins", "1-3"): (40, pytest.approx(36 / 40)),
    }


def test_the_variance_of_a_contrast_is_that_of_its_two_rows_and_no_other(bench):
    rows = {"alone": (0, 4, 8), "bag-of-words": (10, 13, 15), "pair": (20, 19, 27)}
    for seed in range(3):
        alone, words, both = (n[seed] for n in rows.values())
        bench.add("sasrec", seed=seed, domain_ranks=first(alone))
        add(bench, "bag-of-words", words, seed=seed)
        add(bench, "pair", both, seed=seed)
    (ledger,) = ledgers(bench)
    (contrast,) = ledger.of_kind("contrast")
    unit, lower, upper = (np.column_stack([value(n) for n in of_seeds]) for of_seeds in rows.values())
    comparison = contrast.comparison
    assert comparison.sizes.variance == pytest.approx(variance_components(upper - lower).shares)
    assert comparison.sizes.interval == pytest.approx(paired_interval(upper, lower))
    assert comparison.change == pytest.approx((upper - lower).mean() / unit.mean())


# --- do no harm ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("better", "worse", "verdict"),
    [(20, 20, "none"), (40, 0, "none"), (0, 40, "harm"), (4, 12, "open")],
)
def test_texts_that_tell_nothing_show_whether_a_pair_does_harm(bench, better, worse, verdict):
    # alone 1/50 for all; beside it 1/48 or 1/52 for some, 4 % more or less, under all of three seeds
    bench.seeds = range(3)
    bench.add("sasrec", domain_ranks=[50] * N)
    ranks = [48] * better + [52] * worse + [50] * (N - better - worse)
    if {better, worse} == {0, N}:
        ranks[0] = 50  # else nothing varies
    bench.add("sasrec", "llama", domain_ranks=[1] * N, llm_ranks=TWO)
    bench.add("sasrec", "llama", control="shuffled-texts", domain_ranks=ranks, llm_ranks=TWO)
    (ledger,) = ledgers(bench)
    base, own = np.full(N, 1 / 50), 1 / np.array(ranks)
    assert ledger.harm.verdict == verdict
    assert ledger.harm.contrast.sizes.equivalence.p == pytest.approx(tost(own, base, 0.01 / 50).p)
    assert ledger.harm.contrast.change == pytest.approx((own.mean() - 1 / 50) * 50)


def test_a_pair_that_keeps_the_model_alone_does_no_harm(bench):
    bench.add("sasrec", domain_ranks=TWO)
    bench.add("sasrec", "llama", domain_ranks=[1] * N, llm_ranks=TWO)
    bench.add("sasrec", "llama", control="shuffled-texts", domain_ranks=TWO, llm_ranks=TWO)
    (ledger,) = ledgers(bench)
    assert (ledger.harm.verdict, ledger.harm.contrast.change) == ("same", 0)


def test_a_metric_of_which_lower_is_better_does_harm_by_rising(bench):
    class Rank:
        higher_is_better = False

        def per_user(self, rank, n_candidates):
            return rank.astype(float)

    bench.seeds = range(3)
    bench.add("sasrec", domain_ranks=[50] * N)
    bench.add("sasrec", "llama", domain_ranks=[1] * N, llm_ranks=TWO)
    worse = [50] + [60] * (N - 1)
    bench.add("sasrec", "llama", control="shuffled-texts", domain_ranks=worse, llm_ranks=TWO)
    (ledger,) = ledgers(bench, metric=Rank())
    assert ledger.harm.verdict == "harm"


def test_fewer_than_three_seeds_say_nothing_of_harm(bench):
    bench.seeds = range(2)
    bench.add("sasrec", domain_ranks=[50] * N)
    bench.add("sasrec", "llama", domain_ranks=[1] * N, llm_ranks=TWO)
    bench.add("sasrec", "llama", control="shuffled-texts", domain_ranks=[50] + [60] * (N - 1), llm_ranks=TWO)
    (ledger,) = ledgers(bench)
    assert ledger.harm.verdict == "few seeds"


def test_harm_is_told_of_the_domain_side_only(alone):
    add(alone, "pair", 30, llm=30)
    add(alone, "shuffled-texts", 0)
    assert [ledger.harm is not None for ledger in ledgers(alone, side=None)] == [True, False]
