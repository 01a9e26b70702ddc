"""The first page of the site: by data set and protocol the board of methods, and below it all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.report.page.blocks import Folded, Heading, Section, Text
from corecbench.report.page.grids import number_of
from corecbench.report.page.render import SCRIPTS, page
from corecbench.report.site.board import NOTES, board, methods, strongest
from corecbench.report.site.rows import BENCHMARK, MODEL, Shown, linked, metric_of
from corecbench.report.views.layout import Column
from corecbench.report.wording import count, decimal, seed_list, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.report.page.blocks import Block, Grid
    from corecbench.report.site.rows import Benchmark, Place


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
    if methods(list(rows.values())):
        yield Section("columns", "The columns", [Text(f"{note}.") for note in NOTES])


def _on_dataset(by_place: dict[Place, list[Shown]]) -> Iterator[Block]:
    for number, (place, shown) in enumerate(by_place.items(), start=1):
        if len(by_place) > 1:
            yield Heading(
                f"Protocol and split {number} of {len(by_place)} ({place.kind}): ranks of others cannot be "
                "compared with these"
            )
        shown.sort(key=lambda each: each.order)
        found, every = methods(shown), _every_row(place, shown)
        note = [place.protocol, f"Split {place.split[:12]}"]
        note += ["Controls come last: they are there to judge other rows by"] if shown[-1].is_control else []
        if found:
            yield board(found, f"methods on {place.dataset}", strongest(shown))
            yield Folded(f"All rows ({number_of(len(shown), 'row')})", [every])
        else:
            yield every
        yield Text(sentences(note), is_note=True)


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
