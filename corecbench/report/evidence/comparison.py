"""Any stored cells against one of them, paired over users and over the seeds that both have.

A row is one side of a cell of one benchmark. Unlike in the main table, cells may have different settings and lie in
several benchmarks, but on a data set they rank the same items of the same split under the same protocol.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from corecbench.api import Metric, UsageError
from corecbench.report.evidence.contrasts import (
    STANDARD,
    Contrast,
    Family,
    Method,
    Yardstick,
    adjust_families,
    common_seeds,
    why_not,
)
from corecbench.report.evidence.reading import check_testable, read_rows
from corecbench.report.evidence.rows import AT_LIMIT, Row
from corecbench.report.evidence.users import EVERYONE, check_users, users_in_order
from corecbench.report.wording import together
from corecbench.results.record import ResultsError
from corecbench.results.rows import RowKey, is_named
from corecbench.results.selection import check_known, known_datasets, on_datasets, protocols_of
from corecbench.settings.configure import unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from corecbench.results.store import Entry, Store


@dataclass(frozen=True)
class ComparedRow:
    """A row of a benchmark beside the baseline of its data set."""

    benchmark: str
    """The name of the benchmark that holds it, or its folder where several have the same name."""
    row: Row
    mean: float | None = None
    """Mean over users of the metric, each user first averaged over seeds; None where there is no value."""
    n_users: int = 0
    seeds: tuple[int, ...] = ()
    """The seeds that the baseline has too."""
    contrast: Contrast | None = None
    """None for the baseline itself, and where the two cannot be compared."""
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> RowKey:
        return self.row.key

    @property
    def name(self) -> str:
        return self.key.name


@dataclass(frozen=True)
class Comparison:
    """The rows of all data sets, the baseline first on each."""

    rows: tuple[ComparedRow, ...]
    baseline: str
    yardstick: Yardstick
    protocol: Mapping[str, Any]
    in_order: bool = False
    """Whether only users count whose last two items have different times."""

    @property
    def contrasts(self) -> list[Contrast]:
        return [each.contrast for each in self.rows if each.contrast]


def read_comparison(
    results: Mapping[Store, Sequence[Entry]],
    baseline: str,
    name: str,
    metric: Metric,
    cells: Collection[str] = (),
    datasets: Collection[str] = (),
    method: Method = STANDARD,
    unshared: Collection[str] = (),
    in_order: bool = False,
) -> Comparison:
    """Compare stored cells with the one that is named as the baseline.

    A cell is named with ":domain", ":llm" or ":ensemble" behind it if it has several sides, and with "BENCHMARK/"
    before it if several benchmarks have it; without a side both are compared. No cells and no data sets mean all.
    With `in_order` only users count whose last two items have different times.

    Raises:
        UsageError: a name means nothing that is stored, the baseline means more than one row, or the metric has no
            value per user.
        ResultsError: cells differ in protocol, split or users, or a data set has no baseline.
    """
    check_testable(name, metric)
    stores = _by_label(results)
    asked = (baseline, *cells)
    entries = _select({label: results[store] for label, store in stores.items()}, asked, datasets, bool(cells))
    protocols = protocols_of((entry for held in entries.values() for entry in held), settings=False)
    rows = [
        ComparedRow(label, row)
        for label, held in entries.items()
        for row in read_rows(held, stores[label], {name: metric}).values()
    ]
    check_users(each.row for each in rows)
    rows = [each for each in rows if not cells or any(each.key.is_called(cell, each.benchmark) for cell in asked)]
    yardstick = Yardstick(name, metric.higher_is_better, method)
    compared = [
        _compared(each, base, yardstick, unshared, in_order)
        for dataset in dict.fromkeys(each.key.dataset for each in rows)
        for base, each in _beside([each for each in rows if each.key.dataset == dataset], baseline)
    ]
    contrasts = {place: each.contrast for place, each in enumerate(compared) if each.contrast}
    for place, contrast in adjust_families(contrasts, method).items():
        compared[place] = replace(compared[place], contrast=contrast)
    return Comparison(tuple(compared), baseline, yardstick, together(protocols.items(), "data sets"), in_order)


def _by_label(stores: Collection[Store]) -> dict[str, Store]:
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


def _beside(rows: Sequence[ComparedRow], baseline: str) -> Iterator[tuple[ComparedRow, ComparedRow]]:
    """Yield the baseline of a data set with each of its rows, itself first."""
    matches = [each for each in rows if each.key.is_called(baseline, each.benchmark)]
    if not matches:
        dataset = rows[0].key.dataset
        raise ResultsError(f"{dataset}: no cell {baseline} to compare with; choose data sets with --datasets")
    if len(matches) > 1:
        names = sorted({each.name for each in matches})
        if len(names) == 1:
            names = [f"{each.benchmark}/{each.name}" for each in matches]
        raise UsageError(f"baseline {baseline!r} means several rows; choose one of {', '.join(names)}")
    base = matches[0]
    yield from ((base, each) for each in (base, *(each for each in rows if each is not base)))


def _compared(
    each: ComparedRow, base: ComparedRow, yardstick: Yardstick, unshared: Collection[str], in_order: bool
) -> ComparedRow:
    row, metric = each.row, yardstick.metric
    notes = [*row.failures(), *row.fault_notes(), *([AT_LIMIT] if row.at_limit else [])]
    seeds = common_seeds(row, base.row)
    group = users_in_order(row) if in_order else EVERYONE
    contrast = None
    if each is not base:
        if reason := why_not(row, base.row, metric, "the baseline", group):
            notes.append(reason)
        else:
            family: Family = "control" if row.key.is_control(unshared) else "row"
            contrast = yardstick.contrast(row, base.row, family, group)
    mean = None
    if seeds and row.has(metric):
        mean = float(group.within(row.mean_of(metric, seeds), seeds).mean())
    n_users = (group.n_users if in_order else row.n_users) if seeds else 0
    return replace(each, mean=mean, n_users=n_users, seeds=seeds, contrast=contrast, notes=tuple(notes))
