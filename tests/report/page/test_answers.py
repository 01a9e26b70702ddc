"""The answers, from users whose ranks are known. The metric is one over the rank."""

import pytest

from corecbench.report.evidence.contrasts import Method
from corecbench.report.page.answers import blocks, missing

from ..conftest import METRICS

N = 12
TWO = [2] * N


def answered(bench, **options):
    """Return the paragraphs and answers about a bench, and the notes on its rows."""
    metric = options.pop("metric", METRICS["MRR"])
    evidence = bench.table(metrics={"MRR": metric}, **options)
    found = list(blocks(evidence))
    texts = [block.text for block in found if block.kind == "text"]
    return texts, [item for block in found if block.kind == "answers" for item in block.items], missing(evidence)


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


def cells(answer):
    """Return the table below an answer: compared with -> column -> text."""
    heads = [str(head.markup) for head in answer.figures.heads]
    rows = [[str(field.markup) for field in row] for row in answer.figures.rows]
    return {row[0]: dict(zip(heads[1:], row[1:], strict=True)) for row in rows}


def test_a_gain_answers_yes_with_its_figures_in_a_table(solo):
    # the first ten rank 1 instead of 2: the mean goes from 1/2 to 11/12, by 83.3%
    pair(solo, with_change([1] * 10))
    _, (domain, llm), _ = answered(solo)
    assert (domain.question, domain.verdict, domain.said) == ("Does llama through bdlm help sasrec?", "gain", "yes")
    assert domain.because == "its MRR is 83.3% above that of sasrec alone"
    # differences of 1/2 for 10 of 12 users, relative to 1/2: 10/12 -+ 2.201 sqrt(10/12 2/12 / 11)
    alone = cells(domain)["the model alone"]
    assert (alone["change"], alone["95% interval"]) == ("+83.3%", "+58.6% to +108.1%")
    assert (alone["p (Holm)"], alone["seeds"], alone["verdict"]) == ("&lt;.001", "up in 3 of 3 seeds", "better")
    assert (llm.question, llm.said) == ("Does sasrec through bdlm help llama?", "cannot tell")


def test_a_loss_answers_no(solo):
    pair(solo, with_change([4] * 10))
    domain = answered(solo)[1][0]
    assert (domain.said, domain.because) == ("no", "its MRR is 41.7% below that of sasrec alone")


def test_an_ensemble_is_asked_for_as_one(solo):
    pair(solo, TWO, sharing="mix", ensemble_ranks=with_change([1] * 10))
    texts, answers, _ = answered(solo)
    (ensemble,) = [each for each in answers if "ensemble" in each.question]
    assert (ensemble.question, ensemble.said) == ("Does llama through mix help sasrec as an ensemble?", "yes")
    assert "The best row, sasrec + llama, mix, ensemble, reaches MRR of .9167." in texts[0]


def test_a_change_that_is_not_significant_says_what_could_not_be_seen(solo):
    pair(solo, with_change([1, 1, 1, 4, 4, 4]))
    domain = answered(solo)[1][0]
    start = "its MRR does not differ significantly from that of sasrec alone. A difference below "
    assert domain.said == "cannot tell"
    assert domain.because.startswith(start)
    assert domain.because.endswith("% could not be seen")


def test_a_change_that_only_the_correction_makes_insignificant_says_so(solo):
    # six of twelve gain: p = 2 / 2**6 = .031, and twice that as one of two tests
    pair(solo, with_change([1] * 6))
    domain = answered(solo, method=Method("wilcoxon"))[1][0]
    assert cells(domain)["the model alone"]["p (Holm)"] == ".062"
    assert domain.more == ["Tested on its own, that difference would be significant; as one of 2 it is not."]


@pytest.mark.parametrize(("correction", "column"), [("holm", "p (Holm)"), ("bh", "p (BH)"), ("none", "p")])
def test_the_correction_is_named_and_an_interval_may_be_missing(solo, correction, column):
    # one of twelve gains, and fewer than five who differ say nothing of other users
    pair(solo, with_change([1]))
    texts, (domain, _), _ = answered(solo, method=Method(correction=correction))
    alone = cells(domain)["the model alone"]
    assert (alone["95% interval"], alone[column]) == ("-", "1.000")
    assert texts[-1].startswith(f"Yes and no: {column} is below .05.")


def test_rows_that_are_shown_to_be_alike_answer_no(bench):
    # 1/99 or 1/101 instead of 1/100: users differ by 1%, their means by less
    bench.seeds = range(3)
    bench.add("sasrec", domain_ranks=[100] * N)
    bench.add("sasrec", "llama", domain_ranks=[99, 101] * 6, llm_ranks=TWO)
    domain = answered(bench)[1][0]
    assert (domain.verdict, domain.said) == ("nothing", "no")
    assert domain.because == "its MRR differs by less than 5% from that of sasrec alone"


def test_fewer_than_three_seeds_leave_it_open(bench):
    bench.seeds = range(2)
    bench.add("sasrec", domain_ranks=TWO)
    pair(bench, with_change([1] * 10))
    texts, (domain, llm), _ = answered(bench)
    assert "Fewer than 3 seeds: how far others would move these numbers is not known." in texts[0]
    assert (domain.verdict, domain.said) == ("few seeds", "cannot tell")
    assert domain.because == (
        "a verdict needs 3 seeds; in these trained models its MRR is 83.3% above that of sasrec alone"
    )
    assert (llm.said, llm.because, llm.figures) == ("cannot tell", "no solo row", None)
    assert "is below .05, from 3 seeds on. " in texts[-1]


def test_a_metric_of_which_lower_is_better_helps_by_falling(solo):
    class Rank:
        higher_is_better = False

        def per_user(self, rank, n_candidates):
            return rank.astype(float)

    # the mean rank goes from 2 to 14/12, by 41.7%
    pair(solo, with_change([1] * 10), llm_ranks=with_change([4] * 10))
    _, (domain, llm), _ = answered(solo, metric=Rank())
    assert (domain.said, domain.because) == ("yes", "its MRR is 41.7% below that of sasrec alone")
    assert (llm.said, llm.because) == ("no", "its MRR is 83.3% above that of llama alone")


def test_a_pair_is_compared_with_each_of_its_controls(solo):
    pair(solo, with_change([1] * 10))
    pair(solo, TWO, control="shuffled-texts")
    pair(solo, with_change([1] * 10), llm_ranks=[3] * N, control="untrained-llm")
    solo.add("sasrec", "qwen", domain_ranks=TWO, llm_ranks=TWO, control="shuffled-texts")
    rows = cells(answered(solo)[1][0])
    assert [(name.partition(":")[0], row["verdict"]) for name, row in rows.items()] == [
        ("the model alone", "better"),
        ("the control shuffled-texts", "better"),
        ("the control untrained-llm", "no significant difference"),
    ]


def test_changes_against_controls_are_relative_to_the_model_alone(solo):
    pair(solo, with_change([1] * 10))
    pair(solo, [4] * N, control="shuffled-texts")
    texts, (domain, _), _ = answered(solo)
    # 11/12 against 1/4, of the 1/2 of the model alone; of the control's own mean it would be 8/3
    (change,) = (row["change"] for name, row in cells(domain).items() if name.startswith("the control"))
    assert change == "+133.3%"
    assert "Changes against controls are relative to the model alone." in texts[-1]


def test_without_the_model_alone_changes_against_controls_are_relative_to_them(bench):
    bench.seeds = range(3)
    pair(bench, with_change([1] * 10))
    pair(bench, [4] * N, control="shuffled-texts")
    domain = answered(bench)[1][0]
    assert [row["change"] for row in cells(domain).values()] == ["+266.7%"]


def test_a_control_that_changes_nothing_for_any_user_is_said_to_be_a_fault(solo):
    pair(solo, with_change([1] * 10))
    pair(solo, with_change([1] * 10), control="shuffled-texts")
    domain = answered(solo)[1][0]
    assert domain.more == [
        "The control shuffled-texts had no effect on this model, which is a fault and no finding."
    ]
    assert list(cells(domain)) == ["the model alone"]


def test_a_pair_that_shares_nothing_is_a_control_of_those_that_share(solo):
    pair(solo, with_change([1] * 10))
    pair(solo, TWO, sharing="none")
    domain = answered(solo, unshared={"none"})[1][0]
    assert [name.partition(":")[0] for name in cells(domain)] == ["the model alone", "the control none"]
    assert domain.more[-1].startswith("No placebo was run, such as ")


def test_what_hides_a_pair_is_said_first_of_it_with_the_setting_that_repairs_it(solo):
    settings = {"bdlm": {"alone_unless_better": True}}
    pair(solo, TWO, costs={"kept_alone": True}, settings=settings)
    _, (domain, llm), _ = answered(solo)
    assert domain.more[0] == (
        "sasrec with llama through bdlm on toy is the model alone under seeds 0-2: kept, as the pair was not "
        "clearly better on validation; set bdlm.alone_unless_better=false for the pair."
    )
    assert llm.more == []


def test_failed_and_missing_rows_are_told_once_for_both_sides(solo):
    solo.add_failed("no luck", domain="sasrec", llm="llama", seed=0)
    solo.add("gru4rec", domain_ranks=TWO, seed=1)
    _, (domain, _), notes = answered(solo)
    assert (domain.said, domain.because) == ("cannot tell", "no seed that succeeded here and in its solo row")
    assert [item.text for item in notes if "luck" in item.text] == [
        "sasrec + llama, bdlm: seed 0 failed: no luck; seeds 1-2 missing; not compared: no seed that succeeded "
        "here and in its solo row."
    ]
    assert "gru4rec: seeds 0,2 missing." in [item.text for item in notes]


def test_models_alone_have_nothing_to_compare(solo):
    texts, answers, _ = answered(solo)
    assert texts[1] == "Nothing was trained together here: all rows are models alone, or controls."
    assert answers == []


def test_nothing_that_succeeded_is_said(bench):
    bench.add_failed(domain="sasrec")
    assert answered(bench)[0][0] == "No cell succeeded."


def test_every_data_set_has_its_answers(solo):
    pair(solo, with_change([1] * 10))
    for of in ({"domain": "sasrec", "domain_ranks": TWO}, {"llm": "llama", "llm_ranks": TWO}):
        solo.add(dataset="other", **of)
    pair(solo, with_change([4] * 10), dataset="other")
    _, answers, _ = answered(solo)
    assert [item.said for item in answers] == ["yes", "cannot tell", "no", "cannot tell"]


def test_no_sentence_is_long_or_full_of_figures(solo):
    pair(solo, with_change([1] * 10))
    pair(solo, TWO, control="shuffled-texts")
    texts, answers, _ = answered(solo)
    said = [
        *texts,
        *(f"{each.said}, because {each.because}" for each in answers),
        *(s for a in answers for s in a.more),
    ]
    for sentence in (part for text in said for part in text.replace("NDCG@10", "NDCG").split(". ")):
        assert len(sentence.split()) <= 30, sentence
        assert sum(any(map(str.isdigit, word)) for word in sentence.split()) <= 2, sentence
