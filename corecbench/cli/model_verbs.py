"""The verb `recommend`: what is recommended to one user."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.api import UsageError
from corecbench.cli.options import Verb, config_option, discover, option_value, set_option
from corecbench.cli.saying import say
from corecbench.cli.stored_options import chosen_settings, one_cell, one_cell_options
from corecbench.cli.tables import telling_damage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from corecbench.api import Report
    from corecbench.keeping.items import Recommended
    from corecbench.keeping.recommending import LoadedModel
    from corecbench.plugin.host import Host


@click.command(cls=Verb)
@click.argument("folder", metavar="[RESULTS_DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--cell",
    required=True,
    metavar="CELL|FOLDER",
    help="Cell, such as sasrec+llama+bdlm or sasrec+llama+bdlm:llm. Without RESULTS_DIR, the folder of a cell.",
)
@click.option("--user", metavar="ID|best|worst|coldest", help="User whose list is shown.")
@click.option(
    "--history",
    metavar="'ITEM; ITEM'",
    help="Ids or titles of items, oldest first, of a new user. The cell's models must have been kept.",
)
@click.option("--side", metavar="domain|llm", help="Side of the folder that recommends.  [default: domain]")
@click.option(
    "--k", default=10, show_default=True, metavar="N", type=click.IntRange(min=1), help="Items for a history."
)
@one_cell_options
@click.option(
    "--last",
    default=10,
    show_default=True,
    metavar="N",
    type=click.IntRange(min=0),
    help="Number of latest items of a user's history that are shown; --history N means the same.",
)
@click.option(
    "--format", "format_", default="text", show_default=True, metavar="NAME", help="Format, as for `report`."
)
@config_option("Run file with settings of the data set, as it was run.")
@set_option("Setting of the data set, as it was run.")
def recommend(
    folder: Path | None,
    cell: str,
    user: str | None,
    history: str | None,
    side: str | None,
    k: int,
    dataset: str | None,
    seed: int | None,
    benchmark: str | None,
    last: int,
    format_: str,
) -> None:
    """Show what is recommended to one user.

    With RESULTS_DIR and --user, that is the user's history, and the best items of each side of a cell beside those
    of its models alone. The user is named by id, or is the one with the largest gain in NDCG@10 over the model
    alone (best), with the largest loss (worst), or with the shortest history (coldest). JSON holds the whole
    history.

    Without RESULTS_DIR, one side of a cell recommends to a new user by --history, or to a user that it knows by
    --user ID. Where the folder holds several settings and seeds of the cell, --latest or --pick chooses the
    settings. The cell must have been run with --keep-models.

    Nothing is trained.
    """
    if folder is None:
        place = one_cell(Path(cell), seed)
        recommend_by_model(discover(), place, side, user, history, k, format_)
        return
    if history is not None:
        last = number_of(history)
    if user is None:
        raise click.MissingParameter(param_type="option", param_hint="'--user'")
    from corecbench.cli import recommendation_text
    from corecbench.report.formats import render
    from corecbench.results.folders import choose, stores
    from corecbench.results.recommendation import recommendations

    host = discover()
    host.select("reporters", format_, {})
    store = choose(stores(folder), benchmark)
    with telling_damage([store]):
        entries = chosen_settings().narrowed(store.sound())
        (found,) = recommendations(
            host, store, entries, cell, [user], dataset, seed, option_value("sets", ()), option_value("config", ())
        )
    if format_ == "json":
        say(json.dumps(dataclasses.asdict(found), indent=1))
    elif format_ == "text":
        show(lambda width: recommendation_text.layout(found, width, last))
    else:
        say(render(host, format_, recommendation_text.table(found))[1].rstrip())


def number_of(history: str) -> int:
    """Return the number that `--history N` says, which means `--last N`.

    Raises:
        BadParameter: it is a history of items.
    """
    if not history.strip().isdecimal():
        raise click.BadParameter(
            f"{history!r} is no number; items need the folder of a cell and no RESULTS_DIR: corecbench recommend "
            "--cell FOLDER --history 'ITEM; ITEM'",
            param_hint="'--history'",
        )
    return int(history)


def recommend_by_model(
    host: Host, cell: Path, side: str | None, user: str | None, history: str | None, k: int, format_: str
) -> None:
    """Print what a kept side recommends, by a history or to a user that it knows.

    Raises:
        UsageError: neither or both are given.
    """
    from corecbench.keeping.loading import load_side
    from corecbench.report.formats import render

    if (user is None) == (history is None):
        raise UsageError("give either --history 'ITEM; ITEM' or --user ID beside --cell FOLDER")
    host.select("reporters", format_, {})
    loaded = load_side(host, cell, side)
    if history is not None:
        found = loaded.recommend([item for item in history.split(";") if item.strip()], k)
    else:
        found = loaded.recommend_user(str(user), k)
    say(render(host, format_, recommended_table(loaded, found))[1].rstrip())


def recommended_table(loaded: LoadedModel, found: Sequence[Recommended]) -> Report:
    """Return a table with place, title, id and score of each item."""
    import pandas as pd

    from corecbench.api import Report

    places = range(1, len(found) + 1)
    values = pd.DataFrame(
        {
            "place": list(places),
            "title": [item.title for item in found],
            "item": [item.item_id for item in found],
            "score": [item.score for item in found],
        }
    )
    frame = values.assign(
        place=[str(place) for place in places], score=[f"{item.score:.4f}" for item in found]
    ).astype(str)
    cell = loaded.cell
    caption = f"The best items of the {loaded.side} side ({loaded.name}) of {cell['name']} on {cell['dataset']}."
    return Report("recommended", frame, values, caption)


def show(layout: Callable[[int], RenderableType]) -> None:
    from rich.console import Console

    console = Console()
    with console.capture() as captured:
        console.print(layout(console.width))
    say("\n".join(line.rstrip() for line in captured.get().rstrip().splitlines()))
