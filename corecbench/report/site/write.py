"""Writes the site: an index with all rows, a page for each row, and the report of each benchmark.

OUT/index.html
OUT/rows/BENCHMARK/ROW.html
OUT/benchmarks/BENCHMARK/report.html, and the tables in every format
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from corecbench.api import CellResult, CorecbenchError, RowSide
from corecbench.data.durable import write_text
from corecbench.report.evidence.claims import Placed, placed, read_claims
from corecbench.report.evidence.protocols import TIME
from corecbench.report.labels import label
from corecbench.report.page import origin
from corecbench.report.page.blocks import Block, Code, Folded, Grid, Heading, Section, Text, grid, number_of
from corecbench.report.page.render import SCRIPTS, page
from corecbench.report.publish import gather, publish, write_page
from corecbench.report.site.board import (
    BENCHMARK,
    MODEL,
    NOTES,
    Benchmark,
    Place,
    Shown,
    board,
    linked,
    methods,
    metric_of,
    strongest,
)
from corecbench.report.views.findings import change, interval, probability
from corecbench.report.views.layout import Column, table
from corecbench.report.wording import count, decimal, seed_list, sentences
from corecbench.results.choice import AS_STORED, Choice
from corecbench.results.layout import slug
from corecbench.results.run_files import run_files
from corecbench.results.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from corecbench.plugin.host import Host
    from corecbench.report.evidence.rows import Row


INDEX, BENCHMARKS, ROWS = "index.html", "benchmarks", "rows"


@dataclass(frozen=True)
class Site:
    """The site as it was written."""

    index: Path
    """The page to open first."""
    n_rows: int
    n_benchmarks: int
    left_out: Sequence[str]
    """Why benchmarks are not on the site, a line for each."""


def write_site(
    host: Host,
    stores: Sequence[Store],
    metrics: Sequence[str],
    out: Path,
    title: str,
    choice: Choice = AS_STORED,
) -> Site:
    """Write a site of all given benchmarks; the same results give the same pages.

    Benchmarks of the same name, from several folders, are numbered.

    Raises:
        CorecbenchError: no benchmark can be shown.
        UsageError: settings are picked that are not stored.
    """
    choice.check(entry for store in stores for entry in store.sound())
    shown: list[Benchmark] = []
    left_out = []
    for name, store in named(stores):
        try:
            shown.append(write_benchmark(host, store, name, metrics, out, choice))
        except CorecbenchError as error:
            left_out.append(f"{name}: {error}")
    if not shown:
        raise CorecbenchError(f"no benchmark can be shown: {left_out[0]}")
    for benchmark in shown:
        (out / ROWS / slug(benchmark.name)).mkdir(parents=True, exist_ok=True)
        for row in benchmark.rows:
            write_text(out / benchmark.address(row), row_page(benchmark, row))
    write_text(out / INDEX, index_page(title, shown))
    n_rows = sum(len(benchmark.rows) for benchmark in shown)
    return Site(out / INDEX, n_rows, len(shown), left_out)


def named(stores: Sequence[Store]) -> list[tuple[str, Store]]:
    seen: Counter[str] = Counter()
    pairs = []
    for store in stores:
        seen[store.benchmark] += 1
        number = seen[store.benchmark]
        pairs.append((store.benchmark if number == 1 else f"{store.benchmark}-{number}", store))
    return pairs


def write_benchmark(
    host: Host, store: Store, name: str, metrics: Sequence[str], out: Path, choice: Choice
) -> Benchmark:
    place = Store(out / BENCHMARKS, name)
    place.own_folder.mkdir(parents=True, exist_ok=True)
    evidence = gather(host, place, choice.of(list(store.records())), metrics)
    publish(host, evidence, place.own_folder, with_ledger=True)
    report = write_page(host, place, evidence, place.own_folder)
    claims = [each for each in placed(read_claims(), {name: evidence}) if each.row]
    return Benchmark(name, evidence, report.relative_to(out).as_posix(), claims)


# --- the first page -----------------------------------------------------------------------------------------------


def index_page(title: str, benchmarks: Sequence[Benchmark]) -> str:
    n_rows = sum(len(benchmark.rows) for benchmark in benchmarks)
    subtitle = f"{number_of(n_rows, 'row')} of {number_of(len(benchmarks), 'benchmark')}"
    return page(title, subtitle, list(_sections(benchmarks)), scripts=(*SCRIPTS, "filter.js"))


def _sections(benchmarks: Sequence[Benchmark]) -> Iterator[Section]:
    """Yield for each data set the rows of all benchmarks; one with the same cells in several is shown once.

    Data sets with rows that are split by time come first, and of their places these.
    """
    rows: dict[object, Shown] = {}
    for shown in (Shown(benchmark, row) for benchmark in benchmarks for row in benchmark.rows):
        cells = frozenset((each["cell"]["seed"], each["hash"], each["started"]) for each in shown.row.records)
        rows.setdefault((shown.row.key, cells), shown)
    places: dict[str, dict[Place, list[Shown]]] = {}
    for shown in rows.values():
        places.setdefault(shown.place.dataset, {}).setdefault(shown.place, []).append(shown)
    order = sorted(places, key=lambda name: (not any(map(_is_by_time, places[name])), name))
    for number, dataset in enumerate(order, start=1):
        yield Section(f"dataset-{number}", dataset, list(_on_dataset(places[dataset])))
    if methods(list(rows.values())):
        yield Section("columns", "The columns", [Text(f"{note}.") for note in NOTES])


def _is_by_time(place: Place) -> bool:
    return place.kind == TIME


def _on_dataset(by_place: dict[Place, list[Shown]]) -> Iterator[Block]:
    for number, place in enumerate(sorted(by_place, key=_is_by_time, reverse=True), start=1):
        if len(by_place) > 1:
            yield Heading(
                f"Protocol and split {number} of {len(by_place)} ({place.kind}): ranks of others cannot be "
                "compared with these"
            )
        shown = sorted(by_place[place], key=lambda each: each.order)
        found, every = methods(shown), _every_row(place, shown)
        note = [place.protocol, f"Split {place.split[:12]}"]
        note += ["Controls come last: they are there to judge other rows by"] if shown[-1].is_control else []
        if found:
            yield board(found, f"methods on {place.dataset}", strongest(shown))
            yield Folded(f"All rows ({number_of(len(shown), 'row')})", [every])
        else:
            yield every
        yield Text(sentences(*note), is_note=True)


def _every_row(place: Place, shown: Sequence[Shown]) -> Grid:
    metrics = {
        name: metric.higher_is_better for each in shown for name, metric in each.benchmark.evidence.metrics.items()
    }
    judged = lambda each: (not each.is_control) or None  # noqa: E731
    columns = [
        Column(MODEL, lambda each: each.row.key.model),
        Column("side", lambda each: each.row.key.side),
        Column("sharing", lambda each: each.row.key.sharing),
        Column("control", lambda each: each.row.key.control),
        *(Column(name, metric_of(name), decimal, True, higher, among=judged) for name, higher in metrics.items()),
        Column("users", lambda each: each.row.n_users, count),
        Column("seeds", lambda each: seed_list(each.row.seeds)),
        Column(BENCHMARK, lambda each: each.benchmark.name),
    ]
    return linked(columns, shown, f"rows on {place.dataset}")


# --- the page of a row --------------------------------------------------------------------------------------------


HOME = "../../index.html"
"""The address of the index, from the page of a row."""


def row_page(benchmark: Benchmark, row: Row) -> str:
    """Return the page of one row: its numbers by seed, its comparison, and how it was run."""
    records = row.records
    codes = [Code("run.toml", text) for text in run_files(benchmark.name, records)]
    return page(
        f"{label(row.key)} on {row.key.dataset}",
        f"{row.key.side} side, {row.n_users:,} users, {seed_list(row.seeds, 'seed')}",
        [
            Section("result", "Result", list(_result(benchmark, row))),
            Section("settings", "Settings", list(origin.settings(records))),
            Section("environment", "Data and environment", list(origin.environment(records))),
            Section("reproduce", "How to reproduce", [*codes, origin.cells(records)]),
        ],
        home=HOME,
    )


def _result(benchmark: Benchmark, row: Row) -> Iterator[Block]:
    records, side = row.records, row.key.side
    names = list(records[0]["sides"][side]["metrics"])
    columns = [
        Column("seed", lambda record: record["cell"]["seed"]),
        *(Column(name, functools.partial(_of_seed, name, side), decimal) for name in names),
        Column("epochs", lambda record: record["sides"][side]["epochs"]),
        Column("train s", lambda record: record["sides"][side].get("train_s"), "{:,.1f}".format),
    ]
    yield grid(table("seeds", records, columns), "metrics by seed")
    if (found := benchmark.evidence.over_alone.get(row.key)) is not None:
        method = benchmark.evidence.method
        evidence = f"{interval(found)}, {probability(found.p_adjusted, method)}"
        tested = benchmark.evidence.tested
        yield Text(f"{tested} against the same model trained alone: {change(found)} ({evidence}).")
    yield from map(Text, _claimed(claim for claim in benchmark.claims if claim.row is row))
    for note in benchmark.evidence.notes(row.key):
        yield Text(f"{note[0].upper()}{note[1:]}.")
    yield Text(Markup('<a href="../../{}">Report of the benchmark {}</a>').format(benchmark.report, benchmark.name))


def _of_seed(name: str, side: RowSide, record: CellResult) -> float | None:
    return record["sides"][side]["metrics"].get(name)


def _claimed(claims: Iterable[Placed]) -> Iterator[str]:
    for each in claims:
        said = f"{each.claim.metric} {decimal(each.claim.value)} is claimed by {each.claim.paper.cited}"
        ours = f"{each.among} of our seeds, whose mean is {decimal(each.mean or 0.0)}"
        differs = "; ".join(each.differs) or "nothing that is stated"
        yield f"{said}: {ours}. What differs: {differs}."
