"""The table of a benchmark: the metrics of every row, and each joint row tested against its own solo row.

A row is one side of a cell, over its seeds. A solo row is a model trained alone; the domain side of a joint row is
compared with the strongest row without an LLM, and with the solo row of the same domain model; the LLM side with
that of the same LLM. An ensemble, which has
the scores of both sides combined, is a row too, and compared with the domain model alone. A control is compared
with the solo row that its pair is compared with, whose texts and LLM are real.
"""

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from corecbench.api import CellResult, Metric, RowSide, UsageError
from corecbench.evaluation.measuring import is_overall
from corecbench.report.comparable import check_comparable, read_rows
from corecbench.report.comparison import STANDARD, Comparison, Family, Method, adjust_families, compare, why_not
from corecbench.report.provenance import made_with
from corecbench.report.stored_rows import StoredRow, fault_sentences
from corecbench.report.strongest import strongest_without_llm
from corecbench.report.wording import seed_list
from corecbench.results.record import ResultsError
from corecbench.results.rows import RowKey, variants_of
from corecbench.results.store import Entry, Store

AT_LIMIT = "still improving at its epoch limit"


@dataclass(frozen=True)
class Cost:
    """The costs of a side, each a mean over seeds; None where a seed has no record of it."""

    train_s: float | None
    inference_ms_per_user: float | None
    trainable_parameters: float | None
    parameters: float | None
    peak_memory_gib: float | None
    """Peak memory of the process during the whole cell, both sides of a pair together."""


@dataclass(frozen=True)
class TableRow:
    """One side of a cell, as a table shows it."""

    key: RowKey
    metrics: Mapping[str, float]
    """Metric -> its value, as `StoredRow.means` gives it; without metrics that have no value."""
    n_users: int
    seeds: tuple[int, ...]
    """The seeds that succeeded."""
    comparison: Comparison | None
    """With the model alone."""
    over_strongest: Comparison | None
    """With the strongest row without an LLM; for pairs only."""
    notes: tuple[str, ...]
    """Remarks that a reader needs: failures, missing seeds, why there is no comparison."""
    is_complete: bool
    """Whether every seed of the data set succeeded here."""
    is_control: bool
    """Whether the row is there only to judge other rows by, as `RowKey.is_control` says."""
    cost: Cost


@dataclass(frozen=True)
class Table:
    """All rows of a benchmark, with what its caption states."""

    rows: tuple[TableRow, ...]
    metrics: Mapping[str, bool]
    """Metric -> whether higher is better, in the order of the columns."""
    tested: str
    method: Method
    protocol: Mapping[str, Any]
    made_with: tuple[str, ...]
    """Versions and devices, as sentences."""
    overall: tuple[str, ...] = ()
    """Metrics that have one value for all lists together and none per user."""
    faults: tuple[str, ...] = ()
    """Why metrics have no values, as sentences."""
    controls: Mapping[str, str] = field(default_factory=dict)
    """Control -> how it differs from its pair, of the controls that are known here."""
    left_out: tuple[str, ...] = ()
    """Folders of the cells that are left out, since what is stored of them cannot be used."""
    strongest: Mapping[str, RowKey] = field(default_factory=dict)
    """Data set -> its strongest row without an LLM, by validation."""

    @property
    def names_strongest(self) -> bool:
        """Whether a recommender's pair is compared with a stronger row than its model alone."""
        return any(
            row.over_strongest and row.key.side == "domain" and self.strongest[row.key.dataset] != row.key.solo
            for row in self.rows
        )


def build(
    entries: Iterable[Entry],
    store: Store,
    metrics: Mapping[str, Metric],
    tested: str = "NDCG@10",
    method: Method = STANDARD,
    unshared: Collection[str] = (),
    stored: Mapping[RowKey, StoredRow] | None = None,
    controls: Mapping[str, str] | None = None,
) -> Table:
    """Make the table of the given cells.

    Rows are in the order of their data sets. On each, the domain models come before the LLMs, in the order in which
    the records name them: a model alone, then its pairs, each followed by its controls and its ensemble.

    Args:
        entries: folders and their records, failed ones too; at most one for each cell and seed.
        store: where the ranks are read from.
        metrics: name -> metric, in the order of the columns.
        tested: the name of the metric that is tested and whose change is shown.
        method: the method of the tests.
        unshared: sharing modules that share nothing; their rows are controls.
        stored: the rows, if `read` has read them already.
        controls: control -> how it differs from its pair, for those whose plugin is here.

    Raises:
        ResultsError: there are no records, or they do not belong in one table.
        UsageError: `tested` is not among the metrics or has no value per user, or there is no such method.
    """
    entries = list(entries)
    if stored is None:
        stored = read(entries, store, metrics, tested)
    protocol = check_comparable(entries)
    reasons = {
        key: why_untested(row, stored.get(key.solo), tested) for key, row in stored.items() if not key.is_solo
    }
    variants = variants_of(entries)
    families = {key: family_of(key, stored, variants, unshared) for key in stored}
    direction = metrics[tested].higher_is_better
    comparisons = adjust_families(
        {
            key: compare(stored[key], stored[key.solo], tested, direction, families[key], method)
            for key, reason in reasons.items()
            if reason is None
        },
        method,
    )
    strongest = strongest_without_llm(stored, unshared)
    pairs = [key for key in stored if key.dataset in strongest and not key.is_solo and families[key] != "control"]
    bases = {key: stored[strongest[key.dataset]] for key in pairs}
    over_strongest = adjust_families(
        {
            key: compare(stored[key], base, tested, direction, families[key], method)
            for key, base in bases.items()
            if why_not(stored[key], base, tested, "the strongest row without an LLM") is None
        },
        method,
    )
    planned: dict[str, set[int]] = {}
    for _, record in entries:
        planned.setdefault(record["cell"]["dataset"], set()).add(record["cell"]["seed"])
    rows = []
    for key, row in stored.items():
        notes = _notes(row, planned[key.dataset], reasons.get(key))
        is_complete = not row.problems and bool(row.values) and not row.missing(planned[key.dataset])
        compared = comparisons.get(key), over_strongest.get(key)
        rows.append(_row(row, *compared, notes, is_complete, families[key] == "control"))
    directions = {name: metric.higher_is_better for name, metric in metrics.items()}
    made = made_with(record for _, record in entries)
    overall = tuple(name for name, metric in metrics.items() if is_overall(metric))
    faults = fault_sentences(stored.values())
    left_out = tuple(map(str, store.damaged))
    stated = made, overall, faults, controls or {}, left_out, strongest
    return Table(tuple(rows), directions, tested, method, protocol, *stated)


def family_of(
    key: RowKey, rows: Collection[RowKey], variants: Mapping[str, str], unshared: Collection[str]
) -> Family:
    """Return the family in which a row is tested.

    A pair whose sharing module is a variant is an ablation where the pair of the module itself stands beside it.

    Args:
        key: the row.
        rows: all rows of the table.
        variants: sharing module -> the one that it is a variant of.
        unshared: sharing modules that share nothing.
    """
    if key.is_control(unshared):
        return "control"
    whole = variants.get(key.sharing or "")
    return "ablation" if whole and replace(key, sharing=whole) in rows else "row"


def read(
    entries: Sequence[Entry], store: Store, metrics: Mapping[str, Metric], tested: str
) -> Mapping[RowKey, StoredRow]:
    """Read the rows of a table, in order. Arguments and errors are those of `build`."""
    if not entries:
        raise ResultsError("no results to make a table of; `corecbench run` makes them")
    if tested not in metrics:
        raise UsageError(f"metric {tested!r} is to be tested but not among those shown: {', '.join(metrics)}")
    check_testable(tested, metrics[tested])
    check_comparable(entries)
    return read_rows(entries, store, metrics)


def check_testable(name: str, metric: Metric) -> None:
    """Make sure that a metric can be tested over users.

    Raises:
        UsageError: the metric has no value per user.
    """
    if is_overall(metric):
        raise UsageError(
            f"{name} is one value of all lists together, which cannot be tested over users; choose a metric that "
            "has one per user, such as NDCG@10"
        )


def why_untested(row: StoredRow, solo: StoredRow | None, metric: str) -> str | None:
    """Return why a joint row cannot be compared with its solo row, None if it can."""
    if solo is None:
        return "not compared: no solo row"
    if solo.at_limit:
        return f"not compared: its solo row was {AT_LIMIT}"
    return why_not(row, solo, metric, "its solo row")


def _notes(row: StoredRow, planned: set[int], untested: str | None) -> tuple[str, ...]:
    notes = [f"imported from {file}" for file in row.imported_from()] + row.failures()
    if missing := row.missing(planned):
        notes.append(f"{seed_list(missing, 'seed')} missing")
    notes += row.fault_notes()
    if kept := row.kept_alone():
        notes.append(f"kept the model alone, not clearly worse on validation: {seed_list(kept, 'seed')}")
    if kept := row.kept_alone_with_texts():
        seeds = seed_list(kept, "seed")
        notes.append(f"kept the model alone with texts in its scores, not clearly worse on validation: {seeds}")
    if row.at_limit and row.key.is_solo:
        notes.append(AT_LIMIT)
    return (*notes, untested) if untested else tuple(notes)


def _row(
    row: StoredRow,
    comparison: Comparison | None,
    over_strongest: Comparison | None,
    notes: tuple[str, ...],
    is_complete: bool,
    is_control: bool,
) -> TableRow:
    return TableRow(
        key=row.key,
        metrics=row.means() if row.values else {},
        n_users=len(next(iter(row.values.values()), ())),
        seeds=tuple(row.values),
        comparison=comparison,
        over_strongest=over_strongest,
        notes=notes,
        is_complete=is_complete,
        is_control=is_control,
        cost=_cost(row.records, row.key.side),
    )


def _cost(records: Sequence[CellResult], side: RowSide) -> Cost:
    sides = [record["sides"][side] for record in records]

    def mean(of_seeds: Sequence[Mapping[str, Any]], name: str) -> float | None:
        values = [of_seed.get(name) for of_seed in of_seeds]
        known = [value for value in values if value is not None]
        return statistics.mean(known) if known and len(known) == len(values) else None

    names = ("train_s", "inference_ms_per_user", "trainable_parameters", "parameters")
    peak = mean(records, "peak_memory_bytes")
    return Cost(
        **{name: mean(sides, name) for name in names}, peak_memory_gib=None if peak is None else peak / 2**30
    )
