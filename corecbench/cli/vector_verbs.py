"""The verbs about vectors of items: writes those of an LLM, and asks what some are worth."""

from __future__ import annotations

import dataclasses
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.cli.completion import complete
from corecbench.cli.options import (
    Verb,
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
from corecbench.cli.saying import say, say_reasons
from corecbench.cli.stored_options import results_option
from corecbench.cli.tables import show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.data.loaded import SplitDataset
    from corecbench.leakcheck.verdict import Finding
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected

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
    """Write what an LLM makes of the texts of items, as vectors.

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


@click.command(cls=Verb)
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
def audit(file: Path, dataset: str, models: str, tune_minutes: float | None, results: Path) -> int:
    """Ask what vectors of items are worth beside words, neighbours and, if you like, trained models.

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
    vectors = [f"vectors:{file}"]
    config = run_config(["audit", *tuned], llms=vectors, datasets=[dataset], models=beside, benchmark=benchmark)
    experiment = prepare(config, host, results, steps())
    llm, data = next((cell.llm, cell.data) for cell in experiment.plan.cells if cell.llm is not None)
    finding = leaks(llm, data, host, experiment.plan.cache)
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
        raise click.UsageError("--tune searches the settings of --models; give some (`corecbench list models`)")
    needs_optuna()
    config = run_config(["audit"], llms=(), datasets=[dataset], models=models)
    config = dataclasses.replace(config, seeds=config.seeds[:1])
    budget, found = Budget(minutes), folder / "tuned.toml"
    for sides in searches(config, host, budget):
        tune(sides, budget, folder / FOLDER, found, say)
    return str(found)


def leaks(llm: Selected, data: SplitDataset, host: Host, cache: Path) -> Finding:
    """Return what the vectors of an audit know of what is held out."""
    import numpy as np

    from corecbench.api import Setup
    from corecbench.exchange.encoding import states_of
    from corecbench.leakcheck.pairs import Matching
    from corecbench.leakcheck.vectors import check_vectors

    states = states_of(host, llm, Setup(data.catalog, max_history=1, seed=0, cache=cache))
    vectors = np.concatenate([rows.double().numpy() for rows in states.values()], axis=1)
    return check_vectors(Matching(data), vectors)
