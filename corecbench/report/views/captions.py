"""The captions of tables: what columns mean, how it was tested, and where the numbers come from.

Those of slices and shares are in `slice_captions`, sentences on tests in `statistics`.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from corecbench.evaluation.measuring import is_overall
from corecbench.report.evidence.contrasts import ALPHA, FEWEST_SEEDS, FEWEST_USERS
from corecbench.report.evidence.controls import pairs_with_controls
from corecbench.report.evidence.leaderboard import Leaderboard, average_ranks
from corecbench.report.evidence.rows import Row, fault_sentences
from corecbench.report.views.columns import p_name
from corecbench.report.views.findings import in_sentences, lacking_sentences, without_effect
from corecbench.report.views.layout import NONE
from corecbench.report.views.provenance import made_with, of_left_out, of_reductions, protocol_sentence
from corecbench.report.views.statistics import (
    families_in_words,
    of_changes,
    of_effects,
    of_family,
    of_intervals,
    of_p,
    of_power,
    of_tests,
)
from corecbench.report.wording import decimal, listed, of_ensembles, p_value, seed_list, sentences, user_counts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from corecbench.report.evidence.comparison import Comparison
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.evidence.ledger import Ledger

MOST_NAMED = 8

# --- main table ---------------------------------------------------------------------------------------------------


def main_caption(evidence: Evidence, cost: bool = False, effects: bool = False) -> str:
    """Return the caption, which states protocol, means, tests and their correction, and versions."""
    tested, method, rows = evidence.tested, evidence.method, evidence.rows.values()
    users = {row.key.dataset: row.n_users for row in rows if row.n_users}
    if not users:
        return "No cell succeeded."
    seeds = seed_list({seed for row in rows for seed in row.seeds}, "seed")
    contrasts = evidence.over_alone.values()
    return sentences(
        protocol_sentence(evidence.protocol()),
        *of_reductions(evidence.rows),
        f"Metrics are means over {user_counts(users)}, each user first averaged over {seeds}",
        *_of_lists(evidence),
        *fault_sentences(rows),
        *of_left_out(evidence.left_out),
        *_of_newcomers(evidence),
        *_of_strongest(evidence),
        f"{tested} vs solo: relative change against the same model trained alone, over the seeds both have",
        *of_ensembles((key.side for key in evidence.rows), "the domain model alone"),
        *_of_baseline(evidence),
        *_of_weights(rows),
        *_of_controls(evidence),
        *of_tests(contrasts, method, "joint rows", "the model alone"),
        *of_power(evidence),
        *(of_effects(method, "the solo row's mean", contrasts) if effects else []),
        *over_datasets(evidence),
        *(of_costs(rows) if cost else []),
        *made_with(evidence.records()),
    )


def _of_lists(evidence: Evidence) -> Iterator[str]:
    if overall := [name for name, metric in evidence.metrics.items() if is_overall(metric)]:
        yield f"{', '.join(overall)}: one value of the lists of all users, averaged over seeds, not tested"


def _of_newcomers(evidence: Evidence) -> Iterator[str]:
    for dataset in evidence.datasets:
        stored = [(each["cell"]["dataset"], each["data"]) for each in evidence.records([dataset])]
        if n := sum({name: data.get("users_without_history", 0) for name, data in stored}.values()):
            yield f"Not ranked on {dataset}: {n:,} further users, who have no history before the test"


def _of_strongest(evidence: Evidence) -> Iterator[str]:
    if evidence.names_strongest:
        rows = [f"{key.name} on {dataset}" for dataset, key in evidence.strongest.items()]
        yield (
            f"{evidence.tested} vs strongest: relative change against the row without an LLM that is best on the "
            f"validation items, {listed(rows, 'rows')}"
        )


def _of_baseline(evidence: Evidence) -> Iterator[str]:
    base, method, contrasts = evidence.baseline, evidence.method, evidence.over_baseline.values()
    if base:
        yield f"{evidence.tested} vs {base}: relative change against that row, over the seeds both have"
    if contrasts:
        yield of_family(method, families_in_words(contrasts, "rows", base), base)
        yield from [] if evidence.over_alone else [of_p(contrasts, method)]


def _of_weights(rows: Collection[Row]) -> Iterator[str]:
    if any(row.shares for row in rows):
        yield "Weights: spread of each added score, in spreads of the model's own; 0 adds nothing"


def _of_controls(evidence: Evidence) -> Iterator[str]:
    for control, key in {key.control: key for key in evidence.rows if key.control}.items():
        summary = evidence.controls.of(key).summary or "changed by a plugin that is not here"
        yield f"Control {control}: as the pair beside it, but {summary}"


def of_costs(rows: Collection[Row]) -> Iterator[str]:
    """Yield the sentences about the columns of costs."""
    yield (
        "Costs are means over seeds: train s, seconds of training of the side in its cell (a pair may start from "
        "its domain model trained alone, whose seconds are in that row); ms/user, milliseconds to rank the "
        "catalogue for a user; trainable and all parameters, each side counting what it shares; peak GiB, memory "
        "of the process during the cell, the same for both sides"
        + ("; an ensemble takes what both sides take" if any(row.key.side == "ensemble" for row in rows) else "")
    )
    costs = [row.costs for row in rows if row.seeds]
    late = "inference_ms_per_user", "parameters"
    if any(cost["train_s"] is not None and None in [cost[name] for name in late] for cost in costs):
        yield f"{NONE}: the result is from before this was recorded"
    if any(cost["train_s"] is None for cost in costs):
        yield f"{NONE} in all columns of costs: the result is imported"


def over_datasets(evidence: Evidence) -> Iterator[str]:
    """Yield the outcome of Friedman's and of Nemenyi's test, where there are data sets and common rows enough."""
    found = average_ranks(evidence)
    if isinstance(found, str):
        return
    ranks = found.test.average_ranks
    named = [
        f"{ranks[place]:.2f} {', '.join(filter(None, (found.keys[place].model, found.keys[place].sharing)))} "
        f"({found.keys[place].side})"
        for place in np.argsort(ranks, kind="stable")
    ]
    more = [f"{len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    apart = [abs(one - other) > found.gap for one, other in combinations(ranks, 2)]
    yield (
        f"Average ranks by {evidence.tested} over {found.n_datasets} data sets, of the {len(named)} rows on all of "
        f"them that are no controls: {'; '.join([*named[:MOST_NAMED], *more])}"
    )
    yield (
        f"Friedman's test: p {p_value(found.test.p)}; {sum(apart)} of {len(apart)} pairs of rows are further apart "
        f"than Nemenyi's critical difference at {decimal(ALPHA, 2)}, {found.gap:.2f}, which is rough for few data "
        "sets"
    )


# --- comparison and leaderboard -----------------------------------------------------------------------------------


def comparison_caption(comparison: Comparison) -> str:
    """Return the caption of rows against a baseline: protocol, means, tests and their correction, and versions."""
    metric, method, rows = comparison.yardstick.metric, comparison.yardstick.method, comparison.rows
    contrasts, stored = comparison.contrasts, [each.row for each in rows]
    users = {each.key.dataset: each.n_users for each in rows if each.n_users}
    seeds = seed_list({seed for each in rows for seed in each.seeds})
    statistics = ["No cell can be compared"]
    if contrasts:
        statistics = [
            *of_tests(contrasts, method, "rows", comparison.baseline),
            *of_effects(method, "the baseline's mean", contrasts),
        ]
    return sentences(
        f"{metric} of cells against {comparison.baseline}, the first row of a data set",
        protocol_sentence(comparison.protocol),
        *of_reductions(each.key for each in rows),
        *of_ensembles(each.key.side for each in rows),
        f"{metric} and baseline: means over {user_counts(users)}, each user first averaged over the "
        f"seeds both have{f' (of {seeds})' if seeds else ''}",
        *(["Users are those whose last two items are in order by time"] if comparison.in_order else []),
        *fault_sentences(stored),
        *statistics,
        *made_with(record for row in stored for record in row.records),
    )


def board_caption(board: Leaderboard) -> str:
    """Return the caption of the leaderboard: how rows are ranked, protocol, users, test and versions."""
    n_datasets = len(board.n_users)
    value, each = (
        ("one value of the lists of", "") if is_overall(board.measure) else ("mean over", "each user first ")
    )
    order = f"average rank in {board.metric} over {n_datasets} data sets" if n_datasets > 1 else board.metric
    return sentences(
        f"Rows by {order}; wins: on how many data sets no ranked row is better",
        "Not ranked: controls and, last, rows that lack a data set; what lacks a seed is marked incomplete",
        *([f"Of the benchmarks {', '.join(board.benchmarks)}"] if len(board.benchmarks) > 1 else []),
        protocol_sentence(board.protocol),
        *of_reductions(row.key for row in board.rows),
        *of_ensembles(row.key.side for row in board.rows),
        f"{board.metric}: {value} {user_counts(board.n_users)}, {each}averaged over seeds",
        *fault_sentences(board.stored, board.metric),
        *of_left_out(board.left_out),
        *([] if board.p is None else [f"p of Friedman's test of the ranked rows: {p_value(board.p)}"]),
        *made_with(board.records),
    )


# --- ledgers ------------------------------------------------------------------------------------------------------


def ledger_caption(evidence: Evidence, ledgers: Sequence[Ledger], effects: bool, in_words: bool) -> str:
    """Return the caption of ledgers: the findings in words, then what the columns mean and how it was tested."""
    if not ledgers:
        pairs = pairs_with_controls(evidence.rows, evidence.tested, evidence.controls.unshared)
        faults = [
            f"{text} ({key.name} on {key.dataset})" for key in pairs for text in without_effect(key, evidence)
        ]
        none = (
            "No pair has a control here, so nothing tells what its gain is made of; `corecbench run` trains "
            "controls with --control, and pairs that share nothing with --sharing none"
        )
        return sentences(*(faults or [none]))
    method = evidence.method
    lines = [line for ledger in ledgers for line in ledger.contrasts]
    contrasts = [line.comparison for line in lines]
    findings = [text for each in ledgers if in_words for text in in_sentences(each, evidence)]
    unit = "the model alone"
    if any(ledger.no_alone for ledger in ledgers):
        unit = "the model alone, or where that is missing to the lowest row there is"
    sliced = {line.place for line in lines if line.comparison.group.slicing}
    n_all = len({line.place for line in lines} - sliced)
    second = f", and those on slices within a second one of {len(sliced)}" if sliced else ""
    margin, level = f"{100 * method.margin:g}%", decimal(ALPHA, 2)
    details = [
        protocol_sentence(evidence.protocol()),
        "Each line is one row minus another one, paired over users, each user first averaged over the seeds that "
        "all rows of the ledger have",
        "Part: the whole gain, its steps from the model alone to the pair, and contrasts of the pair with single "
        "controls, which do not add up",
        f"change: the difference relative to {unit}",
        *lacking_sentences(ledgers),
        of_p(contrasts, method),
        of_family(method, f"one family of {n_all} contrasts{second}"),
        f"Intervals in sentences are of the change, by {of_changes(method)}",
        *(of_effects(method, unit, contrasts) if effects else [of_intervals(method, contrasts)]),
        f"Finding: a gain or loss where {p_name(method)} is below {level}; nothing beyond {margin} where "
        f"{p_name(method, 'TOST')} is below {level}, which tests a difference of {margin} of the model alone or "
        "more; otherwise open" + (f"; a verdict needs {FEWEST_SEEDS} seeds" if method.speaks_of_methods else ""),
    ]
    if any(line.finding == "out of reach" for line in lines):
        details.append(
            "Not testable: no later phase of the recommender follows one of the LLM, so that fine-tuning could not "
            "reach it"
        )
    if sliced:
        details.append(f"Slices are those of the table of slices, without any of fewer than {FEWEST_USERS} users")
    return " ".join([*findings, sentences(*details, *made_with(evidence.records()))])
