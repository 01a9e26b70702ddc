"""Measures how long the command line takes to start, and to make tables and page of 100 and of 2,000 stored cells.

    python benchmarks/perf/startup_and_report.py

The cells are drawn, not trained, and stored as any others.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from measuring.command_line import measuring_options
from measuring.comparison import Comparison, Target
from measuring.record import measure_all
from measuring.sides import own_side
from stored_cells import write_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from measuring.options import Options
    from measuring.sides import Side

STARTS = {"--help": 0.3, "list": 0.4}
"""Arguments -> most wall seconds."""
REPORTS = {100: 3.0, 2_000: 20.0}
"""Number of cells -> most wall seconds of the table."""
PAGES = {100: None, 2_000: 60.0}
"""Number of cells -> most wall seconds of the tables and the page; None for no limit."""
MOST_MB = 10.0
"""Most megabytes of a page."""
TINY = {12: 3.0}
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Modules are compiled once, as in an installed environment."""


def side(*arguments: str) -> Side:
    """Return the run of a command; the whole process counts."""
    return own_side(f"corecbench {arguments[0]}", "command_line.py", *arguments, environment=COMPILED)


def comparisons(place: Path, tiny: bool) -> Iterator[Comparison]:
    """Yield the start of the command line, and the tables and the page of each number of cells.

    Args:
        place: where the cells are stored.
        tiny: whether a handful of cells with few users is enough.
    """
    starts = [side(name) for name in STARTS]
    limits = [Target(f"corecbench {name}", at_most=most, quantity="wall_s") for name, most in STARTS.items()]
    yield Comparison("start of the command line", starts, limits)
    for n_cells, most in (TINY if tiny else REPORTS).items():
        folder = place / str(n_cells)
        write_cells(folder, n_cells, shrink=50 if tiny else 1)
        table = side("report", str(folder), "--benchmark", "grid")
        limit = Target(table.name, at_most=most, quantity="wall_s")
        yield Comparison(f"tables of {n_cells:,} cells", [table], [limit])
        page = own_side("corecbench report --html", "report_page.py", folder, "grid", environment=COMPILED)
        limits = [
            Target(page.name, at_most=PAGES.get(n_cells), quantity="wall_s"),
            Target(page.name, at_most=MOST_MB, quantity="page_mb"),
        ]
        yield Comparison(f"page of {n_cells:,} cells", [page], limits, most_rounds=1)


@click.command()
@measuring_options
def main(options: Options) -> None:
    """Measure start-up and reports."""
    with tempfile.TemporaryDirectory() as place:
        measure_all("startup_and_report", list(comparisons(Path(place), options.tiny)), options)


if __name__ == "__main__":
    main()
