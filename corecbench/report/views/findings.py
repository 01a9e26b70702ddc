"""Contrasts and ledgers in the words of sentences."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np

from corecbench.report.evidence.contrasts import FEWEST_SEEDS, Contrast, Method
from corecbench.report.evidence.controls import NO_EFFECT, controls_of, has_no_effect
from corecbench.report.evidence.ledger import ALONE, MARGIN, PAIR, Ledger, Line
from corecbench.report.wording import p_value, percent, seed_list, signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.evidence.protocols import Found
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey

CORRECTED = {"holm": "Holm", "hochberg": "Hochberg", "bh": "Benjamini-Hochberg", "none": ""}
"""correction -> the name of its authors in a caption."""
ONE_SEED = "one seed: shows this run, not the method"


# --- one contrast -------------------------------------------------------------------------------------------------


def change(comparison: Contrast) -> str:
    return relative(comparison, comparison.difference)


def amount(comparison: Contrast) -> str:
    return relative(comparison, abs(comparison.difference)).removeprefix("+")


def relative(comparison: Contrast, difference: float) -> str:
    return percent(difference / comparison.base) if comparison.base else signed(difference)


def interval(comparison: Contrast) -> str:
    changes = comparison.sizes.changes
    if changes is None:
        return "no interval: too few users differ"
    if not changes.bounded:
        return "no interval: the mean compared with is too close to 0"
    return f"95% interval {percent(changes.low)} to {percent(changes.high)}"


def excludes_zero(comparison: Contrast) -> bool:
    ends = comparison.sizes.change_ends
    return ends is not None and not ends[0] <= 0 <= ends[1]


def agreement(comparison: Contrast, evidence: Evidence) -> str | None:
    seeds = comparison.seeds
    if len(seeds) < 2:
        return None
    own, base = (evidence.rows[key].per_seed(evidence.tested, seeds) for key in (comparison.row, comparison.other))
    differences = (own - base).mean(axis=0)  # [S]
    agree = int(np.sum(np.sign(differences) == np.sign(comparison.difference)))
    return f"{'up' if comparison.difference > 0 else 'down'} in {agree} of {len(seeds)} seeds"


def probability(p: float, method: Method | None = None) -> str:
    """Return a p value in words, with the name of the correction if a method is given.

    >>> probability(0.0001), probability(0.25)
    ('p < .001', 'p = .250')
    """
    whose = CORRECTED[method.correction] if method else ""
    text = p_value(p)
    return f"{whose} p < {text[1:]}".lstrip() if text.startswith("<") else f"{whose} p = {text}".lstrip()


# --- lines of a ledger --------------------------------------------------------------------------------------------


def finding_in_words(line: Line, method: Method) -> str:
    words = {
        "nothing": f"nothing beyond {100 * method.margin:g}%",
        "same": "the same for every user",
        "out of reach": "not testable",
        "few seeds": f"needs {FEWEST_SEEDS} seeds",
    }
    return words.get(line.finding, line.finding)


def row_name(key: RowKey, pair: RowKey) -> str:
    if key == pair:
        return PAIR
    return ALONE if key.is_solo else key.control or key.sharing or ""


def rows_of(found: Found) -> tuple[str, str]:
    if found.kind == "strongest":
        return PAIR, "strongest without an LLM"
    row, other = (row_name(key, found.pair) for key in (found.leave_one_out.row, found.leave_one_out.other))
    return row, other


def notes(contrast: Line) -> Iterator[str]:
    if contrast.merged:
        yield f"without {', '.join(contrast.merged)}"
    if len(contrast.comparison.seeds) == 1:
        yield ONE_SEED


# --- a ledger -----------------------------------------------------------------------------------------------------


def telling(ledger: Ledger) -> Line | None:
    found = [
        (each.control.entry.order, each)
        for each in (*ledger.of_kind("contrast"), *ledger.of_kind("step"))
        if each.comparison.row == ledger.pair and each.control is not None
    ]
    return min(found, key=operator.itemgetter(0))[1] if found else None


def sentence(ledger: Ledger, evidence: Evidence) -> str | None:
    """Return how much of the gain of a pair a control keeps, and what the pair has beyond it."""
    contrast = telling(ledger)
    if contrast is None or contrast.control is None:
        return None
    pair, comparison, control = ledger.pair, contrast.comparison, contrast.control.entry
    method = evidence.method
    seeds = seed_list(comparison.seeds, "seed")
    shown = f"{interval(comparison)}, {probability(comparison.p_adjusted, method)}, {seeds}"
    on, how = f"{evidence.tested} on {pair.dataset}", f"with {pair.partner} through {pair.sharing}"
    beyond = f"{control.takes_away} adds {change(comparison)} ({shown})"
    beyond += _shown(contrast, method)
    if ledger.no_alone or not comparison.base:
        text = f"{pair.own}'s {on} {how}: {beyond}"
    else:
        gains = [mean - comparison.base for mean in contrast.comparison.means]
        total, kept = (relative(comparison, gain) for gain in gains)
        is_gain, is_kept = ((gain > 0) == evidence.higher_is_better and gain != 0 for gain in gains)
        if is_gain:
            keeps = kept if is_kept else f"nothing ({kept})"
            text = f"Of {pair.own}'s {total} {on} {how}, it keeps {keeps} {control.under}; {beyond}"
        else:
            text = f"{pair.own}'s {on} changes by {total} {how}, and by {kept} {control.under}; {beyond}"
    return f"{text}. {ONE_SEED.capitalize()}." if len(comparison.seeds) == 1 else f"{text}."


def _shown(contrast: Line, method: Method) -> str:
    """Return what follows from a contrast that is no clear gain."""
    words = {
        "gain": "",
        "loss": ", a loss",
        "nothing": f", nothing beyond {100 * method.margin:g}% of the model alone",
        "same": ", the same for every user",
        "out of reach": ", not testable: the recommender has no later phase",
        "few seeds": f", for these trained models: a verdict needs {FEWEST_SEEDS} seeds",
        "open": ", which is not shown to differ from 0",
    }
    return words[contrast.finding]


def harm_sentence(ledger: Ledger) -> str | None:
    """Return whether the pair does harm where texts tell nothing; None where that was not run."""
    harm, pair = ledger.harm, ledger.pair
    if harm is None:
        return None
    margin = f"{100 * MARGIN:g}%"
    verdict = {
        "none": f"is not worse than alone by more than {margin}",
        "same": "ranks as it does alone for every user",
        "harm": f"is worse than alone by more than {margin}",
        "open": f"may be worse than alone by more than {margin}: it is open",
        "few seeds": f"needs {FEWEST_SEEDS} seeds for a verdict",
    }[harm.verdict]
    evidence, tested = [change(harm.contrast)], harm.contrast.sizes.equivalence
    if harm.interval is not None and tested is not None:
        ends = f"{percent(harm.interval.low)} to {percent(harm.interval.high)}"
        evidence += [f"90% interval {ends}", f"TOST {probability(tested.p)}"]
    elif harm.verdict != "same":
        evidence.append("no interval: too few users differ")
    evidence.append(seed_list(harm.contrast.seeds, "seed"))
    return (
        f"Do no harm: with texts that tell nothing, {pair.own} with {pair.partner} through {pair.sharing} on "
        f"{pair.dataset} {verdict} ({', '.join(evidence)})."
    )


def in_sentences(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    yield from hidden(evidence.rows[ledger.pair])
    yield from filter(None, [sentence(ledger, evidence), harm_sentence(ledger)])


def hidden(row: Row) -> Iterator[str]:
    """Yield why the row of a pair shows little of it, with the setting that repairs it.

    That is so where the model alone was kept, and where the domain model has no phase after one of the LLM.
    """
    key, unless_better = row.key, "alone_unless_better"
    pair = f"{key.own} with {key.partner} through {key.sharing} on {key.dataset}"
    if key.side != "domain" or key.llm is None:
        return
    if kept := row.kept_alone():
        is_setting = any(unless_better in record["settings"].get(str(key.sharing), {}) for record in row.records)
        yield (
            f"{pair} is the model alone under {seed_list(kept, 'seed')}: kept, as the pair was not clearly "
            f"better on validation{f'; set {key.sharing}.{unless_better}=false for the pair' * is_setting}."
        )
    if row.precedes_the_other_side():
        n_epochs = max(sum(epoch["side"] == "domain" for epoch in record["epochs"]) for record in row.records)
        needed = row.needed_epochs() or n_epochs + 1  # older results do not say it
        yield (
            f"{pair} has no training phase of {key.own} after one of the LLM, so that it learnt nothing from it: "
            f"set {key.own}.epochs >= {needed}."
        )


def without_effect(pair: RowKey, evidence: Evidence) -> Iterator[str]:
    for control in controls_of(pair, evidence.rows, evidence.controls.unshared):
        if has_no_effect(control, pair, evidence.rows, evidence.controls):
            yield f"The control {control.control or control.sharing} {NO_EFFECT}, which is a fault and no finding"


def lacking_sentences(ledgers: Sequence[Ledger]) -> Iterator[str]:
    """Yield which controls are missing and why, those of ledgers that lack the same ones together."""
    named: dict[str, list[str]] = {}
    several = len({ledger.pair.dataset for ledger in ledgers}) > 1
    for ledger in ledgers:
        parts = [f"{reason}: {', '.join(controls)}" for reason, controls in ledger.lacking.items()]
        if ledger.no_alone:
            parts.insert(0, f"the model alone: {ledger.no_alone.removeprefix('not compared: ')}")
        if parts:
            name = ledger.pair.name + f" on {ledger.pair.dataset}" * several
            named.setdefault("; ".join(parts), []).append(name)
    for missing, names in named.items():
        yield f"{missing[0].upper()}{missing[1:]} ({'; '.join(names)})"
