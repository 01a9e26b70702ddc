"""The verb that writes the vectors of an LLM."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from corecbench.cli.completion import complete
from corecbench.cli.options import (
    Verb,
    be_a_good_neighbour,
    data_options,
    device_option,
    discover,
    read_data,
)
from corecbench.cli.saying import say

FAILED = 1


@click.command(cls=Verb)
@click.option("--llm", required=True, metavar="NAME", shell_complete=complete(["llms"]), help="LLM, as for `run`.")
@click.option("--dataset", required=True, metavar="NAME", help="Data set, as for `run`.")
@click.option(
    *("--out",),
    required=True,
    metavar="FILE.parquet",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File, which --llm vectors:FILE.parquet reads.",
)
@device_option
@data_options
def encode(llm: str, dataset: str, out: Path) -> None:
    """Encode item texts with an LLM.

    So one machine encodes and another one tests. The file says which model, settings and texts its vectors come
    from. They are the states as they are: `--llm vectors:FILE.parquet` whitens them as the LLM's backend does.
    """
    from corecbench.api import Setup
    from corecbench.exchange.encoding import write_vectors
    from corecbench.toolkit import cache_folder

    be_a_good_neighbour()
    host, cache = discover(), cache_folder()
    config, data = read_data(host, dataset)
    name = data.whole_name
    chosen = host.with_fingerprint(host.select("llms", llm, config.settings_on(name), config.variants), cache)
    say(*(f"to download: {line}" for line in host.needs(chosen, cache)), err=True)
    with click.progressbar(length=1, label="encoding", file=sys.stderr) as bar:

        def show(what: str, done: int, total: int) -> None:
            bar.label, bar.length = what, total
            bar.update(done - bar.pos)

        setup = Setup(data.catalog, config.max_history_on(name), 0, config.device, cache, show)
        facts = write_vectors(host, chosen, data, setup, out)
    widths = ", ".join(f"{states} ({width})" for states, width in facts["states"].items())
    say(f"{out}: {facts['items']:,} of {data.catalog.n_items:,} items of {name}, {widths}")
