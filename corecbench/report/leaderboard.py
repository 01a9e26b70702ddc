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
from corecbench.evaluation.measuring import is_overall
from corecbench.report.average_ranks import FEWEST_DATASETS, FEWEST_ROWS
from corecbench.report.per_user import Key, Line, check_comparable, check_users, read_lines
from corecbench.report.provenance import made_with
from corecbench.report.table import AT_LIMIT
from corecbench.report.wording import seed_list
from corecbench.results.record import ResultsError
from corecbench.results.store import Entry, Store
from corecbench.stats.friedman import friedman


class Source(NamedTuple):
    """A stored cell and the benchmark that holds it."""

    benchmark: str
    entry: Entry

    @property
    def record(self) -> CellResult:
        """What is stored."""
        return self.entry[1]

    @property
    def dataset(self) -> str:
        """Its name."""
        return self.record["cell"]["dataset"]

    @property
    def parts(self) -> tuple[str | None, ...]:
        """What makes the cell, beside its data set and seed."""
        cell = self.record["cell"]
        return cell["domain"], cell["llm"], cell["sharing"], cell.get("control")


@dataclass(frozen=True)
class Row:
    """One side of a cell over the data sets."""

    key: Key
    """On one of them."""
    benchmark: str | None
    """Only where benchmarks hold the cell under different settings."""
    values: Mapping[str, float]
    """data set -> mean over users of the metric, each user first averaged over seeds."""
    seeds: Mapping[str, tuple[int, ...]]
    """data set -> those that succeeded."""
    is_control: bool
    notes: tuple[str, ...]
    """What a reader must know, above all what is missing."""
    mean: float | None
    """Of the metric over all data sets; None where one is missing."""
    is_complete: bool
    """Whether it has every data set and, on each, all seeds of the benchmarks that hold it."""
    average_rank: float | None = None
    """Over all data sets, among the ranked rows; None for controls and rows that lack a data set."""
    wins: int | None = None
    """Data sets on which no ranked row is better."""

    @property
    def is_ranked(self) -> bool:
        """Whether it takes part in the ranks: it has every data set, if not every seed, and is no control."""
        return self.mean is not None and not self.is_control


@dataclass(frozen=True)
class Leaderboard:
    """The rows: ranked ones, the best first, then controls, then those that lack a data set."""

    rows: tuple[Row, ...]
    n_users: Mapping[str, int]
    """data set -> tested users."""
    benchmarks: tuple[str, ...]
    metric: str
    higher_is_better: bool
    protocol: Mapping[str, Any]
    made_with: tuple[str, ...]
    """Versions and devices, as sentences."""
    p: float | None
    """Of Friedman's test over the ranked rows; None where there are fewer than 2 data sets or 3 rows."""
    overall: bool
    """Whether the metric is one value of all lists together and none per user."""


def build(
    results: Mapping[Store, Sequence[Entry]], name: str, metric: Metric, unshared: Collection[str] = ()
) -> Leaderboard:
    """Rank all rows of the given benchmarks.

    Args:
        results: the benchmarks, of different names, each with its folders and their records.
        name: of the metric.
        metric: what is averaged over users, if it has values per user, and ranked.
        unshared: sharing modules under which nothing is shared; their rows are controls.

    Raises:
        ResultsError: on one data set results differ in protocol, split or users, or nothing succeeded.
    """
    stores, sources = (
        list(results),
        [Source(store.benchmark, entry) for store in results for entry in results[store]],
    )
    protocol = check_comparable((source.entry for source in sources), settings=False)
    rows: dict[tuple[str | None, Key], dict[str, Line]] = {}
    for benchmark, entries in _together(sources).items():
        for key, line in read_lines(entries, stores[0], {name: metric}).items():  # found by folder, not by store
            rows.setdefault((benchmark, key._replace(dataset="")), {})[key.dataset] = line
    lines = [line for of in rows.values() for line in of.values()]
    check_users(lines)
    n_users = {line.key.dataset: len(values) for line in lines for values in line.values.values()}
    if not n_users:
        raise ResultsError("no cell succeeded, so there is nothing to rank; `corecbench report` says why")
    found = [_row(benchmark, of, sources, n_users, unshared) for (benchmark, _), of in rows.items()]
    ranked, p = _rank(found, list(n_users), metric.higher_is_better)
    return Leaderboard(
        rows=tuple(ranked),
        n_users=n_users,
        benchmarks=tuple(store.benchmark for store in stores),
        metric=name,
        higher_is_better=metric.higher_is_better,
        protocol=protocol,
        made_with=made_with(source.record for source in sources),
        p=p,
        overall=is_overall(metric),
    )


def _together(sources: Sequence[Source]) -> dict[str | None, list[Entry]]:
    """Return the results by benchmark; under None those of cells that have the same settings in all of them.

    What several benchmarks hold under the same settings and seed counts once, if it succeeded anywhere as that.
    """
    held: dict[tuple[Any, ...], tuple[set[str], set[str]]] = {}
    for source in sources:
        benchmarks, settings = held.setdefault((source.dataset, source.parts), (set(), set()))
        benchmarks.add(source.benchmark)
        settings.add(source.record["hash"])
    differ = {parts for (_, parts), found in held.items() if min(map(len, found)) > 1}
    grouped: dict[str | None, dict[Any, Entry]] = {}
    for source in sources:
        place = source.benchmark if source.parts in differ else None
        same = source.dataset, source.parts, source.record["cell"]["seed"], source.record["hash"]
        entries = grouped.setdefault(place, {})
        if same not in entries or source.record["status"] == "ok":
            entries[same] = source.entry
    return {place: list(entries.values()) for place, entries in grouped.items()}


def _row(
    benchmark: str | None,
    lines: Mapping[str, Line],
    sources: Sequence[Source],
    datasets: Collection[str],
    unshared: Collection[str],
) -> Row:
    """Return a row that is not yet ranked."""
    key = next(iter(lines.values())).key
    missing, remarks = [], []
    for dataset in datasets:
        line = lines.get(dataset)
        faults = ["no result"] if line is None else _faults(line, _planned(sources, line.key, benchmark))
        missing += [f"{dataset}: {fault}" for fault in faults]
        remarks += [f"{dataset}: {AT_LIMIT}"] if line is not None and line.at_limit else []
    present = {dataset: line for dataset, line in lines.items() if line.values}
    values = {dataset: next(iter(line.means().values())) for dataset, line in present.items()}
    return Row(
        key=key,
        benchmark=benchmark,
        values=values,
        seeds={dataset: tuple(line.values) for dataset, line in present.items()},
        is_control=key.control is not None or key.sharing in unshared,
        notes=(*([f"incomplete: {'; '.join(missing)}"] if missing else []), *remarks),
        mean=float(np.mean(list(values.values()))) if len(values) == len(datasets) else None,
        is_complete=not missing,
    )


def _faults(line: Line, planned: set[int]) -> list[str]:
    missing = planned - line.values.keys() - line.problems.keys()
    return [*line.failures(), *([f"{seed_list(missing, 'seed')} missing"] if missing else [])]


def _planned(sources: Sequence[Source], key: Key, benchmark: str | None) -> set[int]:
    """Return the seeds that a row should have on a data set: of its benchmark, or of all that hold the cell."""
    parts = key.domain, key.llm, key.sharing, key.control
    here = [source for source in sources if source.dataset == key.dataset]
    holders = {benchmark} if benchmark else {source.benchmark for source in here if source.parts == parts}
    return {source.record["cell"]["seed"] for source in here if source.benchmark in holders}


def _rank(rows: Sequence[Row], datasets: Sequence[str], higher_is_better: bool) -> tuple[list[Row], float | None]:
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
