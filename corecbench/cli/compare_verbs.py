"""The verbs that put stored rows side by side, beside what papers claim, and on a site: nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from corecbench.cli.options import Verb, discover, set_option, setting, verb_config
from corecbench.cli.results_verbs import benchmark_option, stores_of
from corecbench.cli.saying import say, say_reasons
from corecbench.cli.stored_options import choice_options, chosen_settings, format_option, results_option
from corecbench.cli.tables import INCOMPLETE, MethodConfig, own_folder, telling_damage
from corecbench.settings.config import SHOWN


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
    """Compare any stored cells with one of them, paired over users.

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


@click.command(cls=Verb)
@results_option
@benchmark_option
@click.option(
    "--claims",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with claims of your own, beside those of corecbench.",
)
@choice_options
@format_option
def claims(results: Path, benchmark: str | None, folder: Path | None, format_: str) -> None:
    """Show what papers claim beside your rows of the same methods.

    A claim is a file NAME.toml with a paper, its figures and their protocol. Each line has the paper's figure, the
    mean and deviation of your row over seeds, where the claim lies among them, and how the protocols differ.
    """
    from corecbench.report.evidence.claims import about, placed, read_claims
    from corecbench.report.formats import render
    from corecbench.report.publish import gather
    from corecbench.report.views.tables import claims_table

    found, host = read_claims(folder), discover()
    metrics = list(dict.fromkeys(claim.metric for claim in found))
    stores = stores_of(results, benchmark)
    with telling_damage(stores):
        entries = {
            store: [entry for entry in of_store if about(found, entry[1])]
            for store, of_store in chosen_settings().of_each({store: store.sound() for store in stores}).items()
        }
        evidence = {
            store.benchmark: gather(host, store, of_store, metrics)
            for store, of_store in entries.items()
            if of_store
        }
        say(render(host, format_, claims_table(placed(found, evidence)))[1].rstrip())


@click.command(cls=Verb)
@click.argument("folders", nargs=-1, required=True, metavar="RESULTS_DIR...", type=click.Path(path_type=Path))
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder of the site.")
@click.option("--title", default="Results", show_default=True, metavar="TEXT", help="Title of the first page.")
@click.option(
    "--metrics", default=",".join(SHOWN), show_default=True, metavar="A,B", help="Metrics, one column each."
)
@choice_options
def site(
    folders: tuple[Path, ...],
    out: Path,
    title: str,
    metrics: str,
) -> int:
    """Make a static site of the stored results of many benchmarks.

    RESULTS_DIR is where results are stored, the folder of one benchmark there, or a bundle. The first page
    is a board of methods, by data set and protocol, over all rows; each row and each benchmark has a page. The site
    needs no server: open DIR/index.html, or copy DIR to a web server.
    """
    from corecbench.report.site.write import write_site
    from corecbench.results.folders import stores
    from corecbench.settings.values import names

    found = [store for folder in folders for store in stores(folder)]
    choice = chosen_settings()
    written = write_site(discover(), found, names(metrics), own_folder(out), title, choice)
    say_reasons("left out", written.left_out)
    say(f"written to {written.index}: {written.n_rows} rows of {written.n_benchmarks} benchmarks")
    return INCOMPLETE if written.left_out else 0
