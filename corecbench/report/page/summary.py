"""The findings of a benchmark, in plain words that are made from the numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from corecbench.report.evidence.contrasts import ALPHA, FEWEST_SEEDS
from corecbench.report.evidence.ledger_plan import NO_EFFECT, has_no_effect
from corecbench.report.page.blocks import Heading, Statement, Text
from corecbench.report.page.findings import Findings
from corecbench.report.page.folding import stated
from corecbench.report.plots.study import label, shorten
from corecbench.report.views.captions import intervals_in_words, of_changes
from corecbench.report.views.columns import p_name
from corecbench.report.views.findings import (
    agreement,
    amount,
    change,
    excludes_zero,
    interval,
    over_controls,
    probability,
    relative,
)
from corecbench.report.wording import decimal, seed_list, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.api import RowSide
    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.ledger import Ledger
    from corecbench.report.evidence.reading import Evidence
    from corecbench.report.page.blocks import Block
    from corecbench.results.rows import RowKey


def blocks(evidence: Evidence, ledgers: Sequence[Ledger] = ()) -> Iterator[Block]:
    """Yield the summary: the best rows, the gain of each pair, its controls, and missing results."""
    findings = Findings(evidence)
    against_controls = over_controls(ledgers, evidence.higher_is_better, evidence.method)
    yield Text(" ".join([*against_controls, headline(findings)]))
    for dataset in findings.evidence.datasets:
        yield Heading(dataset)
        yield Text(sentences([*extent(findings, dataset), *best(findings, dataset)]))
        if items := [*_pairs(findings, dataset), *_missing(findings, dataset)]:
            yield from stated(items)
    if evidence.over_alone:
        yield Text(_note(evidence), is_note=True)


def _note(evidence: Evidence) -> str:
    level, method, contrasts = decimal(ALPHA, 2), evidence.method, evidence.over_alone.values()
    lacking = [each.lacks_seeds for each in contrasts]
    of = "over users" if method.is_resampled else intervals_in_words(method, contrasts)
    return sentences(
        [
            f"A gain or loss is called so where {p_name(method)} is below {level}"
            + (f", from {FEWEST_SEEDS} seeds on" if any(lacking) else ""),
            f"Intervals are of the relative change ({of_changes(method)}; {of}), not adjusted",
            f"What would be missed is what is found at {level} with less than 80% power",
        ]
    )


def headline(findings: Findings) -> str:
    """Return how many rows gained, over all data sets."""
    pairs = [key for dataset in findings.evidence.datasets for key in findings.pairs(dataset)]
    verdicts = [findings.verdict_on(findings.first(key)) for key in pairs]
    if not verdicts:
        return "Nothing was trained together here: all rows are models alone, or controls."
    counts = {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)}
    words = {
        "gain": "{} gain{s} significantly",
        "loss": "{} lose{s} significantly",
        "unclear": "{} show{s} no significant change",
        "few-seeds": f"{{}} need{{s}} {FEWEST_SEEDS} seeds for a verdict",
        "missing": "{} could not be compared",
    }
    parts = [
        text.format(counts[verdict], s="s" if counts[verdict] == 1 else "")
        for verdict, text in words.items()
        if verdict in counts
    ]
    rows = f"{len(verdicts)} rows" if len(verdicts) > 1 else "the one row"
    base = "strongest row without an LLM" if findings.evidence.names_strongest else "same model trained alone"
    return f"Of {rows} trained together, each against the {base}: {', '.join(parts)}."


def extent(findings: Findings, dataset: str) -> Iterator[str]:
    """Yield users and seeds of a data set, and a remark where there are too few seeds."""
    rows = [row for row in findings.evidence.rows.values() if row.key.dataset == dataset and row.seeds]
    if not rows:
        yield "No cell succeeded"
        return
    seeds = sorted({seed for row in rows for seed in row.seeds})
    yield f"{rows[0].n_users:,} users, {seed_list(seeds, 'seed')}"
    if len(seeds) < FEWEST_SEEDS:
        yield f"Fewer than {FEWEST_SEEDS} seeds: how far others would move these numbers is not known"


def best(findings: Findings, dataset: str) -> Iterator[str]:
    """Yield the best row, and the best model alone."""
    metric = findings.evidence.tested
    complete = [
        key
        for key in findings.keys(dataset)
        if findings.row(key).is_complete
        and metric in findings.row(key).metrics
        and not findings.evidence.is_control(key)
    ]
    for words, keys in (
        (f"Best {metric}", complete),
        (f"Best {metric} alone", [key for key in complete if not key.sharing]),
    ):
        if keys:
            choose = max if findings.evidence.higher_is_better else min
            key = choose(keys, key=lambda key: findings.row(key).metrics[metric])
            yield f"{words}: {decimal(findings.row(key).metrics[metric])}, {name(key)}"


def name(key: RowKey) -> str:
    """Return the name of a row within a sentence."""
    if not key.sharing or key.side == "ensemble":  # whose label says so
        return label(key)
    return f"{label(key)} ({side_name(key.side)})"


def side_name(side: RowSide) -> str:
    """Return the name of a side within a sentence."""
    return side if side == "ensemble" else f"{side} side"


# --- pairs --------------------------------------------------------------------------------------------------------


def _pairs(findings: Findings, dataset: str) -> Iterator[Statement]:
    for key in findings.pairs(dataset):
        told = [*_over_strongest(findings, key), *_over_alone(findings, key)]
        if told:
            asides = [*_doubts(findings, key), *_of_controls(findings, key)]
            yield Statement(findings.verdict_on(findings.first(key)), " ".join(told), asides)


def _over_strongest(findings: Findings, key: RowKey) -> Iterator[str]:
    """Yield what a pair is beside the strongest row without an LLM, if that is another than the model alone."""
    comparison = findings.first(key) if findings.evidence.names_strongest else None
    if comparison is None:
        return
    base = findings.evidence.strongest[key.dataset]
    verdict = findings.verdict_on(comparison)
    doubt = {"unclear": "which is not significant", "few-seeds": "in these trained models"}.get(verdict)
    how = f"differs by {change(comparison)} {findings.evidence.tested}, {doubt}, from"
    if doubt is None:
        side = "above" if comparison.difference > 0 else "below"
        how = f"is {amount(comparison)} {findings.evidence.tested} {side}"
    stated = _evidence(findings, key, base, comparison)
    pair = f"{shorten(key.own or '')} with {_partner(key)}"
    yield f"{pair} {how} {label(base)}, the strongest row without an LLM ({stated})."


def _over_alone(findings: Findings, key: RowKey) -> Iterator[str]:
    """Yield what a pair is beside the same model alone."""
    comparison = findings.over_alone(key)
    if comparison is not None:
        stated = _evidence(findings, key, key.solo, comparison)
        beside = ", against itself alone" if findings.evidence.names_strongest else ""
        yield f"{_opening(findings, key, comparison)}{beside} ({stated})."


def _evidence(findings: Findings, key: RowKey, base: RowKey, comparison: Contrast) -> str:
    rows = findings.evidence.rows
    agree = agreement(comparison, rows[key], rows[base], findings.evidence.tested)
    return ", ".join([interval(comparison), *([agree] if agree else []), _adjusted(findings, comparison)])


def _partner(key: RowKey) -> str:
    partner = " through ".join(shorten(name) for name in (key.partner, key.sharing) if name)
    return f"an ensemble with {partner}" if key.side == "ensemble" else partner


def _adjusted(findings: Findings, comparison: Contrast) -> str:
    return probability(comparison.p_adjusted, findings.evidence.method)


def _opening(findings: Findings, key: RowKey, comparison: Contrast) -> str:
    metric, own, verdict = findings.evidence.tested, shorten(key.own or ""), findings.verdict(key)
    partner = _partner(key)
    if verdict == "few-seeds":
        these = f"{change(comparison)} {metric} in these trained models"
        return f"{own} with {partner}: {these}; {FEWEST_SEEDS} seeds tell whether it helps"
    if verdict == "unclear":
        return f"{own} neither gains nor loses significantly from {partner}: {change(comparison)} {metric}"
    if findings.evidence.higher_is_better:
        verb, by = ("gains", "from") if verdict == "gain" else ("loses", "with")
        return f"{own} {verb} {amount(comparison)} {metric} {by} {partner}"
    verb, by = ("gains from", "less") if verdict == "gain" else ("loses with", "more")
    return f"{own} {verb} {partner}: {amount(comparison)} {by} {metric}"


def _doubts(findings: Findings, key: RowKey) -> Iterator[str]:
    """Yield remarks about a change that is not significant: other tests, equivalence, and missed effects.

    The change is that over the model alone.
    """
    comparison = findings.over_alone(key)
    if comparison is None or comparison.is_significant or comparison.lacks_seeds:
        return
    method, sizes = findings.evidence.method, comparison.sizes
    if comparison.test.p < ALPHA:
        n_tests = sum(each.family == comparison.family for each in findings.evidence.over_alone.values())
        alone = probability(comparison.test.p)
        yield f"Tested alone it would be significant ({alone}); as one of {n_tests} tests it is not."
    if comparison.p_equivalence is not None and comparison.p_equivalence < ALPHA:
        p = probability(comparison.p_equivalence, method)
        yield f"Together and alone are alike: they differ by less than {100 * method.margin:g}% (TOST, {p})."
    elif sizes.detectable is not None:
        missed = relative(comparison, sizes.detectable).removeprefix("+")
        yield f"A true change below {missed} would be missed more than one time in five."


def _of_controls(findings: Findings, key: RowKey) -> Iterator[str]:
    """Yield for each control whether it gains as well, and whether the pair gains more than it."""
    controls, gains = findings.controls(key), findings.verdict(key) == "gain"
    for control in controls:
        if has_no_effect(control, key, findings.evidence.rows, findings.evidence.controls):
            yield f"The control {control.control or control.sharing} {NO_EFFECT}, which is a fault and no finding."
            continue
        entry = findings.evidence.controls.of(control).entry
        under = [_under(findings, control, entry.under, gains)]
        yield " ".join([*under, *_beyond(findings, key, control, entry.takes_away)])
    placebos = [control for control in controls if findings.evidence.controls.of(control).entry.placebo]
    if gains and key.side == "domain" and not placebos:
        yield "No placebo was run, such as a randomly initialised LLM: whether the LLM's knowledge helps is open."


def _under(findings: Findings, control: RowKey, how: str, gains: bool) -> str:
    """Return the gain of the model under a control, in words."""
    contrast = findings.over_alone(control)
    begin = how[0].upper() + how[1:]
    if contrast is None:
        return f"{begin}: {'; '.join(findings.evidence.notes(control))}."
    words = {
        "gain": "it gains as well" if gains else "it gains",
        "loss": "it loses",
        "few-seeds": f"a verdict takes {FEWEST_SEEDS} seeds",
    }
    verb = words.get(findings.verdict(control), "there is no significant change")
    evidence = ", ".join([change(contrast), interval(contrast), _adjusted(findings, contrast)])
    return f"{begin} {verb} ({evidence})."


def _beyond(findings: Findings, key: RowKey, control: RowKey, what: str) -> Iterator[str]:
    """Yield whether a pair is better than its control, and what follows for its gain."""
    against = findings.against(key, control)
    if against is None:
        return
    if against.lacks_seeds:
        yield f"In these trained models the pair minus that is {change(against)} ({interval(against)})."
        return
    is_better = excludes_zero(against) and findings.is_better(against)
    verdict = f"is {'better' if is_better else 'worse'} than" if excludes_zero(against) else "cannot be told from"
    text = f"The pair {verdict} that ({change(against)}, {interval(against)})"
    if findings.verdict(key) == "gain":
        text += f": {what} adds to the gain" if is_better else f": the gain is not shown to come from {what}"
    yield f"{text}."


# --- what is missing ----------------------------------------------------------------------------------------------


def _missing(findings: Findings, dataset: str) -> Iterator[Statement]:
    """Yield the notes of rows: failures, missing seeds, why there is no comparison; those of both sides once."""
    sides: dict[tuple[str, str], list[RowSide]] = {}
    for key in findings.keys(dataset):
        if notes := findings.evidence.notes(key):
            cell = label(replace(key, side="domain")) if key.sharing else label(key)
            sides.setdefault((cell, "; ".join(notes)), []).append(key.side)
    for (cell, joined), noted in sides.items():
        which = f" ({side_name(noted[0])})" if "+" in cell and len(noted) == 1 else ""
        yield Statement("missing", f"{cell}{which}: {joined}.")
