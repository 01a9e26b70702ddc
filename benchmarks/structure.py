"""Count the rooms of the package and the arrows between them, and find circles of imports.

    python benchmarks/structure.py

A room is a package or a module directly below `corecbench`. An arrow is an import between two rooms; imports for
types alone count, too. It needs grimp, which comes with import-linter (`pip install '.[dev]'`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import click
import grimp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = "corecbench"


def room(module: str) -> str:
    """Return the room of a module."""
    return ".".join(module.split(".")[:2])


def in_circles(arrows: Iterable[tuple[str, str]]) -> list[str]:
    """Return what can be reached from itself along the arrows."""
    ahead: Mapping[str, set[str]] = defaultdict(set)
    for start, end in arrows:
        ahead[start].add(end)
    circles = []
    for start in list(ahead):
        reached: set[str] = set()
        to_visit = [start]
        while to_visit:
            new = ahead[to_visit.pop()] - reached
            reached |= new
            to_visit.extend(new)
        if start in reached:
            circles.append(start)
    return sorted(circles)


@click.command()
def main() -> None:
    """Print the counts and the circles."""
    graph = grimp.build_graph(ROOT, exclude_type_checking_imports=False)
    imports = [(name, other) for name in graph.modules for other in graph.find_modules_directly_imported_by(name)]
    rooms = {room(name) for name in graph.modules} - {ROOT}
    arrows = {(room(name), room(other)) for name, other in imports} - {(each, each) for each in (ROOT, *rooms)}
    loose = [name for name in rooms if not graph.find_children(name)]
    click.echo(f"{len(graph.modules)} modules, {len(imports)} imports")
    click.echo(f"{len(rooms)} rooms, {len(loose)} of them single modules, {len(arrows)} arrows between rooms")
    click.echo(f"rooms in a circle: {', '.join(in_circles(arrows)) or 'none'}")
    click.echo(f"modules in a circle: {', '.join(in_circles(imports)) or 'none'}")


if __name__ == "__main__":
    main()
