"""The verb that ranks the rows of many benchmarks, with what papers claim: nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.cli.options import Verb, discover
from corecbench.cli.saying import say, say_reasons
from corecbench.cli.stored_options import choice_options, chosen_settings, format_option
from corecbench.cli.tables import INCOMPLETE, own_folder, show_table, telling_damage
from corecbench.settings.config import SHOWN
from corecbench.settings.values import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.plugin.host import Host
    from corecbench.results.store import Store


@click.command(cls=Verb)
@click.argument("folders", nargs=-1, metavar="[RESULTS_DIR]...", type=click.Path(path_type=Path))
@click.option("--benchmark", default="", metavar="A,B", help="Benchmarks.  [default: all]")
@click.option("--metrics", default=",".join(SHOWN), show_default=True, metavar="A,B", help="Columns of --out.")
@click.option("--claims", is_flag=True, help="Instead what papers claim, beside your rows of the same methods.")
@click.option(
    "--claims-dir",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with claims of your own.",
)
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Write a site that needs no server.")
@click.option("--title", default="Results", show_default=True, metavar="TEXT", help="Title of its first page.")
@choice_options
@format_option
def board(
    folders: tuple[Path, ...],
    benchmark: str,
    metrics: str,
    claims: bool,
    claims_dir: Path | None,
    out: Path | None,
    title: str,
    format_: str,
) -> int:
    """Rank the stored rows of many benchmarks, and place papers' claims.

    RESULTS_DIR is where results are stored, the folder of one benchmark there, or a bundle. With --out a site is
    written, too: its first page is a board of methods by data set and protocol, and each row has a page. Open
    DIR/index.html, or copy DIR to a web server.

    A claim is a file NAME.toml with a paper, its figures and their protocol. Its line has the paper's figure, your
    row's mean and deviation over seeds, where the claim lies among them, and how the protocols differ.
    """
    from corecbench.results.folders import choose, stores

    host, found = discover(), [store for folder in folders or (Path("results"),) for store in stores(folder)]
    found = [choose(found, name) for name in names(benchmark)] or found
    with telling_damage(found):
        if claims or claims_dir is not None:
            return show_claims(host, found, claims_dir, format_)
        if out is not None:
            return write(host, found, names(metrics), own_folder(out), title)
        return rank_rows(host, found, names(metrics), format_)


def rank_rows(host: Host, stores: Sequence[Store], metrics: Sequence[str], format_: str) -> int:
    from corecbench.report.publish import rank

    ranked, is_complete = rank(host, stores, metrics, chosen_settings())
    show_table(ranked.texts, ranked.errors, format_)
    if is_complete:
        return 0
    say(f"incomplete, so the exit code is {INCOMPLETE}: the caption names the cells", err=True)
    return INCOMPLETE


def show_claims(host: Host, stores: Sequence[Store], folder: Path | None, format_: str) -> int:
    from corecbench.report.evidence.claims import about, placed, read_claims
    from corecbench.report.formats import render
    from corecbench.report.publish import gather
    from corecbench.report.views.tables import claims_table

    found = read_claims(folder)
    metrics = list(dict.fromkeys(claim.metric for claim in found))
    entries = {
        store: [entry for entry in of_store if about(found, entry[1])]
        for store, of_store in chosen_settings().of_each({store: store.sound() for store in stores}).items()
    }
    evidence = {
        store.benchmark: gather(host, store, of_store, metrics) for store, of_store in entries.items() if of_store
    }
    say(render(host, format_, claims_table(placed(found, evidence)))[1].rstrip())
    return 0


def write(host: Host, stores: Sequence[Store], metrics: Sequence[str], out: Path, title: str) -> int:
    from corecbench.report.site.write import write_site

    written = write_site(host, stores, metrics, out, title, chosen_settings())
    say_reasons("left out", written.left_out)
    say(f"written to {written.index}: {written.n_rows} rows of {written.n_benchmarks} benchmarks")
    return INCOMPLETE if written.left_out else 0
