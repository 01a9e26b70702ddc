"""The sentences, from users whose ranks are known. The metric is one over the rank."""

import numpy as np
import pytest

from corecbench.report.evidence.contrasts import Method
from corecbench.report.page.summary import blocks

from ..conftest import METRICS

N = 12
TWO = [2] * N


def summary(bench, **options):
    metric = options.pop("metric", METRICS["MRR"])
    found = list(blocks(bench.table(metrics={"MRR": metric}, **options)))
    texts = [block.text for block in found if block.kind == "text"]
    items = [item for block in found if block.kind == "statements" for item in block.items]
    return texts, items


def with_change(ranks, of=TWO):
    """Return ranks of which the first ones are others."""
    return [*ranks, *of[len(ranks) :]]


@pytest.fixture
def solo(bench):
    """sasrec alone ranks all items second, llama alone too, under three seeds."""
    bench.seeds = range(3)
    bench.add("sasrec", domain_ranks=TWO)
    bench.add(llm="llama", llm_ranks=TWO)
    return bench


def pair(bench, ranks, llm_ranks=TWO, **of):
    bench.add("sasrec", "llama", domain_ranks=ranks, llm_ranks=llm_ranks, **of)


def test_a_gain_is_stated_with_its_interval_and_corrected_p(solo):
    # the first ten rank 1 instead of 2: the mean goes from 1/2 to 11/12, by 83.3%
    pair(solo, with_change([1] * 10))
    texts, (domain, llm) = summary(solo)
    assert texts[0] == (
        "Of 2 rows trained together, each against the same model trained alone: 1 gains significantly, 1 shows no "
        "significant change."
    )
    assert domain.verdict == "gain"
    # differences of 1/2 for 10 of 12 users, relative to 1/2: 10/12 -+ 2.201 sqrt(10/12 2/12 / 11)
    assert domain.text == (
        "sasrec gains 83.3% MRR from llama through bdlm (95% interval +58.6% to +108.1%, up in 3 of 3 "
        "seeds, Holm p < .001)."
    )
    assert llm.verdict == "unclear"


def test_a_loss_is_stated_as_one(solo):
    pair(solo, with_change([4] * 10))
    assert summary(solo)[1][0].text.startswith("sasrec loses 41.7% MRR with llama through bdlm (95% interval -5")


def test_the_gain_of_an_ensemble_is_told_as_one(solo):
    pair(solo, TWO, sharing="mix", ensemble_ranks=with_change([1] * 10))
    texts, (_, ensemble, _) = summary(solo)
    assert ensemble.text.startswith("sasrec gains 83.3% MRR from an ensemble with llama through mix (95% interval")
    assert "Best MRR: .9167, sasrec + llama, mix, ensemble" in texts[1]


def test_a_change_that_is_not_significant_says_what_would_have_been_missed(solo):
    pair(solo, with_change([1, 1, 1, 4, 4, 4]))
    _, (domain, _) = summary(solo)
    assert domain.verdict == "unclear"
    assert domain.text.startswith(
        "sasrec neither gains nor loses significantly from llama through bdlm: +12.5% MRR (95%"
    )
    assert domain.asides[0].startswith("A true change below ")
    assert domain.asides[0].endswith("% would be missed more than one time in five.")


def test_a_change_that_only_the_correction_makes_insignificant_says_so(solo):
    # six of twelve gain: p = 2 / 2**6 = .031, and twice that as one of two tests
    pair(solo, with_change([1] * 6))
    _, (domain, _) = summary(solo, method=Method("wilcoxon"))
    assert "Holm p = .062" in domain.text
    assert domain.asides[0] == "Tested alone it would be significant (p = .031); as one of 2 tests it is not."


@pytest.mark.parametrize(
    ("correction", "stated"),
    [("holm", "Holm p = 1.000"), ("bh", "Benjamini-Hochberg p = 1.000"), ("none", "p = 1.000")],
)
def test_the_correction_is_named_and_a_missing_interval_explained(solo, correction, stated):
    # one of twelve gains, and fewer than five who differ say nothing of other users
    pair(solo, with_change([1]))
    texts, (domain, _) = summary(solo, method=Method(correction=correction))
    assert domain.text.endswith(f": +8.3% MRR (no interval: too few users differ, up in 3 of 3 seeds, {stated}).")
    column = {"holm": "p (Holm)", "bh": "p (BH)", "none": "p"}[correction]
    assert texts[-1].startswith(f"A gain or loss is called so where {column} is below .05. Intervals are ")


def test_rows_that_are_shown_to_be_alike_are_said_to_be(bench):
    # 1/99 or 1/101 instead of 1/100: users differ by 1%, their means by less
    bench.seeds = range(3)
    bench.add("sasrec", domain_ranks=[100] * N)
    bench.add("sasrec", "llama", domain_ranks=[99, 101] * 6, llm_ranks=TWO)
    domain = summary(bench)[1][0]
    assert domain.asides == ["Together and alone are alike: they differ by less than 5% (TOST, Holm p < .001)."]


def test_seeds_are_counted_that_agree(solo):
    for seed, ranks in enumerate((with_change([1] * 11), [1] * 12, [4] * 12)):
        pair(solo, ranks, seed=seed)
    texts, (domain, _) = summary(solo)
    assert ", up in 2 of 3 seeds, Holm p" in domain.text
    assert texts[1].startswith("12 users, seeds 0-2. Best MRR: ")


def test_fewer_than_three_seeds_give_no_verdict(bench):
    bench.seeds = range(2)
    bench.add("sasrec", domain_ranks=TWO)
    for control in (None, "shuffled-texts"):
        pair(bench, with_change([1] * 10), control=control)
    texts, (domain, *_) = summary(bench)
    assert texts[0].endswith(
        "each against the same model trained alone: 1 needs 3 seeds for a verdict, 1 could not be compared."
    )
    assert "Fewer than 3 seeds: how far others would move these numbers is not known." in texts[1]
    assert domain.verdict == "few-seeds"
    assert domain.text == (
        "sasrec with llama through bdlm: +83.3% MRR in these trained models; 3 seeds tell whether it helps (95% "
        "interval +58.6% to +108.1%, up in 2 of 2 seeds, Holm p < .001)."
    )
    assert domain.asides[0].startswith("With the texts of other items a verdict takes 3 seeds (+83.3%, ")
    assert domain.asides[0].endswith(
        "In these trained models the pair minus that is +0.0% (no interval: too few users differ)."
    )
    assert "is below .05, from 3 seeds on. Intervals are of the relative change" in texts[-1]


def test_seeds_that_disagree_take_the_verdict_from_users_who_agree(solo):
    # under each seed nearly all users gain or lose alike: over users that is certain, over seeds it is nothing
    for seed, ranks in enumerate(([1] * 11 + [2], [1] * 10 + [2] * 2, [4] * 12)):
        pair(solo, ranks, seed=seed)
    assert summary(solo, method=Method("t"))[1][0].verdict == "gain"
    assert summary(solo)[1][0].verdict == "unclear"


def test_the_best_row_and_the_best_alone_are_named(solo):
    pair(solo, with_change([1] * 10))
    solo.add("gru4rec", domain_ranks=[3] * N)
    assert summary(solo)[0][1].endswith(
        "Best MRR: .9167, sasrec + llama, bdlm (domain side). Best MRR alone: .5000, sasrec."
    )


def test_a_metric_of_which_lower_is_better_gains_by_falling(solo):
    class Rank:
        higher_is_better = False

        def per_user(self, rank, n_candidates):
            return rank.astype(float)

    # the mean rank goes from 2 to 14/12, by 41.7%
    pair(solo, with_change([1] * 10), llm_ranks=with_change([4] * 10))
    _, (domain, llm) = summary(solo, metric=Rank())
    assert (domain.verdict, llm.verdict) == ("gain", "loss")
    assert domain.text.startswith("sasrec gains from llama through bdlm: 41.7% less MRR (95% interval -54")
    assert llm.text.startswith("llama loses with sasrec through bdlm: 83.3% more MRR (95% interval +58.6%")


# --- controls -----------------------------------------------------------------------------------------------------


def test_a_placebo_that_gains_nothing_leaves_the_gain_to_what_it_takes_away(solo):
    pair(solo, with_change([1] * 10))
    pair(solo, TWO, control="shuffled-texts")
    _, (domain, _) = summary(solo)
    assert domain.asides == [
        "With the texts of other items there is no significant change (+0.0%, no interval: too few users differ, "
        "Holm p = 1.000). The pair is better than that (+83.3%, 95% interval +58.6% to +108.1%): the right text of "
        "each item adds to the gain."
    ]


def test_a_placebo_that_gains_as_well_is_stated_and_takes_the_gain_away(solo):
    pair(solo, with_change([1] * 10))
    pair(solo, with_change([1] * 10), llm_ranks=[3] * N, control="untrained-llm")
    _, (domain, _) = summary(solo)
    (aside,) = domain.asides
    assert aside.startswith(
        "With a randomly initialised LLM it gains as well (+83.3%, 95% interval +58.6% to +108.1%, Holm p"
    )
    assert aside.endswith(
        "The pair cannot be told from that (+0.0%, no interval: too few users differ): the gain is not shown to "
        "come from pretraining."
    )


def test_a_control_that_changes_nothing_for_any_user_is_said_to_be_a_fault(solo):
    pair(solo, with_change([1] * 10))
    pair(solo, with_change([1] * 10), control="shuffled-texts")
    _, (domain, _) = summary(solo)
    assert domain.asides == [
        "The control shuffled-texts had no effect on this model, which is a fault and no finding."
    ]


def test_a_pair_that_shares_nothing_is_a_control_of_those_that_share(solo):
    pair(solo, with_change([1] * 10))
    pair(solo, TWO, sharing="none")
    _, (domain, _) = summary(solo, unshared={"none"})
    assert domain.asides[0].startswith("With nothing shared there is no significant change (+0.0%, ")
    assert domain.asides[0].endswith(": sharing adds to the gain.")
    assert domain.asides[1] == (
        "No placebo was run, such as a randomly initialised LLM: whether the LLM's knowledge helps is open."
    )


def test_a_control_that_failed_says_why(solo):
    pair(solo, with_change([1] * 10))
    solo.add_failed("out of\nmemory", domain="sasrec", llm="llama", control="no-mutual", seed=0)
    _, (domain, _, missing) = summary(solo)
    assert domain.asides[0].startswith("Without mutual learning: seed 0 failed: out of memory")
    assert missing.verdict == "missing"
    assert missing.text.startswith("sasrec + llama, bdlm, no-mutual: seed 0 failed: out of memory")


def test_a_control_of_another_pair_is_not_told(solo):
    pair(solo, with_change([1] * 10))
    solo.add("sasrec", "qwen", domain_ranks=TWO, llm_ranks=TWO, control="shuffled-texts")
    asides = [aside for item in summary(solo)[1] for aside in item.asides]
    assert asides
    assert not [aside for aside in asides if aside.startswith("With the texts of other items")]


# --- what is missing ----------------------------------------------------------------------------------------------


def test_failed_and_missing_rows_are_told_once_for_both_sides(solo):
    solo.add_failed("no luck", domain="sasrec", llm="llama", seed=0)
    solo.add("gru4rec", domain_ranks=TWO, seed=1)
    texts, items = summary(solo)
    assert texts[0].endswith("trained alone: 2 could not be compared.")
    assert [item.text for item in items if "luck" in item.text] == [
        "sasrec + llama, bdlm: seed 0 failed: no luck; seeds 1-2 missing; not compared: no seed that succeeded "
        "here and in its solo row."
    ]
    assert "gru4rec: seeds 0,2 missing." in [item.text for item in items]


def test_a_pair_whose_solo_row_was_still_improving_is_not_compared(bench):
    bench.add("sasrec", domain_ranks=TWO, stopped_by="epochs")
    bench.add("sasrec", "llama", domain_ranks=with_change([1] * 10), llm_ranks=TWO)
    texts = [item.text for item in summary(bench)[1]]
    assert "sasrec: still improving at its epoch limit." in texts
    assert (
        "sasrec + llama, bdlm (domain side): not compared: its solo row was still improving at its epoch limit."
        in (texts)
    )


def test_models_alone_have_nothing_to_compare(solo):
    texts, items = summary(solo)
    assert texts[0] == "Nothing was trained together here: all rows are models alone, or controls."
    assert items == []


def test_nothing_that_succeeded_is_said(bench):
    bench.add_failed(domain="sasrec")
    assert summary(bench)[0][1] == "No cell succeeded."


def test_every_data_set_has_its_part(solo):
    pair(solo, with_change([1] * 10))
    for of in ({"domain": "sasrec", "domain_ranks": TWO}, {"llm": "llama", "llm_ranks": TWO}):
        solo.add(dataset="other", **of)
    pair(solo, with_change([4] * 10), dataset="other")
    _, items = summary(solo)
    assert [item.verdict for item in items] == ["gain", "unclear", "loss", "unclear"]
    assert np.char.count([item.text for item in items], "MRR").tolist() == [1] * 4
