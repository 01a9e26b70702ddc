"""The leaderboard: every stored row over all data sets, by its average rank on them.

A row is one side of a cell, as in the main table. The results of several benchmarks stand together if on each
data set they rank the same items of the same split under the same protocol. Where two of them hold a cell under
different settings, each has a row of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.data.reduction import largest_parts, pooled_dataset, reduction_of
from corecbench.report.evidence.contrasts import FEWEST_DATASETS, FEWEST_ROWS
from corecbench.report.evidence.reading import read_rows
from corecbench.report.evidence.rows import AT_LIMIT, Row
from corecbench.report.evidence.users import check_users
from corecbench.report.wording import together
from corecbench.results.record import ResultsError
from corecbench.results.selection import protocols_of, without_repeats
from corecbench.stats.friedman import Friedman, critical_difference, friedman

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from corecbench.api import CellResult, Metric
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey
    from corecbench.results.store import Entry, Store

    Source = tuple[str, Entry]
    """A benchmark and a stored cell of it."""


@dataclass(frozen=True)
class BoardRow:
    """One side of a cell over the data sets."""

    key: RowKey
    """The identity of the row on one of the data sets."""
    benchmark: str | None
    """The name of the benchmark, where several hold the cell under different settings."""
    values: Mapping[str, float]
    """data set -> mean over users of the metric, each user first averaged over seeds."""
    seeds: Mapping[str, tuple[int, ...]]
    """data set -> the seeds that succeeded."""
    is_control: bool
    notes: tuple[str, ...]
    """Remarks that a reader needs, above all about missing results."""
    mean: float | None
    """Mean of the metric over all data sets; None where a data set is missing."""
    is_complete: bool
    """Whether the row has every data set and, on each, all seeds of the benchmarks that hold it."""
    average_rank: float | None = None
    """Average rank over all data sets, among the ranked rows; None for controls and rows that lack a data set."""
    wins: int | None = None
    """Number of data sets on which no ranked row is better."""

    @property
    def is_ranked(self) -> bool:
        return self.mean is not None and not self.is_control


@dataclass(frozen=True)
class Leaderboard:
    """The rows: ranked ones, the best first, then controls, then those that lack a data set."""

    rows: tuple[BoardRow, ...]
    stored: Sequence[Row]
    """The rows on each data set that they are made of."""
    n_users: Mapping[str, int]
    """data set -> number of tested users."""
    benchmarks: tuple[str, ...]
    metric: str
    measure: Metric
    protocol: Mapping[str, Any]
    records: Sequence[CellResult]
    p: float | None
    """The p value of Friedman's test over the ranked rows; None for fewer than 2 data sets or 3 rows."""
    left_out: Collection[str] = ()
    """Folders of the cells that are left out, since what is stored of them cannot be used."""


@dataclass(frozen=True)
class AverageRanks:
    """The rows that are on every data set and are no controls; of several parts of one only the largest counts."""

    keys: Sequence[RowKey]
    """The rows on the first data set."""
    n_datasets: int
    test: Friedman
    gap: float
    """Nemenyi's critical difference: how far two average ranks are apart that differ at .05."""


def average_ranks(evidence: Evidence) -> AverageRanks | str:
    """Return how rows compare over data sets, or why that cannot be told."""
    counted = largest_parts((key.dataset, key.reduction) for key in evidence.rows)
    datasets = [dataset for dataset in evidence.datasets if dataset in counted]
    if len(datasets) < FEWEST_DATASETS:
        return f"needs {FEWEST_DATASETS} data sets, got {len(datasets)}"
    common = [
        key
        for key in evidence.on(datasets[0]).rows
        if not evidence.is_control(key) and all(evidence.has(key.on(dataset)) for dataset in datasets)
    ]
    if len(common) < FEWEST_ROWS:
        return f"needs {FEWEST_ROWS} rows that are on every data set, got {len(common)}"
    scores = [[evidence.rows[key.on(dataset)].metrics[evidence.tested] for key in common] for dataset in datasets]
    test = friedman(np.array(scores), evidence.higher_is_better)  # of [D, K]
    return AverageRanks(common, len(datasets), test, critical_difference(len(common), len(datasets)))


def board_of(evidence: Evidence, benchmark: str) -> Leaderboard:
    """Return the leaderboard of one benchmark.

    Raises:
        ResultsError: nothing succeeded.
    """
    counted = largest_parts((key.dataset, key.reduction) for key in evidence.rows)
    rows = [(None, row) for key, row in evidence.rows.items() if key.dataset in counted]
    return _ranked(
        rows,
        evidence.tested,
        evidence.metrics[evidence.tested],
        evidence.controls.unshared,
        protocol=evidence.protocol(counted),
        records=evidence.records(counted),
        benchmarks=(benchmark,),
        left_out=evidence.left_out,
    )


def read_board(
    results: Mapping[Store, Sequence[Entry]], name: str, metric: Metric, unshared: Collection[str] = ()
) -> Leaderboard:
    """Read and rank all rows of the given benchmarks.

    Args:
        results: the benchmarks, of different names, each with its folders and their records.
        name: the name of the metric.
        metric: the metric that is averaged over users, if it has values per user, and ranked.
        unshared: sharing modules that share nothing; their rows are controls.

    Raises:
        ResultsError: on one data set results differ in protocol, split or users, or nothing succeeded.
    """
    stores = list(results)
    found = [(store.benchmark, entry) for store in stores for entry in results[store]]
    cells = [record["cell"] for _, (_, record) in found]
    counted = largest_parts((cell["dataset"], reduction_of(cell)) for cell in cells)
    sources = [source for source, cell in zip(found, cells, strict=True) if cell["dataset"] in counted]
    protocol = together(protocols_of((entry for _, entry in sources), settings=False).items(), "data sets")
    rows = [
        (benchmark, replace(row, planned=_planned(sources, key, benchmark)))
        for benchmark, entries in _by_benchmark(sources).items()
        for key, row in read_rows(entries, stores[0], {name: metric}).items()  # found by folder, not by store
    ]
    check_users(row for _, row in rows)
    return _ranked(
        rows,
        name,
        metric,
        unshared,
        protocol=protocol,
        records=[record for _, (_, record) in sources],
        benchmarks=tuple(store.benchmark for store in stores),
        left_out=[str(folder) for store in stores for folder in store.damaged],
    )


def _ranked(
    stored: Sequence[tuple[str | None, Row]], name: str, metric: Metric, unshared: Collection[str], **stated: Any
) -> Leaderboard:
    """Return the leaderboard of rows, each with the benchmark that it is of where several hold its cell."""
    n_users = {row.key.dataset: row.n_users for _, row in stored if row.values}
    if not n_users:
        raise ResultsError("no cell succeeded, so there is nothing to rank; `corecbench report` says why")
    by_dataset: dict[tuple[str | None, RowKey], dict[str, Row]] = {}
    for benchmark, row in stored:
        by_dataset.setdefault((benchmark, row.key.on("")), {})[row.key.dataset] = row
    rows = [_row(benchmark, on_each, name, n_users, unshared) for (benchmark, _), on_each in by_dataset.items()]
    ordered, p = _in_order(rows, list(n_users), metric.higher_is_better)
    return Leaderboard(
        tuple(ordered), [row for _, row in stored], n_users, metric=name, measure=metric, p=p, **stated
    )


def _by_benchmark(sources: Sequence[Source]) -> dict[str | None, list[Entry]]:
    """Return the results by benchmark, each of them once.

    The results of a cell that has the same settings in all benchmarks stand under None.
    """
    benchmarks: dict[tuple[str, str], set[str]] = {}
    hashes: dict[tuple[str, str], set[str]] = {}
    for benchmark, (_, record) in sources:
        place = record["cell"]["dataset"], record["cell"]["name"]
        benchmarks.setdefault(place, set()).add(benchmark)
        hashes.setdefault(place, set()).add(record["hash"])
    differ = {place[1] for place, held in hashes.items() if len(held) > 1 and len(benchmarks[place]) > 1}
    grouped: dict[str | None, list[Entry]] = {}
    for benchmark, entry in sources:
        grouped.setdefault(benchmark if entry[1]["cell"]["name"] in differ else None, []).append(entry)
    return {benchmark: without_repeats(entries) for benchmark, entries in grouped.items()}


def _row(
    benchmark: str | None,
    on_each: Mapping[str, Row],
    metric: str,
    datasets: Collection[str],
    unshared: Collection[str],
) -> BoardRow:
    """Return a row that is not yet ranked."""
    key = next(iter(on_each.values())).key
    missing, remarks = [], []
    for dataset in datasets:
        stored = on_each.get(dataset)
        gaps = ["no result"] if stored is None else stored.gaps(metric)
        missing += [f"{dataset}: {gap}" for gap in gaps]
        remarks += [f"{dataset}: {AT_LIMIT}"] if stored is not None and stored.at_limit else []
    present = {dataset: stored for dataset, stored in on_each.items() if stored.has(metric)}
    values = {dataset: stored.metrics[metric] for dataset, stored in present.items()}
    return BoardRow(
        key=key,
        benchmark=benchmark,
        values=values,
        seeds={dataset: stored.seeds for dataset, stored in present.items()},
        is_control=key.is_control(unshared),
        notes=(*([f"incomplete: {'; '.join(missing)}"] if missing else []), *remarks),
        mean=float(np.mean(list(values.values()))) if len(values) == len(datasets) else None,
        is_complete=not missing,
    )


def _planned(sources: Sequence[Source], key: RowKey, benchmark: str | None) -> set[int]:
    named = [(of, record["cell"]) for of, (_, record) in sources]
    cells = [(of, cell) for of, cell in named if key.dataset in (cell["dataset"], pooled_dataset(cell))]
    holders = {benchmark} if benchmark else {of for of, cell in cells if cell["name"] == key.cell}
    return {cell["seed"] for of, cell in cells if of in holders}


def _in_order(
    rows: Sequence[BoardRow], datasets: Sequence[str], higher_is_better: bool
) -> tuple[list[BoardRow], float | None]:
    """Return the rows in order, with the average ranks of those that can have one, and p of Friedman's test."""
    from scipy import stats

    ranked = [row for row in rows if row.is_ranked]
    others = sorted((row for row in rows if not row.is_ranked), key=lambda row: row.mean is None)
    if not ranked:
        return others, None
    scores = np.array([[row.values[dataset] for row in ranked] for dataset in datasets])  # [D, K]
    ranks = stats.rankdata(-scores if higher_is_better else scores, axis=1)
    best = scores.max(axis=1) if higher_is_better else scores.min(axis=1)
    wins = (scores == best[:, None]).sum(axis=0)
    placed = [
        replace(row, average_rank=float(rank), wins=int(won))
        for row, rank, won in zip(ranked, ranks.mean(axis=0), wins, strict=True)
    ]
    sign = -1 if higher_is_better else 1
    placed.sort(key=lambda row: (row.average_rank, sign * (row.mean or 0.0)))
    enough = len(datasets) >= FEWEST_DATASETS and len(ranked) >= FEWEST_ROWS
    return placed + others, friedman(scores, higher_is_better).p if enough else None
