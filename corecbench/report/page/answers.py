"""The answers of the page: does the LLM help the recommender, does the recommender help the LLM, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from corecbench.report.evidence.contrasts import ALPHA, FEWEST_SEEDS, Contrast, Verdict
from corecbench.report.evidence.controls import controls_of, has_no_effect
from corecbench.report.labels import label, shorten
from corecbench.report.page.blocks import Answer, Answers, Block, Folded, Heading, Statement, Text, grid, number_of
from corecbench.report.plots.shown_rows import extents, present
from corecbench.report.views.columns import p_name
from corecbench.report.views.findings import (
    agreement,
    amount,
    change,
    excludes_zero,
    hidden,
    relative,
    without_effect,
)
from corecbench.report.views.layout import Column, table
from corecbench.report.views.statistics import intervals_in_words, of_changes
from corecbench.report.wording import decimal, p_value, percent, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey

    Said = Literal["yes", "no", "cannot tell"]

SAID: Mapping[str, Said] = {"gain": "yes", "loss": "no", "nothing": "no"}
"""What a verdict on a contrast answers; all others leave it open."""
NORMAL_95 = 1.96
SEED_DEVIATION = 0.15
"""Nine of ten published rows with three seeds or more have a smaller standard deviation between seeds, as a share
of their mean NDCG@10 (`benchmarks/aa.py` with all bundles)."""
MOST_ANSWERS = 12
"""The most answers of a data set that are seen at once."""


def blocks(evidence: Evidence) -> Iterator[Block]:
    """Yield the answers of each data set, with the numbers of users and seeds and the best rows."""
    for dataset in evidence.datasets:
        yield Heading(dataset)
        yield Text(sentences(*extent(evidence, dataset), *best(evidence, dataset)))
        answers = [answer(evidence, key) for key in pairs(evidence, dataset)]
        if not answers:
            yield Text("Nothing was trained together here: all rows are models alone, or controls.")
            continue
        yield Answers(answers[:MOST_ANSWERS])
        if more := answers[MOST_ANSWERS:]:
            yield Folded(number_of(len(more), "more answer"), [Answers(more)])
    if evidence.over_alone:
        yield Text(note(evidence), is_note=True)


def pairs(evidence: Evidence, dataset: str) -> list[RowKey]:
    joint = [
        key for key in evidence.rows if key.dataset == dataset and key.sharing and not evidence.is_control(key)
    ]
    cells = list(dict.fromkeys(key.cell for key in joint))
    return sorted(joint, key=lambda key: cells.index(key.cell))


def answer(evidence: Evidence, key: RowKey) -> Answer:
    """Return the answer of a joint row: beside the strongest row without an LLM, then beside its model alone."""
    own, side = shorten(key.own or ""), " as an ensemble" * (key.side == "ensemble")
    partner = " through ".join(shorten(name) for name in (key.partner, key.sharing) if name)
    alone = evidence.over_alone.get(key)
    beside_itself = reason(evidence, key, alone, f"{own} alone")
    first = evidence.over_strongest.get(key) if evidence.names_strongest else None
    if first is None or first.other == key.solo:
        verdict, because, more = verdict_of(alone), beside_itself, []
    else:
        verdict = verdict_of(first)
        because = reason(evidence, key, first, f"{label(first.other)}, the strongest row without an LLM")
        more = [f"Against the model alone: {SAID.get(verdict_of(alone), 'cannot tell')}, {beside_itself}."]
    return Answer(
        question=f"Does {partner} help {own}{side}?",
        verdict=verdict,
        said=SAID.get(verdict, "cannot tell"),
        because=because,
        more=[*hidden(evidence.rows[key]), *more, *doubts(evidence, key)],
        figures=figures(evidence, key),
    )


def heading(evidence: Evidence, dataset: str) -> str:
    """Return the title of the answers on a data set."""
    few = any(each.lacks_seeds for key, each in evidence.over_alone.items() if key.dataset == dataset)
    said = extents(evidence).get(dataset, f"{dataset}: no cell succeeded")
    return said + "; intervals are over users, other seeds may differ" * few


def answers_in_lines(evidence: Evidence, dataset: str) -> Iterator[str]:
    """Yield for each pair what is known of it against the strongest row without an LLM and against itself alone."""
    found = pairs(evidence, dataset)
    for key in found[:MOST_ANSWERS]:
        with_ = " through ".join(shorten(each) for each in (key.partner, key.sharing) if each)
        yield f"{shorten(key.own or '')} with {with_}:"
        yield from (f"  {line}" for line in findings(evidence, key))
    if more := found[MOST_ANSWERS:]:
        yield f"and {number_of(len(more), 'more answer')} on the page (corecbench report --html)"


def findings(evidence: Evidence, key: RowKey) -> Iterator[str]:
    """Yield a row's change against each of its bases, with its interval and verdict."""
    first = evidence.over_strongest.get(key) if evidence.names_strongest else None
    alone = evidence.over_alone.get(key)
    if first is None and alone is None:
        yield reason(evidence, key, None, "")
    for contrast, base in ((first, label(first.other) if first else ""), (alone, "itself alone")):
        if contrast is not None and (contrast is alone or contrast.other != key.solo):
            ends = contrast.sizes.change_ends
            between = f" ({percent(ends[0])} to {percent(ends[1])})" if ends else ""
            yield f"{change(contrast)}{between} over {base}: {_verdict(evidence, contrast)}"


def _verdict(evidence: Evidence, contrast: Contrast) -> str:
    if not contrast.lacks_seeds:
        return _in_words(evidence, contrast)
    if not excludes_zero(contrast):
        return "no difference shown"
    return "more seeds are not expected to turn this" if outlasts_seeds(contrast) else "in this run"


def outlasts_seeds(contrast: Contrast) -> bool:
    """Tell if a change keeps its sign where both rows vary between seeds as most published rows do."""
    ends = contrast.sizes.change_ends
    if ends is None or contrast.change is None:
        return False
    users = (ends[1] - ends[0]) / (2 * NORMAL_95)
    seeds = SEED_DEVIATION * np.hypot(1, 1 + contrast.change) / np.sqrt(len(contrast.seeds))
    return abs(contrast.change) > NORMAL_95 * float(np.hypot(users, seeds))


def verdict_of(contrast: Contrast | None) -> Verdict | Literal["missing"]:
    return contrast.verdict if contrast else "missing"


def reason(evidence: Evidence, key: RowKey, contrast: Contrast | None, base: str) -> str:
    """Return in words why the contrast of a row answers as it does."""
    if contrast is None:
        return (evidence.why_untested(key) or "not compared").removeprefix("not compared: ")
    metric, margin = evidence.tested, f"{100 * evidence.method.margin:g}%"
    where = f"{amount(contrast)} {'above' if contrast.difference > 0 else 'below'} that of {base}"
    seen = contrast.sizes.detectable
    smallest = "" if seen is None else relative(contrast, seen).removeprefix("+")
    return {
        "gain": f"its {metric} is {where}",
        "loss": f"its {metric} is {where}",
        "nothing": f"its {metric} differs by less than {margin} from that of {base}",
        "few seeds": f"a verdict needs {FEWEST_SEEDS} seeds; in these trained models its {metric} is {where}",
        "open": f"its {metric} does not differ significantly from that of {base}"
        + (f". A difference below {smallest} could not be seen" if smallest else ""),
    }[contrast.verdict]


def doubts(evidence: Evidence, key: RowKey) -> Iterator[str]:
    """Yield what is wrong with controls, what the number of tests hides, and that no placebo was run."""
    yield from (sentences(text) for text in without_effect(key, evidence))
    controls = controls_of(key, evidence.rows, evidence.controls.unshared)
    alone = evidence.over_alone.get(key)
    if alone is None or alone.lacks_seeds:
        return
    if not alone.is_significant and alone.test.p < ALPHA:
        n_tests = sum(each.family == alone.family for each in evidence.over_alone.values())
        yield f"Tested on its own, that difference would be significant; as one of {n_tests} it is not."
    has_placebo = any(evidence.controls.of(each).entry.placebo for each in controls)
    if key.side == "domain" and alone.verdict == "gain" and not has_placebo:
        yield "No placebo was run, such as a randomly initialised LLM: whether the LLM's knowledge helps is open."


# --- figures ------------------------------------------------------------------------------------------------------


def figures(evidence: Evidence, key: RowKey) -> Block | None:
    """Return a table of a pair against the rows it is judged by; None where it can be compared with none."""
    named = (
        {"the strongest row without an LLM": evidence.over_strongest.get(key)} if evidence.names_strongest else {}
    )
    named["the model alone"] = evidence.over_alone.get(key)
    unit = key.solo if named["the model alone"] else None  # so that these changes and the ledger's can be compared
    for control in controls_of(key, evidence.rows, evidence.controls.unshared):
        if not has_no_effect(control, key, evidence.rows, evidence.controls):
            takes_away = evidence.controls.of(control).entry.takes_away
            tells = f"the control {control.control or control.sharing}: {takes_away}"
            named[tells] = evidence.contrast(key, control, unit=unit)
    found = [(name, each) for name, each in named.items() if each is not None]
    if not found:
        return None
    columns = [
        Column("compared with", lambda each: each[0]),
        Column("row", lambda each: label(each[1].other)),
        Column("change", lambda each: each[1].change, percent),
        Column("95% interval", lambda each: _interval(each[1])),
        Column(p_name(evidence.method), lambda each: _p(evidence, each[1]), p_value),
        Column("seeds", lambda each: agreement(each[1], evidence)),
        Column("verdict", lambda each: _in_words(evidence, each[1])),
    ]
    return grid(table("figures", found, columns), f"{label(key)} ({key.side}) on {key.dataset}, compared")


def _interval(contrast: Contrast) -> str | None:
    ends = contrast.sizes.change_ends
    return None if ends is None else f"{percent(ends[0])} to {percent(ends[1])}"


def _p(evidence: Evidence, contrast: Contrast) -> float | None:
    return None if evidence.is_control(contrast.other) and contrast.other.control else contrast.p_adjusted


def _in_words(evidence: Evidence, contrast: Contrast) -> str:
    if contrast.other.control and not contrast.lacks_seeds:
        better = (contrast.difference > 0) == evidence.higher_is_better
        return ("better" if better else "worse") if excludes_zero(contrast) else "no significant difference"
    words = {"gain": "better", "loss": "worse", "nothing": "equivalent", "few seeds": f"needs {FEWEST_SEEDS} seeds"}
    return words.get(contrast.verdict, "no significant difference")


# --- the rows of a data set ---------------------------------------------------------------------------------------


def extent(evidence: Evidence, dataset: str) -> Iterator[str]:
    rows = [row for key, row in evidence.rows.items() if key.dataset == dataset and row.seeds]
    yield extents(evidence)[dataset].removeprefix(f"{dataset}: ") if rows else "No cell succeeded"
    if 0 < len({seed for row in rows for seed in row.seeds}) < FEWEST_SEEDS:
        yield f"Fewer than {FEWEST_SEEDS} seeds: how far others would move these numbers is not known"


def best(evidence: Evidence, dataset: str) -> Iterator[str]:
    """Yield the best row, and the best model alone."""
    metric = evidence.tested
    known = [key for key in present(evidence) if key.dataset == dataset and not evidence.is_control(key)]
    complete = [key for key in known if evidence.rows[key].is_complete]
    for words, keys in (
        ("The best row", complete),
        ("The best model alone", [key for key in complete if not key.sharing]),
    ):
        if keys:
            key = evidence.best(keys)
            yield f"{words}, {name(key)}, reaches {metric} of {decimal(evidence.rows[key].metrics[metric])}"


def name(key: RowKey) -> str:
    has_side = key.sharing and key.side != "ensemble"  # whose label says so
    return f"{label(key)} ({key.side} side)" if has_side else label(key)


def note(evidence: Evidence) -> str:
    """Return how the answers are found."""
    level, method = decimal(ALPHA, 2), evidence.method
    lacking = any(each.lacks_seeds for each in evidence.over_alone.values())
    return sentences(
        f"Yes and no: {p_name(method)} is below {level}" + f", from {FEWEST_SEEDS} seeds on" * lacking,
        f"No, too, where the difference is shown to be below {100 * method.margin:g}%",
        "Changes against controls are relative to the model alone",
        f"Intervals are of the relative change ({of_changes(method)}; "
        f"{intervals_in_words(method, evidence.over_alone.values())}), not adjusted",
        f"What could not be seen is found at {level} with less than 80% power",
    )


def missing(evidence: Evidence) -> Sequence[Statement]:
    """Return the notes of rows: failures, missing seeds, why there is no comparison; those of both sides once."""
    sides: dict[tuple[str, str, str], list[str]] = {}
    for key in evidence.rows:
        if notes := evidence.notes(key):
            cell = label(replace(key, side="domain")) if key.sharing else label(key)
            sides.setdefault((key.dataset, cell, "; ".join(notes)), []).append(key.side)
    several = len(evidence.datasets) > 1
    return [
        Statement(
            "missing",
            f"{cell}{f' ({noted[0]} side)' if '+' in cell and len(noted) == 1 else ''}"
            f"{f' on {dataset}' if several else ''}: {joined}.",
        )
        for (dataset, cell, joined), noted in sides.items()
    ]
