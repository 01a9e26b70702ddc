"""The verbs that exchange splits and results with other libraries: nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.cli.options import Verb, data_options, discover, read_data
from corecbench.cli.saying import say
from corecbench.cli.stored_options import results_option

if TYPE_CHECKING:
    from corecbench.api import CellResult
    from corecbench.exchange.checked import Candidates

FORMATS = ("csv", "recbole", "rectools", "replay", "lenskit", "cornac", "trec")
"""The names of the layouts of a split; they stand here too, so that help is quick."""


@click.command(cls=Verb, name="import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="NAME", help="Data set, as for `run`.")
@click.option("--name", required=True, metavar="MODEL", help="What the model is called in tables.")
@click.option(
    "--seed", required=True, type=click.IntRange(min=0), metavar="N", help="Seed that it was trained with."
)
@click.option("--solo", metavar="CELL", help="Stored cell of the same model alone, to compare with and to test.")
@click.option("--format", "format_", metavar="csv|parquet|trec", help="Format.  [default: by the suffix]")
@click.option("--leave-out-seen", is_flag=True, help="Take items that a user saw before out of the lists.")
@click.option("--missing-last", is_flag=True, help="Rank the held-out item of a user without a list last.")
@click.option(
    "--candidates",
    type=click.Choice(("all", "sampled")),
    help="What was ranked; sampled items share no table with all.  [default: all, unless lists look sampled]",
)
@click.option("--replace", is_flag=True, help="Replace an earlier import of the same model and seed.")
@click.option("--benchmark", default="default", show_default=True, metavar="NAME", help="Benchmark that takes it.")
@results_option
@data_options
def import_(
    file: Path,
    dataset: str,
    name: str,
    seed: int,
    solo: str | None,
    format_: str | None,
    leave_out_seen: bool,
    missing_last: bool,
    candidates: Candidates | None,
    replace: bool,
    benchmark: str,
    results: Path,
) -> None:
    """Import the ranks or lists of another library.

    FILE has a line for each user with the rank of the held-out item (user_id, rank), or for each item on a user's
    list (user_id, item_id, and score or position). It is CSV, Parquet or a run file of TREC. Everything in it is
    checked against the split of the data set, which `corecbench split` writes.
    """
    from corecbench.exchange.importing import Import, import_results
    from corecbench.exchange.reading import format_of
    from corecbench.results.store import Store

    host = discover()
    kind = format_of(file, format_)
    asked = Import(file, kind, name, seed, solo, leave_out_seen, missing_last, candidates, replace)
    settings, data = read_data(host, dataset, benchmark=benchmark)
    folder, record = import_results(asked, data, settings, host, Store(results, settings.benchmark))
    say(*summary(record))
    say(f"written to {folder}", err=True)


def summary(record: CellResult) -> list[str]:
    """Return what was imported, in a few lines."""
    cell, imported = record["cell"], record["imported"]
    (side,) = record["sides"].values()
    lists = "" if imported["kind"] == "ranks" else f", at least {imported['list_depth']} items each, or all"
    lines = [
        f"{cell['name']} on {cell['dataset']}, seed {cell['seed']}: {imported['kind']} of {side['n_users']:,} users"
        f"{lists}"
    ]
    if n_unknown := imported["unknown_ranks"]:
        lines.append(f"  ranks that lie beyond a list and are not known: {n_unknown:,}")
    labels = {
        "seen_left_out": "seen items taken out of the lists",
        "missing_last": "users without a list, whose item counts as ranked last",
        "not_tested": "users who are not tested, left aside",
    }
    lines += [f"  {label}: {imported[key]:,}" for key, label in labels.items() if key in imported]  # type: ignore[literal-required]
    lines += [f"  {metric}: {value:.4f}" for metric, value in side["metrics"].items()]
    return [*lines, *(f"  {metric}: no value; {reason}" for metric, reason in side.get("faults", {}).items())]


@click.command(cls=Verb)
@click.argument("dataset", metavar="DATASET")
@click.option(
    "--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder to write to, new or empty."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="csv",
    show_default=True,
    help="Library that is to read the files.",
)
@data_options
def split(
    dataset: str,
    out: Path,
    format_: str,
) -> None:
    """Export the split of a data set for other libraries.

    DIR gets the parts for training, validation and test, the texts of the items, README.txt, which says how to read
    them and how to bring results back, and manifest.json with the fingerprint of the split.
    """
    from corecbench.exchange.splitting import write_split

    host = discover()
    settings, data = read_data(host, dataset)
    manifest = write_split(data, settings, format_, out)
    say(
        f"{manifest['dataset']}: {manifest['training_interactions']:,} interactions to train on, "
        f"{manifest['tested_users']:,} tested users, {manifest['items']:,} items; "
        f"split {manifest['split_fingerprint'][:12]}"
    )
    say(f"written to {out}: {', '.join(manifest['files'])}", err=True)
