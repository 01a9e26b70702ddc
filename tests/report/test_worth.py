"""What vectors are worth is said by contrasts with words, and with vectors that say nothing."""

import re

import pytest

from corecbench.leakcheck.worth import statement, worths

N = 60
LOW, MIDDLE, HIGH = ([4] * N, [2] * (N - 8) + [3] * 8, [1] * (N - 8) + [2] * 8)
"""Ranks under which the reciprocal rank is low, middle or high."""


def both_sides(ranks):
    """Return the ranks of a pair's sides; the LLM's do not matter here."""
    return {"domain_ranks": ranks, "llm_ranks": LOW}


@pytest.fixture
def told(bench):
    """Store the rows of an audit with these ranks, and return the sentence and the lines that it rests on."""

    def tell(
        words, vectors, both, placebo, leak="no sign", seeds=(0, 1, 2), sharing=("beside-vectors", "beside-both")
    ):
        bench.seeds = seeds
        bench.add("knn", domain_ranks=LOW)
        for name, ranks in (("beside-words", words), *zip(sharing, (vectors, both), strict=True)):
            bench.add("knn", "vectors:mine", sharing=name, **both_sides(ranks))
            if name != "beside-words":
                bench.add("knn", "vectors:mine", sharing=name, control="shuffled-vectors", **both_sides(placebo))
        return statement(bench.table(), "vectors:mine", "toy", leak, 1.25)

    return tell


@pytest.mark.parametrize(
    ("words", "vectors", "both", "placebo", "expected"),
    [
        (MIDDLE, MIDDLE, HIGH, LOW, "more than words"),
        (MIDDLE, MIDDLE, MIDDLE, LOW, "as much as words"),
        (HIGH, MIDDLE, HIGH, LOW, "less than words"),
        (LOW, MIDDLE, HIGH, MIDDLE, "as much as any vectors"),  # shuffled ones do the same
        (LOW, LOW, LOW, LOW, "as much as any vectors"),
    ],
)
def test_each_verdict_has_its_sentence(told, words, vectors, both, placebo, expected):
    said = told(words, vectors, both, placebo)
    assert said.text == f"vectors:mine on toy is worth {expected} beside knn; leaks: no sign (1.2 minutes)"


def test_a_gain_over_words_that_shuffled_vectors_have_too_is_none(told, bench):
    bench.seeds = (0, 1, 2)
    said = told(MIDDLE, MIDDLE, HIGH, LOW)
    assert "more than words" in said.text
    bench.entries = [
        entry
        for entry in bench.entries
        if not (entry[1]["cell"]["sharing"] == "beside-both" and entry[1]["cell"].get("control"))
    ]
    bench.add("knn", "vectors:mine", sharing="beside-both", control="random-vectors", **both_sides(HIGH))
    assert "as much as words" in statement(bench.table(), "vectors:mine", "toy", "no sign", 1).text


def test_where_no_difference_is_seen_the_smallest_that_could_be_is_said(told):
    uncertain = [1, 4] * 10 + MIDDLE[20:]
    said = told(MIDDLE, uncertain, uncertain, MIDDLE)
    assert re.search(
        r"worth as much as any vectors beside knn \(changes below [1-9]\d?% could not be seen\);", said.text
    )


def test_vectors_that_leak_count_for_nothing(told):
    said = told(MIDDLE, MIDDLE, HIGH, LOW, leak="leak")
    assert said.verdict == "loss"
    assert said.text.startswith("vectors:mine on toy leaks, so nothing of this counts: worth more than words")


def test_the_lines_have_each_contrast_with_its_interval(told):
    said = told(MIDDLE, MIDDLE, HIGH, LOW)
    heading, *lines = said.asides
    assert heading == "beside knn, whose MRR with counted words is .4778:"  # (52 / 2 + 8 / 3) / 60
    assert lines[0].startswith("  vectors and words, against words: +95.3% (95% interval +")
    assert lines[1] == "  vectors, against words: +0.0% (no interval: too few users differ)"
    assert [line.split(":")[0].strip() for line in lines[2:]] == [
        "vectors, against shuffled-vectors",
        "vectors and words, against shuffled-vectors",
    ]


def test_a_trained_pair_is_judged_by_its_own_controls_and_needs_seeds(bench):
    bench.seeds = (0,)
    bench.add("sasrec", domain_ranks=LOW)
    for name, control, ranks in (
        ("beside-words", None, MIDDLE),
        ("frozen-pair", None, HIGH),
        ("frozen-pair", "random-vectors", MIDDLE),
    ):
        bench.add("sasrec", "vectors:mine", sharing=name, control=control, **both_sides(ranks))
    (found,) = worths(bench.table())
    assert found.with_words == found.vectors
    assert found.value == "unknown"
    said = statement(bench.table(), "vectors:mine", "toy", "no sign", 1)
    assert "is of unknown worth beside sasrec trained with them before 3 seeds are run; leaks" in said.text


def test_where_nothing_is_trained_one_draw_of_a_placebo_is_enough(bench):
    bench.seeds = (0,)
    untrained = {"costs": {"trainable_parameters": 0}, "epochs": []}
    bench.add("knn", domain_ranks=LOW, **untrained)
    for name, control, ranks in (
        ("beside-words", None, MIDDLE),
        ("beside-vectors", None, MIDDLE),
        ("beside-both", None, HIGH),
        ("beside-vectors", "random-vectors", LOW),
        ("beside-both", "random-vectors", MIDDLE),
    ):
        bench.add("knn", "vectors:mine", sharing=name, control=control, **both_sides(ranks), **untrained)
    (found,) = worths(bench.table())
    assert found.value == "more than words"


def test_without_its_rows_an_audit_cannot_tell(bench):
    bench.add("knn", domain_ranks=LOW)
    said = statement(bench.table(), "vectors:mine", "toy", "no sign", 1)
    assert said.text == "vectors:mine on toy: cannot tell, since rows of the audit failed (1.0 minutes)"
