"""The page of one row: its numbers by seed, its comparison, and how it was run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from corecbench.api import Report
from corecbench.report.page import origin
from corecbench.report.page.blocks import Code, Section, Text
from corecbench.report.page.grids import grid
from corecbench.report.plots.selection import label
from corecbench.report.views.columns import Column, lay_out
from corecbench.report.views.findings import change, interval, probability
from corecbench.report.wording import decimal, seed_list
from corecbench.results.run_files import run_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from corecbench.api import CellResult, RowSide
    from corecbench.report.evidence.rows import Row
    from corecbench.report.page.blocks import Block
    from corecbench.report.site.index import Benchmark

HOME = "../../index.html"
"""The address of the index, from the page of a row."""


def title(row: Row) -> str:
    """Return the title of the page."""
    return f"{label(row.key)} on {row.key.dataset}"


def subtitle(row: Row) -> str:
    """Return the number of users and the seeds."""
    return f"{row.key.side} side, {row.n_users:,} users, {seed_list(row.seeds, 'seed')}"


def sections(benchmark: Benchmark, row: Row) -> list[Section]:
    """Return the parts of the page."""
    records = row.records
    files = run_files(benchmark.name, records)
    return [
        Section("result", "Result", list(_result(benchmark, row))),
        Section("settings", "Settings", list(origin.settings(records))),
        Section("environment", "Data and environment", list(origin.environment(records))),
        Section(
            "reproduce", "How to reproduce", [*(Code("run.toml", text) for text in files), origin.cells(records)]
        ),
    ]


def _result(benchmark: Benchmark, row: Row) -> Iterator[Block]:
    records, side = row.records, row.key.side
    names = list(records[0]["sides"][side]["metrics"])
    columns = [
        Column("seed", lambda record: record["cell"]["seed"]),
        *(Column(name, _metric(name, side), decimal) for name in names),
        Column("epochs", lambda record: record["sides"][side]["epochs"]),
        Column("train s", lambda record: record["sides"][side].get("train_s"), "{:,.1f}".format),
    ]
    frame, values = lay_out(records, columns)
    yield grid(Report("seeds", frame, values, ""), "metrics by seed")
    if (found := benchmark.evidence.over_alone.get(row.key)) is not None:
        method = benchmark.evidence.method
        evidence = f"{interval(found)}, {probability(found.p_adjusted, method)}"
        tested = benchmark.evidence.tested
        yield Text(f"{tested} against the same model trained alone: {change(found)} ({evidence}).")
    for note in benchmark.evidence.notes(row.key):
        yield Text(f"{note[0].upper()}{note[1:]}.")
    yield Text(Markup('<a href="../../{}">Report of the benchmark {}</a>').format(benchmark.report, benchmark.name))


def _metric(name: str, side: RowSide) -> Callable[[CellResult], float | None]:
    return lambda record: record["sides"][side]["metrics"].get(name)
