"""Any stored cells against one of them, paired over users and over the seeds that both have.

A row is one side of a cell of one benchmark. Unlike in the main table, cells may have different settings and lie in
several benchmarks, but on a data set they rank the same items of the same split under the same protocol.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.report.comparable import check_comparable, check_users, read_rows
from corecbench.report.comparison import STANDARD, adjust_families, common_seeds, compare, why_not
from corecbench.report.provenance import made_with
from corecbench.report.stored_rows import fault_sentences
from corecbench.report.table import AT_LIMIT, check_testable
from corecbench.results.record import ResultsError
from corecbench.results.rows import is_named
from corecbench.results.selection import check_known, known_datasets, on_datasets
from corecbench.settings.configure import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from corecbench.api import Metric
    from corecbench.report.comparison import Comparison, Family, Method
    from corecbench.report.stored_rows import StoredRow
    from corecbench.results.rows import RowKey
    from corecbench.results.store import Entry, Store


@dataclass(frozen=True)
class BenchmarkRow:
    """A stored row and the benchmark that holds it."""

    benchmark: str
    """The name of the benchmark, or its folder where several have the same name."""
    stored: StoredRow

    @property
    def key(self) -> RowKey:
        """The identity of the row."""
        return self.stored.key

    @property
    def name(self) -> str:
        """The name of the cell, with its side if it is a pair, such as "sasrec+llama+bdlm:llm"."""
        return self.key.name

    def is_called(self, name: str) -> bool:
        """Return whether a name means this row or its cell, with or without the benchmark before it."""
        return self.key.is_called(name, self.benchmark)


@dataclass(frozen=True)
class ComparedRow:
    """A row beside the baseline of its data set."""

    source: BenchmarkRow
    mean: float | None
    """Mean over users of the metric, each user first averaged over seeds; None where there is no value."""
    n_users: int
    seeds: tuple[int, ...]
    """The seeds that the baseline has too."""
    comparison: Comparison | None
    """None for the baseline itself, and where the two cannot be compared."""
    notes: tuple[str, ...]

    @property
    def key(self) -> RowKey:
        """The identity of the row."""
        return self.source.key

    @property
    def name(self) -> str:
        """The name of the cell, with its side if it is a pair."""
        return self.source.name

    @property
    def benchmark(self) -> str:
        """The name of the benchmark that holds the row."""
        return self.source.benchmark


@dataclass(frozen=True)
class Comparisons:
    """The rows of all data sets, the baseline first on each."""

    rows: tuple[ComparedRow, ...]
    baseline: str
    metric: str
    higher_is_better: bool
    method: Method
    protocol: Mapping[str, Any]
    made_with: tuple[str, ...]
    """Versions and devices, as sentences."""
    faults: tuple[str, ...] = ()
    """Why the metric has no value for some rows, as sentences."""
    in_order: bool = False
    """Whether only users count whose last two items have different times."""

    @property
    def made(self) -> list[Comparison]:
        """The comparisons that could be made."""
        return [row.comparison for row in self.rows if row.comparison]


def build(
    results: Mapping[Store, Sequence[Entry]],
    baseline: str,
    name: str,
    metric: Metric,
    cells: Collection[str] = (),
    datasets: Collection[str] = (),
    method: Method = STANDARD,
    unshared: Collection[str] = (),
    in_order: bool = False,
) -> Comparisons:
    """Compare stored cells with the one that is named as the baseline.

    Args:
        results: the benchmarks, each with its folders and their records.
        baseline: the name of a cell, followed by ":domain", ":llm" or ":ensemble" if it has several sides, and with
            "BENCHMARK/" before it if several benchmarks have it.
        name: the name of the metric.
        metric: the metric that is compared.
        cells: the cells to compare with the baseline, named likewise; a pair without a side means both sides. All
            cells if none is named.
        datasets: the data sets to compare on; all if none is named.
        method: the method of the tests.
        unshared: sharing modules that share nothing; their rows are controls.
        in_order: whether only users count whose last two items have different times.

    Raises:
        UsageError: a name means nothing that is stored, the baseline means more than one row, or the metric has no
            value per user.
        ResultsError: cells differ in protocol, split or users, or a data set has no baseline.
    """
    check_testable(name, metric)
    stores = _by_label(results)
    asked = (baseline, *cells)
    entries = _select({label: results[store] for label, store in stores.items()}, asked, datasets, bool(cells))
    protocol = check_comparable((entry for held in entries.values() for entry in held), settings=False)
    rows = [
        BenchmarkRow(label, stored.in_order() if in_order else stored)
        for label, held in entries.items()
        for stored in read_rows(held, stores[label], {name: metric}).values()
    ]
    check_users(row.stored for row in rows)
    rows = [row for row in rows if not cells or any(map(row.is_called, asked))]

    def compared(row: BenchmarkRow, base: BenchmarkRow) -> ComparedRow:
        family: Family = "control" if row.key.is_control(unshared) else "row"
        return _compared(row, base, name, metric.higher_is_better, family, method)

    compared_rows = [
        result
        for dataset in dict.fromkeys(row.key.dataset for row in rows)
        for result in _on_dataset([row for row in rows if row.key.dataset == dataset], baseline, compared)
    ]
    comparisons = {place: row.comparison for place, row in enumerate(compared_rows) if row.comparison}
    for place, comparison in adjust_families(comparisons, method).items():
        compared_rows[place] = replace(compared_rows[place], comparison=comparison)
    stored_rows = [row.source.stored for row in compared_rows]
    made = made_with(record for stored in stored_rows for record in stored.records)
    faults = fault_sentences(stored_rows)
    return Comparisons(
        tuple(compared_rows), baseline, name, metric.higher_is_better, method, protocol, made, faults, in_order
    )


def _by_label(stores: Collection[Store]) -> dict[str, Store]:
    """Return benchmarks by name, and by folder where several have the same name."""
    count = Counter({(store.root, store.benchmark): store.benchmark for store in stores}.values())
    return {
        store.benchmark if count[store.benchmark] == 1 else (store.root / store.benchmark).as_posix(): store
        for store in stores
    }


def _select(
    entries: Mapping[str, Sequence[Entry]], asked: Sequence[str], datasets: Collection[str], only_asked: bool
) -> dict[str, list[Entry]]:
    """Return the results on some data sets, of all cells or only of those asked for.

    Raises:
        UsageError: there is no such data set, or no such cell on them.
    """
    stored = {name for held in entries.values() for name in known_datasets(held)}
    check_known("data set", datasets, stored)
    chosen = {label: on_datasets(held, datasets) for label, held in entries.items()}
    for name in asked:
        if not any(is_named(record, [name], label) for label, held in chosen.items() for _, record in held):
            raise unknown("cell", name, {record["cell"]["name"] for held in chosen.values() for _, record in held})
    if not only_asked:
        return chosen
    return {label: [entry for entry in held if is_named(entry[1], asked, label)] for label, held in chosen.items()}


def _on_dataset(
    rows: Sequence[BenchmarkRow], baseline: str, compared: Callable[[BenchmarkRow, BenchmarkRow], ComparedRow]
) -> Iterator[ComparedRow]:
    """Yield the rows of a data set, the baseline first."""
    matches = [row for row in rows if row.is_called(baseline)]
    if not matches:
        dataset = rows[0].key.dataset
        raise ResultsError(f"{dataset}: no cell {baseline} to compare with; choose data sets with --datasets")
    if len(matches) > 1:
        names = sorted({row.name for row in matches})
        if len(names) == 1:
            names = [f"{row.benchmark}/{row.name}" for row in matches]
        raise UsageError(f"baseline {baseline!r} means several rows; choose one of {', '.join(names)}")
    base = matches[0]
    for row in (base, *(row for row in rows if row is not base)):
        yield compared(row, base)


def _compared(
    row: BenchmarkRow, base: BenchmarkRow, metric: str, higher_is_better: bool, family: Family, method: Method
) -> ComparedRow:
    stored = row.stored
    notes = [*stored.failures(), *stored.fault_notes()]
    if stored.at_limit:
        notes.append(AT_LIMIT)
    seeds = common_seeds(stored, base.stored)
    comparison = None
    if row is not base:
        if reason := why_not(stored, base.stored, metric, "the baseline"):
            notes.append(reason)
        else:
            comparison = compare(stored, base.stored, metric, higher_is_better, family, method)
    n_users = stored.n_users if seeds else 0
    has_mean = bool(seeds) and stored.has(metric)
    mean = float(stored.mean_of(metric, seeds).mean()) if has_mean else None
    return ComparedRow(row, mean, n_users, seeds, comparison, tuple(notes))
