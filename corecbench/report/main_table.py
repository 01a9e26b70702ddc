"""The table of a benchmark as it is read: columns, marks and caption."""

import re
from collections.abc import Callable, Iterator, Mapping

from corecbench.api import Mark, Report
from corecbench.report.average_ranks import over_datasets
from corecbench.report.columns import NONE, Column, lay_out
from corecbench.report.comparison import Comparison
from corecbench.report.comparison_columns import comparison_columns, of_effects, of_tests, p_name, significant
from corecbench.report.provenance import listed, of_left_out, of_reductions, protocol_sentence
from corecbench.report.table import Table, TableRow
from corecbench.report.wording import (
    count,
    decimal,
    of_ensembles,
    p_value,
    percent,
    seed_list,
    sentences,
    user_counts,
)

Marks = dict[tuple[int, str], list[Mark]]

MEANINGS: Mapping[Mark, str] = {
    "best": "among the rows of a data set that have all seeds and are no controls",
    "second": "the next among them",
}


def report(table: Table, cost: bool = False, effects: bool = False) -> Report:
    """Return the table as reporters take it.

    Args:
        table: the rows, with what a caption states.
        cost: whether there are columns of what training and inference take.
        effects: whether there are columns of effect sizes.
    """
    columns = [*_identity(table), *_results(table, effects), *(COST if cost else []), *_extent(table)]
    frame, values = lay_out(table.rows, columns)
    marks = _marks(table)
    used = {mark for marks_of_cell in marks.values() for mark in marks_of_cell}
    meanings: dict[Mark, str] = {**MEANINGS, "significant": significant(table.method)}
    legend = {mark: meaning for mark, meaning in meanings.items() if mark in used}
    return Report("table", frame, values, caption(table, cost, effects), marks, legend, table.metrics)


# --- columns ----------------------------------------------------------------------------------------------------


def _identity(table: Table) -> Iterator[Column]:
    yield Column("data set", lambda row: row.key.dataset)
    yield Column("model", lambda row: row.key.model)
    yield Column("side", lambda row: "reference" if row.key.is_reference else row.key.side)
    yield Column("sharing", lambda row: row.key.sharing)
    if any(row.key.control for row in table.rows):
        yield Column("control", lambda row: row.key.control)


def _results(table: Table, effects: bool) -> Iterator[Column]:
    for name in table.metrics:
        yield Column(name, _metric(name), decimal)
    if table.names_strongest:
        yield Column(_over_strongest(table), lambda row: row.over_strongest and row.over_strongest.change, percent)
        p = p_name(table.method, "strongest")
        yield Column(p, lambda row: row.over_strongest and row.over_strongest.p_adjusted, p_value)
    seeds = effects and _has_seeds(table)
    yield from comparison_columns(lambda row: row.comparison, _change(table), table.method, effects, seeds)


def _metric(name: str) -> Callable[[TableRow], float | None]:
    return lambda row: row.metrics.get(name)


def _change(table: Table) -> str:
    return f"{table.tested} vs solo"


def _over_strongest(table: Table) -> str:
    return f"{table.tested} vs strongest"


COST = (
    Column("train s", lambda row: row.cost.train_s, "{:,.1f}".format),
    Column("ms/user", lambda row: row.cost.inference_ms_per_user, "{:,.2f}".format),
    Column("trainable", lambda row: row.cost.trainable_parameters, "{:,.0f}".format),
    Column("parameters", lambda row: row.cost.parameters, "{:,.0f}".format),
    Column("peak GiB", lambda row: row.cost.peak_memory_gib, "{:.2f}".format),
)


def _extent(table: Table) -> Iterator[Column]:
    yield Column("users", lambda row: row.n_users or None, count)
    yield Column("seeds", lambda row: seed_list(row.seeds) or None)
    if any(row.notes for row in table.rows):
        yield Column("notes", lambda row: "; ".join(row.notes))


# --- marks ------------------------------------------------------------------------------------------------------


def _marks(table: Table) -> Marks:
    marks: Marks = {}
    for number, row in enumerate(table.rows):
        compared = {_change(table): row.comparison}
        if table.names_strongest:
            compared[_over_strongest(table)] = row.over_strongest
        for column, comparison in compared.items():
            if comparison and comparison.is_significant:
                marks[number, column] = ["significant"]
    for dataset in dict.fromkeys(row.key.dataset for row in table.rows):
        for metric, higher_is_better in table.metrics.items():
            values = {
                number: row.metrics[metric]
                for number, row in enumerate(table.rows)
                if row.key.dataset == dataset and row.is_complete and not row.is_control and metric in row.metrics
            }
            marks |= {(number, metric): [mark] for number, mark in best_two(values, higher_is_better).items()}
    return marks


def best_two(values: Mapping[int, float], higher_is_better: bool) -> dict[int, Mark]:
    """Return which rows have the best and which the second best value; none where all are the same.

    >>> best_two({0: 0.1, 4: 0.3, 5: 0.2, 7: 0.3}, True)
    {4: 'best', 5: 'second', 7: 'best'}
    """
    order = sorted(set(values.values()), reverse=higher_is_better)[:2]
    if len(order) < 2:
        return {}
    names: dict[float, Mark] = dict(zip(order, ("best", "second"), strict=True))
    return {number: names[value] for number, value in values.items() if value in names}


# --- caption ----------------------------------------------------------------------------------------------------


def caption(table: Table, cost: bool = False, effects: bool = False) -> str:
    """Return the caption, which states protocol, means, tests and their correction, and versions."""
    users = {row.key.dataset: row.n_users for row in table.rows if row.n_users}
    if not users:
        return "No cell succeeded."
    seeds = seed_list({seed for row in table.rows for seed in row.seeds}, "seed")
    return sentences(
        [
            protocol_sentence(table.protocol),
            *of_reductions(row.key for row in table.rows),
            f"Metrics are means over {user_counts(users)}, each user first averaged over {seeds}",
            *of_lists(table),
            *table.faults,
            *of_left_out(table.left_out),
            *of_strongest(table),
            f"{_change(table)}: relative change against the same model trained alone, over the seeds both have",
            *of_ensembles((row.key.side for row in table.rows), "the domain model alone"),
            *(
                of_control(control, table)
                for control in dict.fromkeys(row.key.control for row in table.rows if row.key.control)
            ),
            *of_tests(_comparisons(table), table.method, "joint rows", "the model alone"),
            *(of_effects(table.method, "the solo row's mean", _comparisons(table)) if effects else []),
            *over_datasets(table),
            *(of_costs(table) if cost else []),
            *table.made_with,
        ]
    )


def of_strongest(table: Table) -> Iterator[str]:
    """Yield the sentence of a caption about the strongest row without an LLM."""
    if table.names_strongest:
        rows = [f"{key.name} on {dataset}" for dataset, key in table.strongest.items()]
        yield (
            f"{_over_strongest(table)}: relative change against the row without an LLM that is best on the "
            f"validation items, {listed(rows, 'rows')}"
        )


def of_control(control: str, table: Table) -> str:
    """Return how a control differs from its pair. The plugin of a stored control need not be here."""
    summary = table.controls.get(re.split("[:@]", control, maxsplit=1)[0])
    return f"Control {control}: as the pair beside it, but {summary or 'changed by a plugin that is not here'}"


def _comparisons(table: Table) -> list[Comparison]:
    return [row.comparison for row in table.rows if row.comparison]


def _has_seeds(table: Table) -> bool:
    return any(comparison.sizes.seeds for comparison in _comparisons(table))


def of_lists(table: Table) -> Iterator[str]:
    """Yield the sentence of a caption about metrics without a value per user."""
    if table.overall:
        yield f"{', '.join(table.overall)}: one value of the lists of all users, averaged over seeds, not tested"


def of_costs(table: Table) -> Iterator[str]:
    """Yield the sentences of a caption about the columns of costs."""
    yield (
        "Costs are means over seeds: train s, seconds of training of the side in its cell (a pair may start from "
        "its domain model trained alone, whose seconds are in that row); ms/user, milliseconds to rank the "
        "catalogue for a user; trainable and all parameters, each side counting what it shares; peak GiB, memory "
        "of the process during the cell, the same for both sides"
        + (
            "; an ensemble takes what both sides take"
            if any(row.key.side == "ensemble" for row in table.rows)
            else ""
        )
    )
    costs = [row.cost for row in table.rows if row.seeds]
    if any(cost.train_s is not None and None in (cost.inference_ms_per_user, cost.parameters) for cost in costs):
        yield f"{NONE}: the result is from before this was recorded"
    if any(cost.train_s is None for cost in costs):
        yield f"{NONE} in all columns of costs: the result is imported"
