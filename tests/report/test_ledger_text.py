"""The table of ledgers and its sentences, from users whose ranks are known. The metric is one over the rank."""

import pytest

from corecbench.report.evidence.contrasts import STANDARD, Method
from corecbench.report.evidence.reading import read
from corecbench.report.views.tables import ledger_table

from .conftest import METRICS, controls_with

N = 40
TWO = [2] * N


def first(n):
    return [1] * n + [2] * (N - n)


@pytest.fixture
def full(bench):
    """Alone no item is first; of a bag of words 16 are, of the pair without mutual learning 20, of the pair 30."""
    bench.seeds = range(3)
    bench.add("sasrec", domain_ranks=TWO)
    bench.add(llm="llama", llm_ranks=TWO)
    epochs = [{"turn": 1, "side": "domain"}, {"turn": 2, "side": "llm"}]
    for control, n in (("bag-of-words", 16), ("no-mutual", 20), ("shuffled-texts", 0), (None, 30)):
        bench.add("sasrec", "llama", control=control, domain_ranks=first(n), llm_ranks=TWO, epochs=epochs)
    return bench


def made(bench, effects=False, method=STANDARD, **of):
    evidence = read(bench.entries, bench.store, {"MRR": METRICS["MRR"]}, "MRR", method, controls_with({"none"}))
    return ledger_table(evidence, effects, **of)


def test_a_line_states_the_difference_its_interval_tests_finding_users_and_seeds(full):
    found = made(full)
    line = found.frame.iloc[1].to_dict()
    p = line.pop("p (TOST, Holm)")
    assert float(p.replace("1.000", "1")) > 0.05
    # 16 of 40 gain 1/2: .2 -+ 2.0227 * .5 sqrt(.4 * .6 / 39)
    assert line == {
        "data set": "toy",
        "model": "sasrec + llama",
        "side": "domain",
        "sharing": "bdlm",
        "part": "step",
        "row": "bag-of-words",
        "minus": "alone",
        "tells": "schedule and ids + counted words",
        "MRR": ".7000",
        "MRR minus": ".5000",
        "difference": "+.2000",
        "95% interval": "[+.1207, +.2793]",
        "change": "+40.0%",
        "p": "<.001",
        "p (Holm)": "<.001",
        "finding": "gain",
        "users": "40",
        "seeds": "0-2",
        "notes": "without none",
    }
    assert found.name == "ledger"
    assert found.marks[1, "change"] == ["significant"]
    assert found.values["change"].iloc[1] == pytest.approx(0.4)


def test_the_caption_says_first_what_a_control_keeps_and_whether_harm_is_done(full):
    caption = made(full).caption
    # 14 of 40 gain 1/2 beyond the bag of words: 35 % -+ 15.4 % of the mean alone
    hidden = (
        "sasrec with llama through bdlm on toy has no training phase of sasrec after one of the LLM, so that it"
    )
    assert caption.startswith(
        f"{hidden} learnt nothing from it: set sasrec.epochs >= 2. "
        "Of sasrec's +75.0% MRR on toy with llama through bdlm, it keeps +40.0% with counted words and a randomly "
        "initialised LLM; knowledge beyond counted words adds +35.0% (95% interval +19.6% to +50.4%, Holm "
        "p < .001, seeds 0-2). "
    )
    assert (
        "Do no harm: with texts that tell nothing, sasrec with llama through bdlm on toy ranks as it does alone "
        "for every user (+0.0%, seeds 0-2). "
    ) in caption


def test_the_caption_states_what_is_missing_the_family_and_what_the_columns_mean(full):
    caption = made(full).caption
    assert "Not run: none, frozen-texts, ciphered-texts, untrained-llm (sasrec+llama+bdlm:domain). " in caption
    assert (
        "p (Holm): Holm-adjusted within one family of 11 contrasts. " in caption
    )  # 6 of the domain side, 5 of the LLM's
    assert "nothing beyond 5% where p (TOST, Holm) is below .05" in caption
    assert "change: the difference relative to the model alone. " in caption


def test_the_sentences_can_be_left_out(full):
    assert made(full, in_words=False).caption.startswith("Protocol: ")


def test_effect_sizes_are_columns_if_asked_for(full):
    plain, more = made(full), made(full, effects=True)
    assert "d_z" not in plain.frame
    assert "d_z" in more.frame
    assert list(more.frame["difference"]) == list(plain.frame["difference"])
    assert len(set(more.frame)) == len(list(more.frame))


def test_a_contrast_that_shows_nothing_says_how_little_it_can_be(bench):
    # 1/99 or 1/101 by turns instead of 1/100: users differ by 1 %, their means by less
    bench.seeds = range(3)
    bench.add("sasrec", domain_ranks=[100] * N)
    bench.add("sasrec", "llama", domain_ranks=[50] * N, llm_ranks=TWO)
    bench.add("sasrec", "llama", control="untrained-llm", domain_ranks=[49, 51] * (N // 2), llm_ranks=TWO)
    found = made(bench)
    lines = found.frame.set_index("part")["finding"]
    assert lines["contrast"].tolist()[0] == "nothing beyond 5%"
    assert ", nothing beyond 5% of the model alone." in found.caption


@pytest.mark.parametrize(("later", "found"), [((), "not testable"), (("domain",), "the same for every user")])
def test_a_step_that_could_not_be_another_is_no_finding(bench, later, found):
    epochs = [{"turn": turn, "side": side} for turn, side in enumerate(("domain", "llm", *later), start=1)]
    bench.add("sasrec", domain_ranks=[100] * N)
    for control in (None, "frozen-texts", "no-mutual"):
        bench.add("sasrec", "llama", control=control, domain_ranks=[50] * N, llm_ranks=TWO, epochs=epochs)
    made_of = made(bench)
    findings = made_of.frame[made_of.frame["minus"].isin(["frozen-texts", "no-mutual"])]
    assert set(findings[findings["side"] == "domain"]["finding"]) == {found}
    assert "not testable" not in set(findings[findings["side"] == "llm"]["finding"])
    assert ("Not testable: no later phase of the recommender" in made_of.caption) is (not later)


def test_a_contrast_without_any_difference_says_so(bench):
    bench.add("sasrec", domain_ranks=[100] * N)
    bench.add("sasrec", "llama", domain_ranks=[50] * N, llm_ranks=TWO)
    # a control that changes neither side would be a fault
    bench.add("sasrec", "llama", control="untrained-llm", domain_ranks=[50] * N, llm_ranks=[3] * N)
    bench.add("sasrec", "llama", control="shuffled-texts", domain_ranks=[100] * N, llm_ranks=TWO)
    found = made(bench)
    findings = found.frame[(found.frame["minus"] == "untrained-llm") & (found.frame["side"] == "domain")]["finding"]
    assert set(findings) == {"the same for every user"}
    assert ", the same for every user. One seed" in found.caption
    assert "through bdlm on toy ranks as it does alone for every user (+0.0%, seed 0)." in found.caption


def test_a_pair_that_gains_nothing_is_told_beside_its_control(bench):
    bench.add("sasrec", domain_ranks=TWO)
    bench.add("sasrec", "llama", domain_ranks=[4] * 8 + [2] * 32, llm_ranks=TWO)
    bench.add("sasrec", "llama", control="shuffled-texts", domain_ranks=[4] * 16 + [2] * 24, llm_ranks=TWO)
    assert made(bench).caption.startswith(
        "sasrec's MRR on toy changes by -10.0% with llama through bdlm, and by -20.0% with the texts of other "
        "items; the right text of each item adds +10.0% (95% interval "
    )


def test_a_control_that_keeps_nothing_is_said_to(full):
    full.entries = [entry for entry in full.entries if entry[1]["cell"].get("control") in (None, "shuffled-texts")]
    assert (
        "Of sasrec's +75.0% MRR on toy with llama through bdlm, it keeps nothing (+0.0%) with the texts of "
        "other items; the right text of each item adds +75.0% ("
    ) in made(full).caption


def test_a_control_with_too_few_seeds_is_left_out_and_the_caption_says_so(full):
    full.add("sasrec", "llama", control="ciphered-texts", domain_ranks=TWO, llm_ranks=TWO, seed=0)
    found = made(full)
    assert set(found.frame["seeds"]) == {"0-2"}
    assert "ciphered-texts" not in found.frame["minus"].tolist()
    assert "left out, as it has 0 of seeds 0-2: ciphered-texts" in found.caption


def test_fewer_than_three_seeds_are_no_finding(bench):
    bench.add("sasrec", domain_ranks=TWO)
    bench.add("sasrec", "llama", domain_ranks=first(30), llm_ranks=TWO)
    bench.add("sasrec", "llama", control="untrained-llm", domain_ranks=first(10), llm_ranks=TWO)
    found = made(bench)
    assert found.frame["finding"].tolist()[:2] == ["needs 3 seeds"] * 2
    assert found.frame["notes"].tolist()[0] == "one seed: shows this run, not the method"
    assert not found.marks
    assert ", for these trained models: a verdict needs 3 seeds. One seed: shows this run" in found.caption
    assert "p: two-sided paired t test over users, for these trained models and without a star" in found.caption
    assert made(bench, method=Method("t")).frame["finding"].tolist()[0] == "gain"


def test_without_controls_the_table_is_empty_and_says_why(bench):
    bench.add("sasrec", domain_ranks=TWO)
    found = made(bench)
    assert len(found.frame) == 0
    assert found.caption.startswith("No pair has a control here")


def test_the_only_control_of_a_pair_is_said_to_have_had_no_effect(bench):
    bench.seeds = range(3)
    for control in (None, "shuffled-texts"):
        bench.add("sasrec", "llama", control=control, domain_ranks=[1, 2, 3], llm_ranks=[2] * 3)
    report = ledger_table(bench.table())
    assert report.values.empty
    assert report.caption.startswith(
        "The control shuffled-texts had no effect on this model, which is a fault and no finding "
        "(sasrec+llama+bdlm:domain on toy). "
    )


def test_the_method_that_is_chosen_is_stated(full):
    caption = made(full, method=Method("wilcoxon", "bh", 0.02)).caption
    assert "p: two-sided Wilcoxon signed-rank test" in caption
    assert "p (BH): Benjamini-Hochberg-adjusted within one family" in caption
    assert "nothing beyond 2% where" in caption
