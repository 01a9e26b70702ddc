"""Any stored cells against one of them, paired over users and over the seeds that both have.

A row is one side of a cell of one benchmark. Unlike in the main table, cells may have different settings and lie in
several benchmarks, but on a data set they rank the same items of the same split under the same protocol.
"""

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corecbench.api import Metric, Report, Side, UsageError
from corecbench.config import unknown
from corecbench.report.columns import OF_INTERVALS, Column, interval_columns, lay_out
from corecbench.report.main_table import MEANINGS
from corecbench.report.per_user import Entry, Line, check_comparable, check_users, read_lines
from corecbench.report.provenance import made_with, protocol_sentence
from corecbench.report.table import ALPHA, AT_LIMIT
from corecbench.report.wording import decimal, of_tests, p_value, percent, seed_list, sentences, signed
from corecbench.results import ResultsError, Store, sides_of
from corecbench.stats.correction import holm
from corecbench.stats.intervals import Interval, paired_interval
from corecbench.stats.paired import PairedTest, paired_test


@dataclass(frozen=True)
class Rival:
    """One side of a cell of one benchmark."""

    benchmark: str
    """Its name, or its folder where several have the same name."""
    line: Line

    @property
    def name(self) -> str:
        """The cell as it is stored, with the side of a pair behind it, such as "sasrec+llama+bdlm:llm"."""
        key = self.line.key
        return f"{key.cell}:{key.side}" if key.sharing else key.cell

    def is_called(self, text: str) -> bool:
        """Return whether a name means this side or its whole cell, with or without the benchmark before it."""
        return text in names(self.benchmark, self.line.key.cell, [self.line.key.side])


def names(benchmark: str, cell: str, sides: Iterable[Side]) -> list[str]:
    """Return what a cell and its sides may be called.

    >>> names("tuned", "sasrec", ["domain"])
    ['sasrec', 'tuned/sasrec', 'sasrec:domain', 'tuned/sasrec:domain']
    """
    short = [cell, *(f"{cell}:{side}" for side in sides)]
    return [name for each in short for name in (each, f"{benchmark}/{each}")]


@dataclass(frozen=True)
class Duel:
    """A row against the baseline of its data set, over the seeds that both have."""

    rival: Rival
    own: float | None
    """Mean over users of the metric, each user first averaged over seeds; None where there is no common seed."""
    base: float | None
    """The same of the baseline; None in its own row."""
    n_users: int
    seeds: tuple[int, ...]
    test: PairedTest | None
    """None where there is nothing to test: for the baseline itself, and without a common seed."""
    interval: Interval | None
    """Of the difference, at 95 %; None where too few users differ."""
    notes: tuple[str, ...]
    p_adjusted: float | None = None
    """By Holm's method over all tests of the table."""

    @property
    def difference(self) -> float | None:
        """What this row has more than the baseline."""
        return None if self.own is None or self.base is None else self.own - self.base

    @property
    def change(self) -> float | None:
        """The difference relative to the baseline; None where that is 0."""
        return self.difference / self.base if self.difference is not None and self.base else None


@dataclass(frozen=True)
class Comparisons:
    """The rows of all data sets, the baseline first on each."""

    duels: tuple[Duel, ...]
    baseline: str
    metric: str
    higher_is_better: bool
    protocol: Mapping[str, Any]
    made_with: tuple[str, ...]


def build(
    stores: Sequence[Store],
    baseline: str,
    name: str,
    metric: Metric,
    cells: Collection[str] = (),
    datasets: Collection[str] = (),
) -> Comparisons:
    """Compare stored cells with the one that is named as the baseline.

    Args:
        stores: the benchmarks.
        baseline: the name of a cell, followed by ":domain" or ":llm" if it has both sides, and with "BENCHMARK/"
            before it if several benchmarks have it.
        name: of the metric.
        metric: what is compared.
        cells: what is compared with the baseline, named likewise, a pair without a side for both; all if none.
        datasets: all if none.

    Raises:
        UsageError: a name means nothing that is stored, or the baseline means more than one row.
        ResultsError: cells differ in protocol, split or users, or a data set has no baseline.
    """
    called = _labels(stores)
    entries = _choose(
        {label: list(store.records()) for label, store in called.items()}, (baseline, *cells), datasets
    )
    if cells:
        entries = {
            label: [entry for entry in of if _is_asked(label, entry, (baseline, *cells))]
            for label, of in entries.items()
        }
    protocol = check_comparable((entry for of in entries.values() for entry in of), settings=False)
    rivals = [
        Rival(label, line)
        for label, of in entries.items()
        for line in read_lines(of, called[label], {name: metric}).values()
    ]
    check_users(rival.line for rival in rivals)
    rivals = [rival for rival in rivals if not cells or any(map(rival.is_called, (baseline, *cells)))]
    duels = [
        duel
        for dataset in dict.fromkeys(rival.line.key.dataset for rival in rivals)
        for duel in _duels(dataset, [rival for rival in rivals if rival.line.key.dataset == dataset], baseline)
    ]
    made = made_with(record for duel in duels for record in duel.rival.line.records)
    return Comparisons(tuple(_adjust(duels)), baseline, name, metric.higher_is_better, protocol, made)


def _labels(stores: Sequence[Store]) -> dict[str, Store]:
    """Return benchmarks by name, those of the same name by folder."""
    count = Counter({(store.root, store.benchmark): store.benchmark for store in stores}.values())
    return {
        store.benchmark if count[store.benchmark] == 1 else (store.root / store.benchmark).as_posix(): store
        for store in stores
    }


def _choose(
    entries: Mapping[str, Sequence[Entry]], asked: Sequence[str], datasets: Collection[str]
) -> dict[str, list[Entry]]:
    """Return the results on some data sets.

    Raises:
        UsageError: there is no such data set, or no such cell on them.
    """
    stored = {record["cell"]["dataset"] for of in entries.values() for _, record in of}
    for dataset in datasets:
        if dataset not in stored:
            raise unknown("data set", dataset, stored)
    chosen = {
        label: [entry for entry in of if not datasets or entry[1]["cell"]["dataset"] in datasets]
        for label, of in entries.items()
    }
    for text in asked:
        if not any(_is_asked(label, entry, [text]) for label, of in chosen.items() for entry in of):
            cells = {record["cell"]["name"] for of in chosen.values() for _, record in of}
            raise unknown("cell", text, cells)
    return chosen


def _is_asked(label: str, entry: Entry, asked: Iterable[str]) -> bool:
    cell = entry[1]["cell"]
    return not set(names(label, cell["name"], sides_of(cell))).isdisjoint(asked)


def _duels(dataset: str, rivals: Sequence[Rival], baseline: str) -> Iterator[Duel]:
    """Yield the rows of a data set, the baseline first."""
    meant = [rival for rival in rivals if rival.is_called(baseline)]
    if not meant:
        raise ResultsError(f"{dataset}: no cell {baseline} to compare with; choose data sets with --datasets")
    if len(meant) > 1:
        several = sorted({rival.name for rival in meant})
        if len(several) == 1:
            several = [f"{rival.benchmark}/{rival.name}" for rival in meant]
        raise UsageError(f"baseline {baseline!r} means several rows; choose one of {', '.join(several)}")
    base = meant[0]
    yield _duel(base, None)
    yield from (_duel(rival, base) for rival in rivals if rival is not base)


def _duel(rival: Rival, base: Rival | None) -> Duel:
    line, notes = rival.line, rival.line.failures()
    if line.at_limit:
        notes.append(AT_LIMIT)
    seeds = tuple(seed for seed in line.values if base is None or seed in base.line.values)
    if not seeds:
        notes.append(
            "not compared: no seed that succeeded here and in the baseline" if base else "no seed succeeded"
        )
        return Duel(rival, None, None, 0, (), None, None, tuple(notes))
    own = line.mean_over_seeds(seeds).to_numpy()[:, 0]  # [U]
    if base is None:
        return Duel(rival, float(own.mean()), None, len(own), seeds, None, None, tuple(notes))
    other = base.line.mean_over_seeds(seeds).to_numpy()[:, 0]  # [U]
    tests = paired_test(own, other), paired_interval(own, other)
    return Duel(rival, float(own.mean()), float(other.mean()), len(own), seeds, *tests, tuple(notes))


def _adjust(duels: Sequence[Duel]) -> Iterator[Duel]:
    adjusted = iter(holm([duel.test.p for duel in duels if duel.test]))
    for duel in duels:
        yield dataclasses.replace(duel, p_adjusted=float(next(adjusted))) if duel.test else duel


# --- in words ---------------------------------------------------------------------------------------------------


def report(found: Comparisons) -> Report:
    """Return the comparisons as reporters take them; the column of benchmarks only if there are several."""
    several = len({duel.rival.benchmark for duel in found.duels}) > 1
    frame, values = lay_out(found.duels, list(_columns(found, several)))
    significant = [
        row for row, duel in enumerate(found.duels) if duel.p_adjusted is not None and duel.p_adjusted < ALPHA
    ]
    return Report(
        "compare",
        frame,
        values,
        caption(found),
        {(row, _change(found)): ["significant"] for row in significant},
        {"significant": MEANINGS["significant"]} if significant else {},
        {found.metric: found.higher_is_better},
    )


def _change(found: Comparisons) -> str:
    return f"{found.metric} vs baseline"


def _columns(found: Comparisons, several: bool) -> Iterator[Column]:
    yield Column("data set", lambda duel: duel.rival.line.key.dataset)
    if several:
        yield Column("benchmark", lambda duel: duel.rival.benchmark)
    yield Column("cell", lambda duel: duel.rival.name)
    yield Column(found.metric, lambda duel: duel.own, decimal)
    yield Column("baseline", lambda duel: duel.base, decimal)
    yield Column("difference", lambda duel: duel.difference, signed)
    yield from interval_columns(lambda duel: duel.interval)
    yield Column(_change(found), lambda duel: duel.change, percent)
    yield Column("p", lambda duel: duel.test and duel.test.p, p_value)
    yield Column("p (Holm)", lambda duel: duel.p_adjusted, p_value)
    yield Column("users", lambda duel: duel.n_users or None)
    yield Column("seeds", lambda duel: seed_list(duel.seeds) or None)
    if any(duel.notes for duel in found.duels):
        yield Column("notes", lambda duel: "; ".join(duel.notes))


def caption(found: Comparisons) -> str:
    """Return what a reader needs to judge the numbers: protocol, means, tests and their correction, versions."""
    tests = [duel.test for duel in found.duels if duel.test]
    return sentences(
        [
            f"{found.metric} of cells against {found.baseline}, the first row of a data set",
            protocol_sentence(found.protocol),
            f"{found.metric} and baseline: means over users, each user first averaged over the seeds both have",
            *([OF_INTERVALS, *of_tests(tests)] if tests else ["No cell can be compared"]),
            *found.made_with,
        ]
    )
