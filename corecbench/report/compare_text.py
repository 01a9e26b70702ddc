"""Comparisons of stored cells as a table for reporters, with a caption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.api import Report
from corecbench.report.columns import Column, lay_out
from corecbench.report.comparison_columns import comparison_columns, of_effects, of_tests, significant
from corecbench.report.provenance import of_reductions, protocol_sentence
from corecbench.report.wording import count, decimal, of_ensembles, seed_list, sentences, user_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.report.compare import Comparisons


def report(comparisons: Comparisons) -> Report:
    """Return the comparisons as reporters take them, with a column of benchmarks only if there are several."""
    frame, values = lay_out(comparisons.rows, list(_columns(comparisons)))
    significant_rows = [
        number
        for number, row in enumerate(comparisons.rows)
        if row.comparison is not None and row.comparison.is_significant
    ]
    return Report(
        "compare",
        frame,
        values,
        caption(comparisons),
        {(number, _change(comparisons)): ["significant"] for number in significant_rows},
        {"significant": significant(comparisons.method)} if significant_rows else {},
        {comparisons.metric: comparisons.higher_is_better},
    )


def _has_seeds(comparisons: Comparisons) -> bool:
    return any(comparison.sizes.seeds for comparison in comparisons.made)


def _change(comparisons: Comparisons) -> str:
    return f"{comparisons.metric} vs baseline"


def _columns(comparisons: Comparisons) -> Iterator[Column]:
    yield Column("data set", lambda row: row.key.dataset)
    if len({row.benchmark for row in comparisons.rows}) > 1:
        yield Column("benchmark", lambda row: row.benchmark)
    yield Column("cell", lambda row: row.name)
    yield Column(comparisons.metric, lambda row: row.mean, decimal)
    yield Column("baseline", lambda row: row.comparison and row.comparison.base, decimal)
    yield from comparison_columns(
        lambda row: row.comparison,
        _change(comparisons),
        comparisons.method,
        effects=True,
        seeds=_has_seeds(comparisons),
    )
    yield Column("users", lambda row: row.n_users or None, count)
    yield Column("seeds", lambda row: seed_list(row.seeds) or None)
    if any(row.notes for row in comparisons.rows):
        yield Column("notes", lambda row: "; ".join(row.notes))


def caption(comparisons: Comparisons) -> str:
    """Return the caption, which states protocol, means, tests and their correction, and versions."""
    metric, rows = comparisons.metric, comparisons.rows
    users = {row.key.dataset: row.n_users for row in rows if row.n_users}
    seeds = seed_list({seed for row in rows for seed in row.seeds})
    statistics = ["No cell can be compared"]
    if comparisons.made:
        statistics = [
            *of_tests(comparisons.made, comparisons.method, "rows", comparisons.baseline),
            *of_effects(comparisons.method, "the baseline's mean", comparisons.made),
        ]
    return sentences(
        [
            f"{metric} of cells against {comparisons.baseline}, the first row of a data set",
            protocol_sentence(comparisons.protocol),
            *of_reductions(row.key for row in rows),
            *of_ensembles(row.key.side for row in rows),
            f"{metric} and baseline: means over {user_counts(users)}, each user first averaged over the "
            f"seeds both have{f' (of {seeds})' if seeds else ''}",
            *(["Users are those whose last two items are in order by time"] if comparisons.in_order else []),
            *comparisons.faults,
            *statistics,
            *comparisons.made_with,
        ]
    )
