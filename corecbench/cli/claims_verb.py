"""The verb that puts what papers claim beside stored rows: nothing is trained."""

from __future__ import annotations

from pathlib import Path

import click

from corecbench.cli.options import (
    Verb,
    choice_options,
    chosen_settings,
    discover,
    format_option,
    results_option,
    say,
)
from corecbench.cli.results_verbs import benchmark_option, stores_of
from corecbench.cli.tables import telling_damage


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
    from corecbench.report.views.claims import claims_table

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
