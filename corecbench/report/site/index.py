"""The pages of the site: the index of all rows, by data set and protocol, and one for each row."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from corecbench.report.evidence.contrasts import ALPHA, FEWEST_SEEDS
from corecbench.report.page import origin
from corecbench.report.page.blocks import Code, Heading, Section, Text
from corecbench.report.page.grids import grid, number_of
from corecbench.report.page.render import SCRIPTS, page
from corecbench.report.plots.chart import label
from corecbench.report.views.findings import change, interval, probability
from corecbench.report.views.layout import Column, table
from corecbench.report.views.provenance import protocol_sentence
from corecbench.report.wording import count, decimal, p_value, percent, seed_list, sentences
from corecbench.results.layout import slug
from corecbench.results.run_files import run_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.api import CellResult, RowSide
    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.reading import Evidence
    from corecbench.report.evidence.rows import Row
    from corecbench.report.page.blocks import Block, Grid

MODEL, BENCHMARK = "model", "benchmark"
"""The columns that lead to the page of a row and to the report of a benchmark."""


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A benchmark on the site."""

    name: str
    evidence: Evidence
    report: str
    """The address of its report, from the index."""

    @property
    def rows(self) -> list[Row]:
        """The rows that have ranks."""
        return [row for row in self.evidence.rows.values() if row.seeds]

    def address(self, row: Row) -> str:
        """Return the address of the page of a row, from the index."""
        return f"rows/{slug(self.name)}/{slug(f'{row.key.dataset}--{row.key.cell}--{row.key.side}')}.html"


class Place(NamedTuple):
    """What rows must have in common to be ranked together."""

    dataset: str
    protocol: str
    split: str
    """The fingerprint of the split."""
    kind: str
    """Of the split."""


class Shown(NamedTuple):
    """A row and the benchmark that it is from."""

    benchmark: Benchmark
    row: Row

    @property
    def place(self) -> Place:
        """Where the row is ranked."""
        dataset, record = self.row.key.dataset, self.row.records[0]
        protocol = dict(sorted(self.benchmark.evidence.protocols[dataset].items()))
        kind = str(protocol.get("split", "leave-one-out"))
        return Place(dataset, protocol_sentence(protocol), record["data"]["split_fingerprint"], kind)

    @property
    def contrast(self) -> Contrast | None:
        """The row minus its model alone, if that can be compared."""
        return self.benchmark.evidence.over_alone.get(self.row.key)

    @property
    def is_control(self) -> bool:
        """Whether the row is there only to judge other rows by."""
        return self.benchmark.evidence.is_control(self.row.key)

    @property
    def order(self) -> tuple[bool, float]:
        """The key by which rows are sorted: the best first, controls last."""
        evidence = self.benchmark.evidence
        value, sign = self.row.metrics.get(evidence.tested), -1 if evidence.higher_is_better else 1
        return self.is_control, float("inf") if value is None else sign * value


def index_page(title: str, benchmarks: Sequence[Benchmark]) -> str:
    """Return the index, whose title says how much the site shows."""
    n_rows = sum(len(benchmark.rows) for benchmark in benchmarks)
    subtitle = f"{number_of(n_rows, 'row')} of {number_of(len(benchmarks), 'benchmark')}"
    return page(title, subtitle, list(_sections(benchmarks)), scripts=(*SCRIPTS, "filter.js"))


def _sections(benchmarks: Sequence[Benchmark]) -> Iterator[Section]:
    """Yield for each data set the rows of all benchmarks; one with the same cells in several is shown once."""
    rows: dict[object, Shown] = {}
    for shown in (Shown(benchmark, row) for benchmark in benchmarks for row in benchmark.rows):
        cells = frozenset((each["cell"]["seed"], each["hash"], each["started"]) for each in shown.row.records)
        rows.setdefault((shown.row.key, cells), shown)
    places: dict[str, dict[Place, list[Shown]]] = {}
    for shown in rows.values():
        places.setdefault(shown.place.dataset, {}).setdefault(shown.place, []).append(shown)
    for number, (dataset, by_place) in enumerate(sorted(places.items()), start=1):
        yield Section(f"dataset-{number}", dataset, list(_on_dataset(by_place)))


def _on_dataset(by_place: dict[Place, list[Shown]]) -> Iterator[Block]:
    for number, (place, shown) in enumerate(by_place.items(), start=1):
        if len(by_place) > 1:
            yield Heading(
                f"Protocol and split {number} of {len(by_place)} ({place.kind}): ranks of others cannot be "
                "compared with these"
            )
        shown.sort(key=lambda each: each.order)
        yield _grid(place, shown)
        note = [
            place.protocol,
            f"Split {place.split[:12]}",
            "Change: relative change of the tested metric against the same model trained alone, with p as it was "
            "corrected in the benchmark that the row is from",
            f"*: p below {decimal(ALPHA, 2)}, with {FEWEST_SEEDS} seeds or more of all that is trained",
            *(["Controls come last: they are there to judge other rows by"] if shown[-1].is_control else []),
        ]
        yield Text(sentences(note), is_note=True)


def _grid(place: Place, shown: Sequence[Shown]) -> Grid:
    metrics = {
        name: metric.higher_is_better for each in shown for name, metric in each.benchmark.evidence.metrics.items()
    }

    judged = lambda each: (not each.is_control) or None  # noqa: E731
    columns = [
        Column(MODEL, lambda each: each.row.key.model),
        Column("side", lambda each: each.row.key.side),
        Column("sharing", lambda each: each.row.key.sharing),
        Column("control", lambda each: each.row.key.control),
        *(
            Column(name, functools.partial(_metric, name), decimal, True, higher, among=judged)
            for name, higher in metrics.items()
        ),
        Column(
            "change",
            lambda each: each.contrast and each.contrast.change,
            percent,
            contrast=lambda each: each.contrast,
        ),
        Column("p", lambda each: each.contrast and each.contrast.p_adjusted, p_value),
        Column("users", lambda each: each.row.n_users, count),
        Column("seeds", lambda each: seed_list(each.row.seeds)),
        Column(BENCHMARK, lambda each: each.benchmark.name),
    ]
    report = table("index", shown, columns)
    drawn = grid(report, f"rows on {place.dataset}")
    links = {MODEL: lambda each: each.benchmark.address(each.row), BENCHMARK: lambda each: each.benchmark.report}
    link = Markup('<a href="{}">{}</a>').format
    rows = [
        [
            dataclasses.replace(field, markup=link(links[name](each), field.markup)) if name in links else field
            for name, field in zip(report.frame, fields, strict=True)
        ]
        for each, fields in zip(shown, drawn.rows, strict=True)
    ]
    return dataclasses.replace(drawn, rows=rows)


def _metric(name: str, shown: Shown) -> float | None:
    return shown.row.metrics.get(name)


# --- the page of a row -------------------------------------------------------------------------------------------


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
    for note in benchmark.evidence.notes(row.key):
        yield Text(f"{note[0].upper()}{note[1:]}.")
    yield Text(Markup('<a href="../../{}">Report of the benchmark {}</a>').format(benchmark.report, benchmark.name))


def _of_seed(name: str, side: RowSide, record: CellResult) -> float | None:
    return record["sides"][side]["metrics"].get(name)
