"""The rows that a site shows, their links, and the page of each."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from corecbench.report.page import origin
from corecbench.report.page.blocks import Block, Code, Grid, Section, Text
from corecbench.report.page.grids import grid
from corecbench.report.page.render import page
from corecbench.report.plots.chart import label
from corecbench.report.views.findings import change, interval, probability
from corecbench.report.views.layout import Column, table
from corecbench.report.views.provenance import protocol_sentence
from corecbench.report.wording import decimal, seed_list
from corecbench.results.layout import slug
from corecbench.results.run_files import run_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from corecbench.api import CellResult, RowSide
    from corecbench.report.evidence.claims import Placed
    from corecbench.report.evidence.reading import Evidence
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey

MODEL, BENCHMARK = "model", "benchmark"
"""The columns that lead to the page of a row and to the report of a benchmark."""


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A benchmark on the site."""

    name: str
    evidence: Evidence
    report: str
    """The address of its report, from the index."""
    claims: Sequence[Placed] = ()
    """What papers claim beside its rows."""

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
    """The kind of the split, leave-one-out or time."""


class Shown(NamedTuple):
    """A row and the benchmark that it is from."""

    benchmark: Benchmark
    row: Row

    @property
    def name(self) -> tuple[str, RowKey]:
        """What tells the row apart from all others of a site."""
        return self.benchmark.name, self.row.key

    @property
    def place(self) -> Place:
        """Where the row is ranked."""
        dataset, record = self.row.key.dataset, self.row.records[0]
        protocol = dict(sorted(self.benchmark.evidence.protocols[dataset].items()))
        kind = str(protocol.get("split", "leave-one-out"))
        return Place(dataset, protocol_sentence(protocol), record["data"]["split_fingerprint"], kind)

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


def metric_of(name: str) -> Callable[[Shown], float | None]:
    """Return a function that returns a metric of a row."""
    return lambda each: each.row.metrics.get(name)


def linked(columns: Sequence[Column], shown: Sequence[Shown], label: str) -> Grid:
    """Return a table of rows whose models and benchmarks lead to their pages."""
    report = table("index", shown, columns)
    drawn = grid(report, label)
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
    yield from map(Text, _claimed(claim for claim in benchmark.claims if claim.row is row))
    for note in benchmark.evidence.notes(row.key):
        yield Text(f"{note[0].upper()}{note[1:]}.")
    yield Text(Markup('<a href="../../{}">Report of the benchmark {}</a>').format(benchmark.report, benchmark.name))


def _of_seed(name: str, side: RowSide, record: CellResult) -> float | None:
    return record["sides"][side]["metrics"].get(name)


def _claimed(claims: Iterable[Placed]) -> Iterator[str]:
    """Yield what papers claim beside a row, and what differs between the protocols."""
    for each in claims:
        said = f"{each.claim.metric} {decimal(each.claim.value)} is claimed by {each.claim.paper.cited}"
        ours = f"{each.among} of our seeds, whose mean is {decimal(each.mean or 0.0)}"
        differs = "; ".join(each.differs) or "nothing that is stated"
        yield f"{said}: {ours}. What differs: {differs}."
