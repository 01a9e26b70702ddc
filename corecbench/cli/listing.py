"""Lists of components and plugins, as a table on stdout or as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from corecbench.cli.options import discover
from corecbench.cli.saying import say
from corecbench.plugin.kinds import KINDS
from corecbench.plugin.metadata import describe
from corecbench.settings import run_files
from corecbench.toolkit import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from corecbench.plugin.host import Host

Rows = list[dict[str, Any]]


def rows(kind: str | None, whole: bool) -> Rows:
    """Return one row for each component of a kind, of all kinds if there is none, for each run file, or plugin."""
    if kind == "benchmarks":
        return benchmarks(whole)
    host = discover(strict=False)
    return plugins(host) if kind == "plugins" else components(host, KINDS if kind is None else (kind,), whole)


def components(host: Host, kinds: Iterable[str], whole: bool) -> Rows:
    """Return one row for each component of these kinds: all that is known of it, or what a line has room for."""
    return [
        describe(kind, component, info)
        if whole
        else {
            "name": component.name,
            "kind": KINDS[kind].word,
            "plugin": str(info),
            "summary": component.summary,
            "paper": component.paper,
        }
        for kind in kinds
        for component, info in host.list(kind)
    ]


def plugins(host: Host) -> Rows:
    return [dataclasses.asdict(info) for info in host.plugins()]


def benchmarks(whole: bool) -> Rows:
    return [
        {"name": name, "summary": run_files.summary(path), **({"file": str(path)} if whole else {})}
        for name, path in run_files.packaged().items()
    ]


def show(rows: Rows, as_json: bool) -> None:
    """Print the rows as a table: on a terminal as wide as it is, else in one aligned line each."""
    if as_json:
        say(json.dumps(rows, indent=2, default=str, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = list(rows[0]) if rows else []
    cells = [[str(row[column] or "") for column in columns] for row in rows]
    console = Console()
    if not console.is_terminal:
        say(*aligned(cells))
        return
    table = Table(*columns, box=None, header_style="bold")
    for row_cells in cells:
        table.add_row(*(Text(printable(cell)) for cell in row_cells))  # as text: a summary may hold brackets
    console.print(table)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines in which the columns begin at the same place.

    >>> aligned([("a", "1", ""), ("long", "2", "end")])
    ['a     1', 'long  2  end']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
