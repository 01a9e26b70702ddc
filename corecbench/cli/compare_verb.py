"""The verb that compares stored rows with one of them: nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from corecbench.cli.options import Verb, discover, set_option, setting, verb_config
from corecbench.cli.saying import say
from corecbench.cli.stored_options import choice_options, chosen_settings
from corecbench.cli.tables import MethodConfig, telling_damage


@dataclass(frozen=True)
class CompareConfig(MethodConfig):
    """What is compared: options, or `--set compare.KEY=VALUE`."""

    baseline: str = ""
    cells: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    metric: str = "NDCG@10"
    in_order: bool = False
    """Whether only users count whose last two items are in order by time."""
    format: str = "text"


@click.command(cls=Verb)
@click.argument("folders", nargs=-1, required=True, metavar="RESULTS_DIR...", type=click.Path(path_type=Path))
@setting(
    "--baseline",
    required=True,
    metavar="CELL",
    help="Cell to compare with, such as sasrec or sasrec+llama+bdlm:llm.",
)
@setting("--cells", metavar="A,B", help="Cells to compare.  [default: all]")
@setting("--datasets", metavar="A,B", help="Data sets to compare on.  [default: all]")
@choice_options
@setting("--metric", metavar="NAME", help="Metric to compare.  [default: NDCG@10]")
@setting("--in-order", is_flag=True, help="Compare only users whose last two items are in order by time.")
@set_option("Another setting, such as compare.test=permutation or compare.margin=.02.")
@setting("--format", metavar="NAME", help="Format, such as markdown or csv.  [default: text]")
def compare(folders: tuple[Path, ...]) -> None:
    """Compare stored rows with one of them.

    RESULTS_DIR is where results are stored, the folder of one benchmark there, or a bundle. Cells are named as they
    are stored, with the side of a pair after a colon, and BENCHMARK/ before them where several have the same.
    """
    from corecbench.report.evidence.comparison import read_comparison
    from corecbench.report.evidence.controls import known_controls
    from corecbench.report.formats import render
    from corecbench.report.views.tables import comparison_table
    from corecbench.results.folders import stores

    config, host = verb_config(CompareConfig), discover()
    metric = host.build(host.select("metrics", config.metric, {}))
    stored = {store: store.sound() for folder in folders for store in stores(folder)}
    with telling_damage(list(stored)):
        entries = chosen_settings().of_each(stored)
        found = read_comparison(
            entries,
            config.baseline,
            config.metric,
            metric,
            config.cells,
            config.datasets,
            config.method,
            known_controls(host, (entry for of_store in entries.values() for entry in of_store)).unshared,
            config.in_order,
        )
        say(render(host, config.format, comparison_table(found))[1].rstrip())
