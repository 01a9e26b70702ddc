"""The index of the site: the rows of all benchmarks, by data set and protocol, the best first."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from corecbench.api import Report
from corecbench.report.evidence.contrasts import ALPHA, FEWEST_SEEDS
from corecbench.report.page.blocks import Heading, Section, Text
from corecbench.report.page.grids import grid, number_of
from corecbench.report.views.columns import Column, lay_out
from corecbench.report.views.provenance import protocol_sentence
from corecbench.report.views.tables import best_two
from corecbench.report.wording import count, decimal, p_value, percent, seed_list, sentences
from corecbench.results.layout import slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.api import Mark
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


class Shown(NamedTuple):
    """A row and the benchmark that it is from."""

    benchmark: Benchmark
    row: Row

    @property
    def place(self) -> Place:
        """Where the row is ranked."""
        dataset, record = self.row.key.dataset, self.row.records[0]
        protocol = protocol_sentence(dict(sorted(self.benchmark.evidence.protocols[dataset].items())))
        return Place(dataset, protocol, record["data"]["split_fingerprint"])

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


def subtitle(benchmarks: Sequence[Benchmark]) -> str:
    """Return how much the site shows."""
    n_rows = sum(len(benchmark.rows) for benchmark in benchmarks)
    return f"{number_of(n_rows, 'row')} of {number_of(len(benchmarks), 'benchmark')}"


def sections(benchmarks: Sequence[Benchmark]) -> Iterator[Section]:
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
                f"Protocol and split {number} of {len(by_place)}: ranks of others cannot be compared with these"
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

    def metric(name: str) -> Any:
        return lambda each: each.row.metrics.get(name)

    columns = [
        Column(MODEL, lambda each: each.row.key.model),
        Column("side", lambda each: each.row.key.side),
        Column("sharing", lambda each: each.row.key.sharing),
        Column("control", lambda each: each.row.key.control),
        *(Column(name, metric(name), decimal) for name in metrics),
        Column("change", lambda each: each.contrast and each.contrast.change, percent),
        Column("p", lambda each: each.contrast and each.contrast.p_adjusted, p_value),
        Column("users", lambda each: each.row.n_users, count),
        Column("seeds", lambda each: seed_list(each.row.seeds)),
        Column(BENCHMARK, lambda each: each.benchmark.name),
    ]
    frame, values = lay_out(shown, columns)
    report = Report("index", frame, values, "", _marks(shown, metrics), {}, metrics)
    drawn = grid(report, f"rows on {place.dataset}")
    links = {MODEL: lambda each: each.benchmark.address(each.row), BENCHMARK: lambda each: each.benchmark.report}
    link = Markup('<a href="{}">{}</a>').format
    rows = [
        [
            dataclasses.replace(field, markup=link(links[name](each), field.markup)) if name in links else field
            for name, field in zip(frame, fields, strict=True)
        ]
        for each, fields in zip(shown, drawn.rows, strict=True)
    ]
    return dataclasses.replace(drawn, rows=rows)


def _marks(shown: Sequence[Shown], metrics: dict[str, bool]) -> dict[tuple[int, str], list[Mark]]:
    marks: dict[tuple[int, str], list[Mark]] = {}
    for number, each in enumerate(shown):
        if each.contrast and each.contrast.is_significant:
            marks[number, "change"] = ["significant"]
    for metric, higher_is_better in metrics.items():
        values = {
            number: each.row.metrics[metric]
            for number, each in enumerate(shown)
            if metric in each.row.metrics and not each.is_control
        }
        marks |= {(number, metric): [mark] for number, mark in best_two(values, higher_is_better).items()}
    return marks
