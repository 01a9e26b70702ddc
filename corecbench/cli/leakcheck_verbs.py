"""The verbs that check what is known already: by texts and vectors of what is held out, by an LLM of a data set."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from corecbench.api import RowSide
from corecbench.cli.options import Verb, data_options, device_option, discover, read_data, run_config
from corecbench.cli.saying import now_and_then, say
from corecbench.cli.stored_options import choice_options, chosen_settings, results_option

if TYPE_CHECKING:
    from corecbench.plugin.host import Host
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey

LEAK = 1
ITEMS = 300


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


@click.command(cls=Verb)
@click.option("--llm", required=True, metavar="NAME", help="LLM, as for `run`.")
@click.option("--dataset", required=True, metavar="NAME", help="Data set, as for `run`.")
@click.option("--against", multiple=True, metavar="NAME", help="Another data set to compare with; repeatable.")
@click.option("--items", default=ITEMS, show_default=True, type=click.IntRange(min=0), help="Titles; 0 for all.")
@click.option("--row", metavar="PAIR", help="A stored pair whose gain is sliced by how well titles are known.")
@results_option
@click.option("--benchmark", metavar="NAME", help="Its benchmark.  [default: default, or the only one]")
@choice_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_options
@device_option
def contamination(
    llm: str,
    dataset: str,
    against: tuple[str, ...],
    items: int,
    row: str | None,
    results: Path,
    benchmark: str | None,
    as_json: bool,
) -> None:
    """Say how well an LLM knows the titles of a data set.

    Titles are compared with their twins, in which every word is another one. Nothing is trained. With --row, titles
    are those of test items.
    """
    from corecbench.data.loaded import read_datasets
    from corecbench.leakcheck.contamination import Reader, judge
    from corecbench.leakcheck.known_targets import by_knowledge, targets

    host, config = discover(), run_config(datasets=list(dict.fromkeys([dataset, *against])), llms=[llm])
    host.check_settings(config)
    selected = host.select("llms", llm, config.settings, config.variants)
    own, *others = read_datasets(config, host)
    pair = None if row is None else stored(host, results, benchmark, own.name, row)
    progress = now_and_then(lambda what, done, total: f"{what}: {done:,} of {total:,}")
    reader = Reader(host, selected, config.device, progress)
    titles = reader.titles(own.catalog, items, None if pair is None else targets(*pair, own))
    found = judge(selected.label, titles, [reader.titles(other.catalog, items) for other in others])
    gain = None if pair is None else by_knowledge(*pair, titles, own)
    if as_json:
        say(json.dumps({**found.facts(), **({} if gain is None else {"gain": gain.facts()})}, indent=2))
    else:
        say(*([] if gain is None else gain.lines()), *found.lines())


def stored(host: Host, results: Path, benchmark: str | None, dataset: str, row: str) -> tuple[Evidence, RowKey]:
    """Return what is stored of a pair on a data set, and its row."""
    from corecbench.leakcheck.known_targets import joint_row
    from corecbench.report.publish import TESTED, gather
    from corecbench.results.folders import choose, stores
    from corecbench.results.selection import select

    store = choose(stores(results), benchmark)
    cell = re.sub(rf":({'|'.join(get_args(RowSide))})$", "", row)
    evidence = gather(host, store, select([store], [cell], [dataset], chosen_settings()), [TESTED])
    return evidence, joint_row(evidence, row)
