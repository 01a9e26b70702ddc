"""Any stored cells against one of them, paired over users and over the seeds that both have.

A row is one side of a cell of one benchmark. Unlike in the main table, cells may have different settings and lie in
several benchmarks, but on a data set they rank the same items of the same split under the same protocol.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from corecbench.api import Metric, Report, RowSide, UsageError
from corecbench.report.columns import Column, lay_out
from corecbench.report.comparison import (
    ALPHA,
    STANDARD,
    Comparison,
    Method,
    adjust_families,
    common_seeds,
    compare,
    why_not,
)
from corecbench.report.comparison_columns import comparison_columns, of_effects, of_tests, significant
from corecbench.report.per_user import Line, check_comparable, check_users, read_lines
from corecbench.report.provenance import made_with, protocol_sentence
from corecbench.report.table import AT_LIMIT, check_testable
from corecbench.report.wording import count, decimal, of_ensembles, seed_list, sentences, user_counts
from corecbench.results.record import ResultsError, sides_of
from corecbench.results.store import Entry, Store
from corecbench.settings.configure import unknown


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


def names(benchmark: str, cell: str, sides: Iterable[RowSide]) -> list[str]:
    """Return what a cell and its sides may be called.

    >>> names("tuned", "sasrec", ["domain"])
    ['sasrec', 'tuned/sasrec', 'sasrec:domain', 'tuned/sasrec:domain']
    """
    short = [cell, *(f"{cell}:{side}" for side in sides)]
    return [name for each in short for name in (each, f"{benchmark}/{each}")]


@dataclass(frozen=True)
class Duel:
    """A row against the baseline of its data set."""

    rival: Rival
    own: float | None
    """Mean over users of the metric, each user first averaged over seeds; None where no seed succeeded."""
    n_users: int
    seeds: tuple[int, ...]
    """Those that the baseline has too."""
    comparison: Comparison | None
    """None for the baseline itself, and where the two cannot be compared."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Comparisons:
    """The rows of all data sets, the baseline first on each."""

    duels: tuple[Duel, ...]
    baseline: str
    metric: str
    higher_is_better: bool
    method: Method
    protocol: Mapping[str, Any]
    made_with: tuple[str, ...]


def build(
    results: Mapping[Store, Sequence[Entry]],
    baseline: str,
    name: str,
    metric: Metric,
    cells: Collection[str] = (),
    datasets: Collection[str] = (),
    method: Method = STANDARD,
    unshared: Collection[str] = (),
) -> Comparisons:
    """Compare stored cells with the one that is named as the baseline.

    Args:
        results: the benchmarks, each with its folders and their records.
        baseline: the name of a cell, followed by ":domain", ":llm" or ":ensemble" if it has several sides, and with
            "BENCHMARK/" before it if several benchmarks have it.
        name: of the metric.
        metric: what is compared.
        cells: what is compared with the baseline, named likewise, a pair without a side for both; all if none.
        datasets: all if none.
        method: of the tests.
        unshared: sharing modules under which nothing is shared; their rows are controls.

    Raises:
        UsageError: a name means nothing that is stored, the baseline means more than one row, or the metric has no
            value per user.
        ResultsError: cells differ in protocol, split or users, or a data set has no baseline.
    """
    check_testable(name, metric)
    called = _labels(results)
    entries = _choose({label: results[store] for label, store in called.items()}, (baseline, *cells), datasets)
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

    def compared(rival: Rival, base: Rival) -> Comparison:
        is_control = rival.line.key.is_control(unshared)
        return compare(rival.line, base.line, name, metric.higher_is_better, is_control, method)

    duels = [
        duel
        for dataset in dict.fromkeys(rival.line.key.dataset for rival in rivals)
        for duel in _duels([rival for rival in rivals if rival.line.key.dataset == dataset], baseline, compared)
    ]
    comparisons = {place: duel.comparison for place, duel in enumerate(duels) if duel.comparison}
    for place, comparison in adjust_families(comparisons, method).items():
        duels[place] = replace(duels[place], comparison=comparison)
    made = made_with(record for duel in duels for record in duel.rival.line.records)
    return Comparisons(tuple(duels), baseline, name, metric.higher_is_better, method, protocol, made)


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


def _duels(
    rivals: Sequence[Rival], baseline: str, compared: Callable[[Rival, Rival], Comparison]
) -> Iterator[Duel]:
    """Yield the rows of a data set, the baseline first."""
    meant = [rival for rival in rivals if rival.is_called(baseline)]
    if not meant:
        dataset = rivals[0].line.key.dataset
        raise ResultsError(f"{dataset}: no cell {baseline} to compare with; choose data sets with --datasets")
    if len(meant) > 1:
        several = sorted({rival.name for rival in meant})
        if len(several) == 1:
            several = [f"{rival.benchmark}/{rival.name}" for rival in meant]
        raise UsageError(f"baseline {baseline!r} means several rows; choose one of {', '.join(several)}")
    base = meant[0]
    for rival in (base, *(rival for rival in rivals if rival is not base)):
        yield _duel(rival, base, compared)


def _duel(rival: Rival, base: Rival, compared: Callable[[Rival, Rival], Comparison]) -> Duel:
    line, notes = rival.line, rival.line.failures()
    if line.at_limit:
        notes.append(AT_LIMIT)
    seeds = common_seeds(line, base.line)
    reason = None if rival is base else why_not(line, base.line, "the baseline")
    if reason:
        notes.append(reason)
    comparison = None if reason or rival is base else compared(rival, base)
    of_users = line.mean_over_seeds(seeds) if seeds else pd.DataFrame()
    own = float(of_users.to_numpy().mean()) if seeds else None
    return Duel(rival, own, len(of_users), seeds, comparison, tuple(notes))


# --- in words ---------------------------------------------------------------------------------------------------


def report(found: Comparisons) -> Report:
    """Return the comparisons as reporters take them; the column of benchmarks only if there are several."""
    several = len({duel.rival.benchmark for duel in found.duels}) > 1
    frame, values = lay_out(found.duels, list(_columns(found, several)))
    marked = [
        row
        for row, duel in enumerate(found.duels)
        if duel.comparison is not None and duel.comparison.p_adjusted < ALPHA
    ]
    return Report(
        "compare",
        frame,
        values,
        caption(found),
        {(row, _change(found)): ["significant"] for row in marked},
        {"significant": significant(found.method)} if marked else {},
        {found.metric: found.higher_is_better},
    )


def _comparisons(found: Comparisons) -> list[Comparison]:
    return [duel.comparison for duel in found.duels if duel.comparison]


def _has_seeds(found: Comparisons) -> bool:
    return any(comparison.sizes.seeds for comparison in _comparisons(found))


def _change(found: Comparisons) -> str:
    return f"{found.metric} vs baseline"


def _columns(found: Comparisons, several: bool) -> Iterator[Column]:
    yield Column("data set", lambda duel: duel.rival.line.key.dataset)
    if several:
        yield Column("benchmark", lambda duel: duel.rival.benchmark)
    yield Column("cell", lambda duel: duel.rival.name)
    yield Column(found.metric, lambda duel: duel.own, decimal)
    yield Column("baseline", lambda duel: duel.comparison and duel.comparison.base, decimal)
    yield from comparison_columns(
        lambda duel: duel.comparison, _change(found), found.method, effects=True, seeds=_has_seeds(found)
    )
    yield Column("users", lambda duel: duel.n_users or None, count)
    yield Column("seeds", lambda duel: seed_list(duel.seeds) or None)
    if any(duel.notes for duel in found.duels):
        yield Column("notes", lambda duel: "; ".join(duel.notes))


def caption(found: Comparisons) -> str:
    """Return what a reader needs to judge the numbers: protocol, means, tests and their correction, versions."""
    compared = _comparisons(found)
    users = {duel.rival.line.key.dataset: duel.n_users for duel in found.duels if duel.n_users}
    seeds = seed_list({seed for duel in found.duels for seed in duel.seeds})
    if not compared:
        statistics = ["No cell can be compared"]
    else:
        statistics = [
            *of_tests(compared, found.method, "rows", found.baseline),
            *of_effects(found.method, "the baseline's mean", _has_seeds(found)),
        ]
    return sentences(
        [
            f"{found.metric} of cells against {found.baseline}, the first row of a data set",
            protocol_sentence(found.protocol),
            *of_ensembles(duel.rival.line.key.side for duel in found.duels),
            f"{found.metric} and baseline: means over {user_counts(users)}, each user first averaged over the "
            f"seeds both have{f' (of {seeds})' if seeds else ''}",
            *statistics,
            *found.made_with,
        ]
    )
