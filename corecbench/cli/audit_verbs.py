"""The verbs that audit what enters a run: item embeddings, texts, and what an LLM has read before."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from corecbench.api import RowSide
from corecbench.cli.completion import complete
from corecbench.cli.options import (
    VerbGroup,
    be_a_good_neighbour,
    data_options,
    device_option,
    discover,
    names_setting,
    read_data,
    run_config,
    setting,
    steps,
)
from corecbench.cli.saying import now_and_then, say, say_reasons
from corecbench.cli.stored_options import choice_options, chosen_settings, results_option
from corecbench.cli.tables import show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.data.loaded import SplitDataset
    from corecbench.leakcheck.verdict import Finding
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey

FAILED = LEAK = 1
ITEMS = 300


@click.group(cls=VerbGroup)
def audit() -> None:
    """Audit embeddings, texts and LLMs: worth, leaks, memorisation."""


# --- vectors ------------------------------------------------------------------------------------------------------


@audit.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="NAME", help="Data set, as for `run`.")
@click.option(
    "--models",
    default="",
    metavar="A,B",
    shell_complete=complete(["models"]),
    help="Models that are trained with the vectors, too, such as sasrec.  [default: none, nothing is trained]",
)
@click.option(
    *("--tune", "tune_minutes"),
    type=click.FloatRange(min=0, min_open=True),
    metavar="MINUTES",
    help="Search the settings of each of --models alone on validation first, for so long.",
)
@setting("--seeds", metavar="0-2", help="Seeds; trained models need three.  [default: 0]")
@names_setting("--train-share", "train_shares", help="Share of the users that train.  [default: 1]")
@setting("--jobs", type=int, metavar="N", help="Cells side by side.  [default: one a core]")
@device_option
@results_option
@data_options
def vectors(file: Path, dataset: str, models: str, tune_minutes: float | None, results: Path) -> int:
    """Evaluate item embeddings against baselines.

    FILE is what --llm vectors:FILE reads. Without --models nothing is trained: the vectors stand beside neighbours,
    with counted words and without, against words alone, shuffled and random vectors. The vectors are checked for
    leaks. The table and the page (report.html beside the results) end in one sentence. The exit code is 1 if there
    is a leak. Pairs have the settings that --tune finds for the model alone.
    """
    from corecbench.experiment.session import prepare
    from corecbench.leakcheck.worth import statement
    from corecbench.report.publish import publish_run, write_page
    from corecbench.settings.config import load
    from corecbench.settings.values import names

    be_a_good_neighbour()
    started, host = time.perf_counter(), discover()
    trained, benchmark = names(models), "audit-" + re.sub(r"[^\w.-]+", "-", file.stem)
    tuned = [tune_alone(host, dataset, trained, tune_minutes, results / benchmark)] if tune_minutes else []
    beside = [*load("audit", {}, ()).models, *trained]
    config = run_config(
        ["audit", *tuned], llms=[f"vectors:{file}"], datasets=[dataset], models=beside, benchmark=benchmark
    )
    experiment = prepare(config, host, results, steps())
    llm, data = next((cell.llm, cell.data) for cell in experiment.plan.cells if cell.llm is not None)
    finding = leaks_of(llm, data, host, experiment.plan.cache)
    records = experiment.run(progress=True, log=True)
    left_out = experiment.plan.left_out
    say_reasons("left out", left_out.values())
    evidence, published = publish_run(host, experiment.store, records, config.metrics, left_out)
    show_table(published.texts["table"], published.errors, "text")
    minutes = (time.perf_counter() - started) / 60
    said = statement(evidence, llm.label, data.name, finding.verdict, minutes)
    page = write_page(host, experiment.store, evidence, published.folder, first=[said])
    say("", *finding.lines()[:-1], *said.asides, "", said.text)
    say(f"page: {page}", err=True)
    failed = bool(left_out) or any(record["status"] == "failed" for record in records)
    return FAILED if failed or finding.verdict == "leak" else 0


def tune_alone(host: Host, dataset: str, models: Sequence[str], minutes: float, folder: Path) -> str:
    """Search the settings of each model alone, and return the run file of what was found."""
    from corecbench.cli.tune_verb import FOLDER
    from corecbench.tuning.budget import Budget
    from corecbench.tuning.study import needs_optuna
    from corecbench.tuning.tune import searches, tune

    if not models:
        raise click.UsageError("--tune searches the settings of --models; give some (`corecbench describe models`)")
    needs_optuna()
    config = run_config(["audit"], llms=(), datasets=[dataset], models=models)
    config = dataclasses.replace(config, seeds=config.seeds[:1])
    budget, found = Budget(minutes), folder / "tuned.toml"
    for sides in searches(config, host, budget):
        tune(sides, budget, folder / FOLDER, found, say)
    return str(found)


def leaks_of(llm: Selected, data: SplitDataset, host: Host, cache: Path) -> Finding:
    """Return what the vectors of an audit know of what is held out."""
    import numpy as np

    from corecbench.api import Setup
    from corecbench.exchange.encoding import states_of
    from corecbench.leakcheck.pairs import Matching
    from corecbench.leakcheck.vectors import check_vectors

    states = states_of(host, llm, Setup(data.catalog, max_history=1, seed=0, cache=cache))
    vectors = np.concatenate([rows.double().numpy() for rows in states.values()], axis=1)
    return check_vectors(Matching(data), vectors)


# --- leaks and memorised titles ----------------------------------------------------------------------------------


@audit.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="NAME", help="Data set, as for `run`.")
@click.option(
    "--before", metavar="FILE", type=click.Path(path_type=Path), help="The vectors before they were fitted."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_options
def leaks(file: Path, dataset: str, before: Path | None, as_json: bool) -> int:
    """Check texts or vectors for leaks of the held-out items.

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


@audit.command()
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
def titles(
    llm: str,
    dataset: str,
    against: tuple[str, ...],
    items: int,
    row: str | None,
    results: Path,
    benchmark: str | None,
    as_json: bool,
) -> None:
    """Estimate title memorisation by an LLM.

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
    known = reader.titles(own.catalog, items, None if pair is None else targets(*pair, own))
    found = judge(selected.label, known, [reader.titles(other.catalog, items) for other in others])
    gain = None if pair is None else by_knowledge(*pair, known, own)
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
