"""Lists of components and plugins, as a table on stdout or as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from corecbench.api import Component
    from corecbench.host import Host

Rows = list[dict[str, Any]]


def components(host: Host, kind: str) -> Rows:
    """Return one row for each component of a kind."""
    return [
        {
            "name": component.name,
            "argument": component.argument,
            "summary": component.summary,
            "paper": component.paper,
            "plugin": str(info),
            "settings": defaults(component),
        }
        for component, info in host.list(kind)
    ]


def defaults(component: Component) -> dict[str, Any]:
    """Return a component's settings with their defaults; None for one that must be given."""
    settings = {}
    for field in dataclasses.fields(component.config) if component.config else ():
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        settings[field.name] = None if default is dataclasses.MISSING else default
    return settings


def plugins(host: Host) -> Rows:
    """Return one row for each plugin, broken ones included."""
    return [dataclasses.asdict(info) for info in host.plugins()]


def show(rows: Rows, as_json: bool) -> None:
    """Print the rows; on a terminal as wide as it is, else one tab-separated line each."""
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = [column for column in rows[0] if column not in ("settings", "argument")] if rows else []
    cells = [[str(row[column] or "") for column in columns] for row in rows]
    console = Console()
    if not console.is_terminal:
        for line in cells:
            click.echo("\t".join(line))
        return
    table = Table(*columns, box=None, header_style="bold")
    for line in cells:
        table.add_row(*map(Text, line))  # as text: a summary may hold brackets
    console.print(table)
