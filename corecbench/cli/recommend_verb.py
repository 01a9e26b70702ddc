"""The verb that shows what is recommended to one user."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.cli.options import common_options, data_dir_option, discover
from corecbench.cli.report_verbs import telling_damage

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType


@click.command()
@click.argument("folder", metavar="RESULTS_DIR", type=click.Path(path_type=Path))
@click.option(
    "--cell", required=True, metavar="CELL", help="Cell, such as sasrec+llama+bdlm or sasrec+llama+bdlm:llm."
)
@click.option("--user", required=True, metavar="ID|best|worst|coldest", help="User whose list is shown.")
@click.option(
    "--dataset", metavar="NAME", help="Data set, by name or folder as it was run.  [default: the only one]"
)
@click.option("--seed", type=int, metavar="N", help="Seed of the cell.  [default: the lowest]")
@click.option("--benchmark", metavar="NAME", help="Benchmark of the cell.  [default: default, or the only one]")
@click.option(
    "--history",
    default=10,
    show_default=True,
    metavar="N",
    type=click.IntRange(min=0),
    help="Number of latest items of the history that are shown.",
)
@click.option(
    "--format", "format_", default="text", show_default=True, metavar="NAME", help="Format, as for `report`."
)
@click.option(
    "--set", "sets", multiple=True, metavar="NAME.KEY=VALUE", help="Setting of the data set, as it was run."
)
@data_dir_option
@common_options
def recommend(
    files: tuple[str, ...],
    blocked: tuple[str, ...],
    folder: Path,
    cell: str,
    user: str,
    dataset: str | None,
    seed: int | None,
    benchmark: str | None,
    history: int,
    format_: str,
    sets: tuple[str, ...],
) -> None:
    """Show what is recommended to one user.

    That is the user's history, and the best items of each side of a cell beside those of its models alone.

    The user is named by id, or is the one with the largest gain in NDCG@10 over the model alone (best), with the
    largest loss (worst), or with the shortest history (coldest). Nothing is trained. JSON holds the whole history.
    """
    from corecbench.report import recommendation_text
    from corecbench.report.formats import render
    from corecbench.report.recommendations import recommendations
    from corecbench.results.folders import choose, stores

    host = discover(files, blocked)
    host.select("reporters", format_, {})
    store = choose(stores(folder), benchmark)
    with telling_damage([store]):
        (found,) = recommendations(host, store, store.sound(), cell, [user], dataset, seed, sets)
    if format_ == "json":
        click.echo(json.dumps(dataclasses.asdict(found), indent=1))
    elif format_ == "text":
        show(lambda width: recommendation_text.layout(found, width, history))
    else:
        click.echo(render(host, format_, recommendation_text.table(found))[1].rstrip())


def show(layout: Callable[[int], RenderableType]) -> None:
    """Print what is laid out for the width of the terminal, 80 characters without one, no blanks at line ends."""
    from rich.console import Console

    console = Console()
    with console.capture() as captured:
        console.print(layout(console.width))
    click.echo("\n".join(line.rstrip() for line in captured.get().rstrip().splitlines()))
