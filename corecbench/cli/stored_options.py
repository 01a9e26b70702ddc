"""Options that several verbs share: where results are stored, and which cells are meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.cli.options import context_option, option_group, option_value

if TYPE_CHECKING:
    from corecbench.results.choice import Choice

results_option = click.option(
    "--results",
    default="results",
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of the results.",
)


results_argument = click.argument(
    "folder", default="results", metavar="[RESULTS_DIR]", type=click.Path(path_type=Path)
)
"""The folder of the results, `results` where none is named."""

choice_options = option_group(
    context_option(
        "--latest",
        is_flag=True,
        help="Take the latest settings of each cell where several are stored.",
    ),
    context_option(
        "--pick",
        multiple=True,
        metavar="CELL=HASH",
        help="Take these settings of a cell where several are stored; repeatable.",
    ),
    group="Results",
)
"""Options that choose between several settings of a cell; see `chosen_settings`."""

one_cell_options = option_group(
    click.option("--dataset", metavar="NAME", help="Data set, by name or folder.  [default: the only one]"),
    click.option("--seed", type=int, metavar="N", help="Seed of the cell.  [default: the lowest]"),
    click.option("--benchmark", metavar="NAME", help="Benchmark of the cell.  [default: default, or the only one]"),
    choice_options,
)
"""Options that say which one is meant of the stored cells of a name."""

format_option = click.option(
    "--format",
    "format_",
    default="text",
    show_default=True,
    metavar="NAME",
    help="Format, such as markdown, latex, html, csv or json (`corecbench describe reporters`).",
)


def chosen_settings() -> Choice:
    from corecbench.results.choice import choice_of, read_picks

    return choice_of(bool(option_value("latest")), read_picks(option_value("pick", ())))


def one_cell(path: Path, seed: int | None = None) -> Path:
    from corecbench.results.folders import cell_at

    return cell_at(path, chosen_settings(), seed)
