"""The leaderboard: every stored row over all data sets, by its average rank on them.

A row is one side of a cell, as in the main table. The results of several benchmarks stand together if on each
data set they rank the same items of the same split under the same protocol. Where two of them hold a cell under
different settings, each has a row of its own.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from corecbench.api import CellResult, Metric
from corecbench.data.reduction import largest_parts, reduction_of
from corecbench.evaluation.measuring import is_overall
from corecbench.report.average_ranks import FEWEST_DATASETS, FEWEST_ROWS
from corecbench.report.comparable import check_comparable, check_users, read_rows
from corecbench.report.provenance import made_with
from corecbench.report.stored_rows import StoredRow, fault_sentences
from corecbench.report.table import AT_LIMIT
from corecbench.report.wording import seed_list
from corecbench.results.record import ResultsError
from corecbench.results.rows import RowKey, by_row
from corecbench.results.selection import without_repeats
from corecbench.results.store import Entry, Store
from corecbench.stats.friedman import friedman


class Source(NamedTuple):
    """A stored cell and the benchmark that holds it."""

    benchmark: str
    entry: Entry

    @property
    def record(self) -> CellResult:
        """The record of the cell."""
        return self.entry[1]

    @property
    def dataset(self) -> str:
        """The name of the data set."""
        return self.record["cell"]["dataset"]

    @property
    def cell(self) -> str:
        """The name of the cell."""
        return self.record["cell"]["name"]


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
        """Whether the row takes part in the ranks: it has every data set, if not every seed, and is no control."""
        return self.mean is not None and not self.is_control


@dataclass(frozen=True)
class Leaderboard:
    """The rows: ranked ones, the best first, then controls, then those that lack a data set."""

    rows: tuple[BoardRow, ...]
    n_users: Mapping[str, int]
    """data set -> number of tested users."""
    benchmarks: tuple[str, ...]
    metric: str
    higher_is_better: bool
    protocol: Mapping[str, Any]
    made_with: tuple[str, ...]
    """Versions and devices, as sentences."""
    p: float | None
    """The p value of Friedman's test over the ranked rows; None for fewer than 2 data sets or 3 rows."""
    overall: bool
    """Whether the metric has one value for all lists together and none per user."""
    faults: tuple[str, ...] = ()
    """Why the metric has no value for some rows, as sentences."""
    left_out: tuple[str, ...] = ()
    """Folders of the cells that are left out, since what is stored of them cannot be used."""


def build(
    results: Mapping[Store, Sequence[Entry]],
    name: str,
    metric: Metric,
    unshared: Collection[str] = (),
    read: Mapping[RowKey, StoredRow] | None = None,
) -> Leaderboard:
    """Rank all rows of the given benchmarks.

    Args:
        results: the benchmarks, of different names, each with its folders and their records.
        name: the name of the metric.
        metric: the metric that is averaged over users, if it has values per user, and ranked.
        unshared: sharing modules that share nothing; their rows are controls.
        read: the rows of the only benchmark with this metric, if they have been read already.

    Raises:
        ResultsError: on one data set results differ in protocol, split or users, or nothing succeeded.
    """
    stores = list(results)
    sources = whole_or_largest([Source(store.benchmark, entry) for store in stores for entry in results[store]])
    protocol = check_comparable((source.entry for source in sources), settings=False)
    by_dataset: dict[tuple[str | None, RowKey], dict[str, StoredRow]] = {}
    for benchmark, entries in _by_benchmark(sources).items():
        if read is None:
            rows_here = read_rows(entries, stores[0], {name: metric})  # found by folder, not by store
        else:
            rows_here = {key: read[key].only(name) for key in by_row(entries)}
        for key, stored in rows_here.items():
            by_dataset.setdefault((benchmark, key.on("")), {})[key.dataset] = stored
    stored_rows = [stored for on_each in by_dataset.values() for stored in on_each.values()]
    check_users(stored_rows)
    n_users = {stored.key.dataset: len(values) for stored in stored_rows for values in stored.values.values()}
    if not n_users:
        raise ResultsError("no cell succeeded, so there is nothing to rank; `corecbench report` says why")
    rows = [
        _row(benchmark, on_each, name, sources, n_users, unshared) for (benchmark, _), on_each in by_dataset.items()
    ]
    ordered, p = _rank(rows, list(n_users), metric.higher_is_better)
    return Leaderboard(
        rows=tuple(ordered),
        n_users=n_users,
        benchmarks=tuple(store.benchmark for store in stores),
        metric=name,
        higher_is_better=metric.higher_is_better,
        protocol=protocol,
        made_with=made_with(source.record for source in sources),
        p=p,
        overall=is_overall(metric),
        faults=fault_sentences(stored_rows),
        left_out=tuple(str(folder) for store in stores for folder in store.damaged),
    )


def whole_or_largest(sources: Sequence[Source]) -> list[Source]:
    """Return the results without those of parts of a data set of which there is a larger part, or the whole."""
    cells = [source.record["cell"] for source in sources]
    counted = largest_parts((cell["dataset"], reduction_of(cell)) for cell in cells)
    return [source for source in sources if source.dataset in counted]


def _by_benchmark(sources: Sequence[Source]) -> dict[str | None, list[Entry]]:
    """Return the results by benchmark, each of them once.

    The results of a cell that has the same settings in all benchmarks stand under None.
    """
    benchmarks: dict[tuple[str, str], set[str]] = {}
    hashes: dict[tuple[str, str], set[str]] = {}
    for source in sources:
        place = source.dataset, source.cell
        benchmarks.setdefault(place, set()).add(source.benchmark)
        hashes.setdefault(place, set()).add(source.record["hash"])
    differ = {
        cell for (dataset, cell), held in hashes.items() if len(held) > 1 and len(benchmarks[dataset, cell]) > 1
    }
    grouped: dict[str | None, list[Entry]] = {}
    for source in sources:
        grouped.setdefault(source.benchmark if source.cell in differ else None, []).append(source.entry)
    return {benchmark: without_repeats(entries) for benchmark, entries in grouped.items()}


def _row(
    benchmark: str | None,
    on_each: Mapping[str, StoredRow],
    metric: str,
    sources: Sequence[Source],
    datasets: Collection[str],
    unshared: Collection[str],
) -> BoardRow:
    """Return a row that is not yet ranked."""
    key = next(iter(on_each.values())).key
    missing, remarks = [], []
    for dataset in datasets:
        stored = on_each.get(dataset)
        gaps = ["no result"] if stored is None else _gaps(stored, _planned(sources, stored.key, benchmark))
        missing += [f"{dataset}: {gap}" for gap in gaps]
        remarks += [f"{dataset}: {AT_LIMIT}"] if stored is not None and stored.at_limit else []
    present = {dataset: stored for dataset, stored in on_each.items() if stored.has(metric)}
    values = {dataset: stored.means()[metric] for dataset, stored in present.items()}
    return BoardRow(
        key=key,
        benchmark=benchmark,
        values=values,
        seeds={dataset: tuple(stored.values) for dataset, stored in present.items()},
        is_control=key.is_control(unshared),
        notes=(*([f"incomplete: {'; '.join(missing)}"] if missing else []), *remarks),
        mean=float(np.mean(list(values.values()))) if len(values) == len(datasets) else None,
        is_complete=not missing,
    )


def _gaps(stored: StoredRow, planned: set[int]) -> list[str]:
    """Return what a row lacks on a data set: seeds that failed, seeds that are missing, values of the metric."""
    missing = stored.missing(planned)
    missing_seeds = [f"{seed_list(missing, 'seed')} missing"] if missing else []
    return [*stored.failures(), *missing_seeds, *stored.fault_notes()]


def _planned(sources: Sequence[Source], key: RowKey, benchmark: str | None) -> set[int]:
    """Return the seeds that a row should have on a data set: of its benchmark, or of all that hold the cell."""
    here = [source for source in sources if source.dataset == key.dataset]
    holders = {benchmark} if benchmark else {source.benchmark for source in here if source.cell == key.cell}
    return {source.record["cell"]["seed"] for source in here if source.benchmark in holders}


def _rank(
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
        dataclasses.replace(row, average_rank=float(rank), wins=int(won))
        for row, rank, won in zip(ranked, ranks.mean(axis=0), wins, strict=True)
    ]
    sign = -1 if higher_is_better else 1
    placed.sort(key=lambda row: (row.average_rank, sign * (row.mean or 0.0)))
    enough = len(datasets) >= FEWEST_DATASETS and len(ranked) >= FEWEST_ROWS
    return placed + others, friedman(scores, higher_is_better).p if enough else None
