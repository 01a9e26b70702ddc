"""The verb that writes a kept model as a folder that recommends without corecbench."""

from __future__ import annotations

from pathlib import Path

import click

from corecbench.cli.options import choice_options, common_options, discover, one_cell, say


@click.command()
@click.argument("cell", metavar="CELL_FOLDER", type=click.Path(path_type=Path))
@click.option("--to", "folder", required=True, metavar="DIR", type=click.Path(path_type=Path), help="New folder.")
@click.option("--side", metavar="domain|llm", help="Side of a pair.  [default: domain]")
@choice_options
@common_options
def export(
    files: tuple[str, ...],
    blocked: tuple[str, ...],
    cell: Path,
    folder: Path,
    side: str | None,
    latest: bool,
    pick: tuple[str, ...],
) -> None:
    """Write a kept model as a folder that recommends with torch alone.

    CELL_FOLDER is the folder of a cell that was run with --keep-models, or the one above it, which holds all its
    settings and seeds: --latest or --pick chooses the settings, and the lowest seed is taken.

    The new folder holds the model as a program of torch.export, ids and titles of the items, a module `serve.py`
    and a README, which says how to use them.
    """
    from corecbench.keeping.export import export as write
    from corecbench.keeping.loading import load_side

    loaded = load_side(discover(files, blocked), one_cell(cell, latest, pick), side)
    said = write(loaded, folder)
    say(f"written to {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    for line in said:
        say(line.replace("`", ""))
