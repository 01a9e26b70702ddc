"""The verb that runs a stored cell again and compares the ranks."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import click

from corecbench.cli.options import Verb, be_a_good_neighbour, discover, steps
from corecbench.cli.saying import say
from corecbench.cli.stored_options import choice_options, one_cell

DIFFERENT = 1


@click.command(cls=Verb)
@click.argument("result", metavar="RESULT.json", type=click.Path(path_type=Path))
@click.option(
    "--results",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder to keep the new result in.  [default: none]",
)
@click.option("--dataset", metavar="NAME", help="Where the data set is now.  [default: as the record says]")
@choice_options
def reproduce(
    result: Path,
    results: Path | None,
    dataset: str | None,
) -> int:
    """Run a stored cell again and compare all ranks.

    RESULT.json is the record of a cell, the folder that holds it, or the one above, which holds all settings and
    seeds of the cell: --latest or --pick chooses the settings, and the lowest seed is taken.

    All that is run is read from the record: settings, data set, seed, control, device, threads. Paths in it count
    from the present folder.

    Exit codes: 0 if all ranks are equal, 1 if some differ, 2 if the cell cannot be run again.
    """
    from corecbench.experiment.reproduction import METRIC, compared, differences, run_again
    from corecbench.results.store import Store

    be_a_good_neighbour()
    folder = one_cell(result)
    host = discover()
    record = Store(folder, "").read(folder)
    cell = record["cell"]
    say(f"again: {cell['name']} on {cell['dataset']}, seed {cell['seed']}")
    with contextlib.ExitStack() as stack:
        out = results or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        again = run_again((folder, record), host, out, dataset, steps())
        sides = compared((folder, record), again, host.build(host.select("metrics", METRIC, {})))
    say(*map(str, sides))
    say(*(f"differs: {line}" for line in differences(record, again[1])))
    return 0 if all(side.is_equal for side in sides) else DIFFERENT
