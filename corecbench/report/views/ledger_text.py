"""The ledgers of a benchmark as a table for reporters: columns, marks and caption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.api import Report
from corecbench.report.evidence.contrasts import ALPHA, FEWEST_SEEDS, FEWEST_USERS
from corecbench.report.views.captions import of_changes, of_effects, of_family, of_intervals, of_p, significant
from corecbench.report.views.columns import (
    Column,
    contrast_columns,
    equivalence_columns,
    has_seeds,
    interval_columns,
    lay_out,
    p_name,
)
from corecbench.report.views.ledger_words import (
    finding,
    finding_in_words,
    harm_sentence,
    lacking_sentences,
    notes,
    row_name,
    seeds_in_words,
    sentence,
)
from corecbench.report.views.provenance import made_with, protocol_sentence
from corecbench.report.wording import count, decimal, sentences, signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.api import Mark
    from corecbench.report.evidence.contrasts import Contrast as Difference
    from corecbench.report.evidence.ledger import Contrast, Ledger
    from corecbench.report.evidence.reading import Evidence

NAME = "ledger"
CHANGE = "change"
"""The column of relative changes."""
NOTHING = (
    "No pair has a control here, so nothing tells what its gain is made of; `corecbench run` trains controls with "
    "--control, and pairs that share nothing with --sharing none"
)


def report(ledgers: Sequence[Ledger], table: Evidence, effects: bool = False, in_words: bool = True) -> Report:
    """Return the ledgers as reporters take them.

    Args:
        ledgers: the ledgers, as `ledger.build` returns them.
        table: the main table of the same results, whose metric, method and protocol hold here, too.
        effects: whether there are columns of all effect sizes.
        in_words: whether the caption begins with the findings in words.
    """
    contrasts = [contrast for ledger in ledgers for contrast in ledger.contrasts]
    frame, values = lay_out(contrasts, list(_columns(contrasts, table, effects)))
    marks: dict[tuple[int, str], list[Mark]] = {
        (number, CHANGE): ["significant"] for number, each in enumerate(contrasts) if each.comparison.is_significant
    }
    legend: dict[Mark, str] = {"significant": significant(table.method)} if marks else {}
    return Report(NAME, frame, values, caption(ledgers, table, effects, in_words), marks, legend)


def _columns(contrasts: Sequence[Contrast], table: Evidence, effects: bool) -> Iterator[Column]:
    higher, tested = table.higher_is_better, table.tested
    yield Column("data set", lambda each: each.pair.dataset)
    yield Column("model", lambda each: each.pair.model)
    yield Column("side", lambda each: each.pair.side)
    yield Column("sharing", lambda each: each.pair.sharing)
    if any(each.slicing for each in contrasts):
        yield Column("slice by", lambda each: each.slicing)
        yield Column("slice", lambda each: each.label)
    yield Column("part", lambda each: each.planned.kind)
    yield Column("row", lambda each: row_name(each.planned.upper, each.pair))
    yield Column("minus", lambda each: row_name(each.planned.lower, each.pair))
    yield Column("tells", lambda each: each.planned.tells)
    yield Column(tested, lambda each: each.upper_mean, decimal)
    yield Column(f"{tested} minus", lambda each: each.lower_mean, decimal)
    if not effects:
        yield Column("difference", lambda each: each.comparison.difference, signed)
        yield from interval_columns(lambda each: each.comparison.sizes.interval)
    yield from contrast_columns(
        _comparison, CHANGE, table.method, effects, effects and has_seeds(map(_comparison, contrasts))
    )
    if not effects:
        yield from equivalence_columns(_comparison, table.method)
    yield Column("finding", lambda each: finding_in_words(each, higher, table.method))
    yield Column("users", lambda each: each.n_users, count)
    yield Column("seeds", seeds_in_words)
    yield Column("notes", lambda each: "; ".join(notes(each)) or None)


def _comparison(contrast: Contrast) -> Difference:
    return contrast.comparison


# --- caption ------------------------------------------------------------------------------------------------------


def caption(ledgers: Sequence[Ledger], table: Evidence, effects: bool = False, in_words: bool = True) -> str:
    """Return the caption: the findings in words, then what the columns mean and how it was tested."""
    if not ledgers:
        return sentences([NOTHING])
    higher, method, tested = table.higher_is_better, table.method, table.tested
    contrasts = [contrast for ledger in ledgers for contrast in ledger.contrasts]
    made = [contrast.comparison for contrast in contrasts]
    found = [sentence(ledger, tested, higher, method) for ledger in ledgers if in_words]
    harms = [harm_sentence(ledger) for ledger in ledgers if in_words]
    details = [
        protocol_sentence(table.protocol()),
        "Each line is one row minus another one, paired over users, each user first averaged over the seeds that "
        'both rows have; "0 of 0-2": only one of them has the other seeds',
        "Part: the whole gain, its steps from the model alone to the pair, and contrasts of the pair with single "
        "controls, which do not add up",
        f"{CHANGE}: the difference relative to {_unit(ledgers)}",
        *_adding_up(ledgers),
        *lacking_sentences(ledgers),
        *_tests(contrasts, table),
        *(of_effects(method, _unit(ledgers), made) if effects else [of_intervals(method, made)]),
        *_findings(table),
        *_out_of_reach(contrasts, higher),
        *(_of_slices() if any(each.slicing for each in contrasts) else []),
        *made_with(table.records()),
    ]
    return " ".join([*filter(None, [*found, *harms]), sentences(details)])


def _unit(ledgers: Sequence[Ledger]) -> str:
    if any(ledger.plan.no_alone for ledger in ledgers):
        return "the model alone, or where that is missing to the lowest row there is"
    return "the model alone"


def _adding_up(ledgers: Sequence[Ledger]) -> Iterator[str]:
    if not all(ledger.adds_up for ledger in ledgers):
        yield "Steps over other seeds than the whole gain do not add up to it exactly"


def _tests(contrasts: Sequence[Contrast], table: Evidence) -> Iterator[str]:
    method = table.method
    n_all = len({each.place for each in contrasts if each.slicing is None})
    n_slices = len({each.place for each in contrasts if each.slicing is not None})
    families = f"one family of {n_all} contrasts" + (
        f", and those on slices within a second one of {n_slices}" if n_slices else ""
    )
    yield of_p([each.comparison for each in contrasts], method)
    yield of_family(method, families)
    yield f"Intervals in sentences are of the change, by {of_changes(method)}"


def _findings(table: Evidence) -> Iterator[str]:
    method = table.method
    margin, level = f"{100 * method.margin:g}%", decimal(ALPHA, 2)
    yield (
        f"Finding: a gain or loss where {p_name(method)} is below {level}; nothing beyond {margin} where "
        f"{p_name(method, 'TOST')} is below {level}, which tests a difference of {margin} of the model alone or "
        "more; otherwise open" + (f"; a verdict needs {FEWEST_SEEDS} seeds" if method.speaks_of_methods else "")
    )


def _out_of_reach(contrasts: Sequence[Contrast], higher_is_better: bool) -> Iterator[str]:
    if any(finding(each, higher_is_better) == "out of reach" for each in contrasts):
        yield (
            "0 by plan: the domain side has no turn after one of the LLM, so that nothing of what the LLM learned "
            "could reach it"
        )


def _of_slices() -> Iterator[str]:
    yield f"Slices are those of the table of slices, without any of fewer than {FEWEST_USERS} users"
