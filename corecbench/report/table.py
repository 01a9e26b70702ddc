"""The table of a benchmark: every row's metrics, and each joint row tested against its own solo row.

A row is one side of a cell, over its seeds. A solo row is a model trained alone; the domain side of a joint row is
compared with the solo row of the same domain model, the LLM side with that of the same LLM. An ensemble, which has
the scores of both sides combined, is a row too, and compared with the domain model alone. A control is compared
with the solo row that its pair is compared with, whose texts and LLM are real.
"""

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corecbench.api import CellResult, Metric, RowSide, UsageError
from corecbench.evaluation.measuring import is_overall
from corecbench.report.comparison import STANDARD, Comparison, Method, adjust_families, compare, why_not
from corecbench.report.per_user import Line, check_comparable, read_lines
from corecbench.report.provenance import made_with
from corecbench.report.wording import seed_list
from corecbench.results.record import ResultsError
from corecbench.results.store import Entry, Store

AT_LIMIT = "still improving at its epoch limit"


@dataclass(frozen=True)
class Cost:
    """What a side takes, each a mean over seeds; None where a seed has no record of it."""

    train_s: float | None
    inference_ms_per_user: float | None
    trainable_parameters: float | None
    parameters: float | None
    peak_memory_gib: float | None
    """Of the process during the whole cell, both sides of a pair together."""


@dataclass(frozen=True)
class Row:
    """One side of a cell."""

    dataset: str
    model: str
    side: RowSide
    sharing: str | None
    """None for a solo row."""
    control: str | None
    """What is different from the pair that the row stands beside; None for the pair itself and for a solo row."""
    metrics: Mapping[str, float]
    """As `Line.means`; empty if no seed succeeded."""
    n_users: int
    seeds: tuple[int, ...]
    """Those that succeeded."""
    comparison: Comparison | None
    notes: tuple[str, ...]
    """What a reader must know: failures, missing seeds, why there is no comparison."""
    is_complete: bool
    """Whether every seed of the data set succeeded here."""
    is_control: bool
    """As `Key.is_control`."""
    cost: Cost


@dataclass(frozen=True)
class Table:
    """All rows of a benchmark, with what its caption states."""

    rows: tuple[Row, ...]
    metrics: Mapping[str, bool]
    """Name -> whether higher is better, in the order of the columns."""
    tested: str
    method: Method
    protocol: Mapping[str, Any]
    made_with: tuple[str, ...]
    """Versions and devices, as sentences."""
    overall: tuple[str, ...] = ()
    """Metrics that have one value of all lists together and none per user."""


def build(
    records: Iterable[Entry],
    store: Store,
    metrics: Mapping[str, Metric],
    tested: str = "NDCG@10",
    method: Method = STANDARD,
    unshared: Collection[str] = (),
) -> Table:
    """Make the table of the given cells.

    Rows are in the order of their data sets; then come the domain models and then the LLMs, each in the order in
    which the records name them: alone, then its pairs, each followed by its controls and its ensemble.

    Args:
        records: folders and their records, failed ones too; at most one for each cell and seed.
        store: where the ranks are read from.
        metrics: name -> metric, in the order of the columns.
        tested: the name of the metric that is tested and whose change is shown.
        method: of the tests.
        unshared: sharing modules under which nothing is shared; their rows are controls.

    Raises:
        ResultsError: there are no records, or they do not belong in one table.
        UsageError: `tested` is not among the metrics or has no value per user, or there is no such method.
    """
    records = list(records)
    if not records:
        raise ResultsError("no results to make a table of; `corecbench run` makes them")
    if tested not in metrics:
        raise UsageError(f"metric {tested!r} is to be tested but not among those shown: {', '.join(metrics)}")
    check_testable(tested, metrics[tested])
    protocol = check_comparable(records)
    lines = read_lines(records, store, metrics)
    reasons = {key: why_untested(line, lines.get(key.solo)) for key, line in lines.items() if key != key.solo}
    controls = {key for key in lines if key.is_control(unshared)}
    direction = metrics[tested].higher_is_better
    comparisons = adjust_families(
        {
            key: compare(lines[key], lines[key.solo], tested, direction, key in controls, method)
            for key, reason in reasons.items()
            if reason is None
        },
        method,
    )
    rows = []
    for key, line in lines.items():
        planned = {record["cell"]["seed"] for _, record in records if record["cell"]["dataset"] == key.dataset}
        notes = _notes(line, planned, reasons.get(key))
        rows.append(_row(line, comparisons.get(key), notes, planned == line.values.keys(), key in controls))
    directions = {name: metric.higher_is_better for name, metric in metrics.items()}
    made = made_with(record for _, record in records)
    overall = tuple(name for name, metric in metrics.items() if is_overall(metric))
    return Table(tuple(rows), directions, tested, method, protocol, made, overall)


def check_testable(name: str, metric: Metric) -> None:
    """Make sure that a metric can be tested over users.

    Raises:
        UsageError: it has no value per user.
    """
    if is_overall(metric):
        raise UsageError(
            f"{name} is one value of all lists together, which cannot be tested over users; choose a metric that "
            "has one per user, such as NDCG@10"
        )


def why_untested(line: Line, solo: Line | None) -> str | None:
    """Return why a joint row cannot be compared with its solo row, None if it can."""
    if solo is None:
        return "not compared: no solo row"
    if solo.at_limit:
        return f"not compared: its solo row was {AT_LIMIT}"
    return why_not(line, solo, "its solo row")


def _notes(line: Line, planned: set[int], untested: str | None) -> tuple[str, ...]:
    notes = line.failures()
    if missing := planned - line.values.keys() - line.problems.keys():
        notes.append(f"{seed_list(missing, 'seed')} missing")
    if line.at_limit and line.key == line.key.solo:
        notes.append(AT_LIMIT)
    return (*notes, untested) if untested else tuple(notes)


def _row(
    line: Line, comparison: Comparison | None, notes: tuple[str, ...], is_complete: bool, is_control: bool
) -> Row:
    return Row(
        dataset=line.key.dataset,
        model=line.key.model,
        side=line.key.side,
        sharing=line.key.sharing,
        control=line.key.control,
        metrics=line.means() if line.values else {},
        n_users=len(next(iter(line.values.values()), ())),
        seeds=tuple(line.values),
        comparison=comparison,
        notes=notes,
        is_complete=is_complete,
        is_control=is_control,
        cost=_cost(line.records, line.key.side),
    )


def _cost(records: Sequence[CellResult], side: RowSide) -> Cost:
    sides = [record["sides"][side] for record in records]

    def mean(found: Sequence[Mapping[str, Any]], name: str) -> float | None:
        values = [each.get(name) for each in found]
        return None if not values or None in values else statistics.mean(values)

    names = ("train_s", "inference_ms_per_user", "trainable_parameters", "parameters")
    peak = mean(records, "peak_memory_bytes")
    return Cost(
        **{name: mean(sides, name) for name in names}, peak_memory_gib=None if peak is None else peak / 2**30
    )
