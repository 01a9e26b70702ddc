"""The verb that checks texts and vectors for what is held out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from corecbench.cli.options import Verb, data_options, discover, read_data, say

LEAK = 1


@click.command(cls=Verb)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="NAME", help="Data set, as for `run`.")
@click.option(
    "--before", metavar="FILE", type=click.Path(path_type=Path), help="The vectors before they were fitted."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_options
def leakcheck(file: Path, dataset: str, before: Path | None, as_json: bool) -> int:
    """Check whether texts or vectors know what is held out.

    FILE has texts (CSV or Parquet: user_id or item_id, and text) or item vectors, as those of vectors:FILE.
    The exit code is 1 if there is a leak. The split must be that of the run which is to read the file.
    """
    from corecbench.leakcheck.files import check_file

    _, data = read_data(discover(), dataset)
    checked = check_file(file, data, before)
    finding = checked.finding
    if as_json:
        say(json.dumps(dataclasses.asdict(checked), indent=2))
    else:
        others = f", {checked.n_others:,} lines of others left aside" if checked.n_others else ""
        say(f"{data.name}: {checked.kind}, {checked.n_known:,} of them{others}")
        for line in finding.lines():
            say(line)
    return LEAK if finding.verdict == "leak" else 0
