"""The verb that makes a static site of stored results."""

from __future__ import annotations

from pathlib import Path

import click

from corecbench.cli.options import Verb, choice_options, chosen_settings, discover, say, say_reasons
from corecbench.cli.tables import INCOMPLETE, own_folder
from corecbench.settings.config import SHOWN


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
