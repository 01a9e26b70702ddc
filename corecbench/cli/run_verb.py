"""The verb that trains, and prints the plan before and the table after."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import TYPE_CHECKING

import click

from corecbench.cli.options import (
    be_a_good_neighbour,
    config_option,
    context_option,
    device_option,
    discover,
    names_setting,
    option_group,
    option_value,
    run_config,
    set_option,
    setting,
    split_options,
    steps,
    verb,
)
from corecbench.cli.saying import say, say_reasons
from corecbench.cli.stored_options import results_option
from corecbench.cli.tables import INCOMPLETE, TEXT, show_results

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from corecbench.api import CellResult
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.session import Experiment

FAILED = 1
QUICK = "quick"
"""The run file of a first look."""


run_options = option_group(
    option_group(
        names_setting("--models", help="Domain models, such as sasrec,lightgcn.", kind="models"),
        names_setting("--llm", "llms", help="LLMs: a name, or llama:PATH_OR_ID.", kind="llms"),
        names_setting("--sharing", help="Sharing modules.  [default: bdlm]", kind="sharing"),
        setting("--seeds", metavar="0-2,5", help="Seeds; each cell is run once for each.  [default: 0]"),
        config_option("A run file, or one of `corecbench describe benchmarks`."),
        context_option("--quick", is_flag=True, help="A first look in minutes, as --config quick: no evidence."),
        set_option("Change one setting, also of the run, such as run.cell_timeout=60."),
        group="What",
    ),
    option_group(
        names_setting("--datasets", help="Names, or folders of atomic files.  [default: ml-100k]", kind="datasets"),
        split_options,
        names_setting(
            *("--train-share", "train_shares"),
            help="Shares of the users that train, such as .1,.25,1; all are ranked.  [default: 1]",
        ),
        group="Data",
    ),
    option_group(
        names_setting(
            *("--control", "controls"),
            help="Controls of every pair, such as shuffled-texts,bag-of-words.",
            kind="controls",
        ),
        setting("--ledger", is_flag=True, help="Train every pair under all controls of a ledger, and unshared."),
        setting("--solo-llms/--no-solo-llms", help="Train every LLM alone, too.  [default: solo-llms]"),
        setting(
            "--references/--no-references",
            help="Run quick models without an LLM, such as popularity, too.  [default: references]",
        ),
        group="Controls",
    ),
    option_group(
        results_option,
        setting("--benchmark", metavar="NAME", help="Name of the results and their folder.  [default: default]"),
        setting(
            "--existing",
            metavar="skip|fail|replace|replace-damaged",
            help="What to do with cells that are stored; skip leaves damaged ones out.  [default: skip]",
        ),
        setting("--keep-models", is_flag=True, help="Keep the models beside the results, to recommend by them."),
        click.option("--plan", "only_plan", is_flag=True, help="Print what would be done, and stop."),
        click.option(
            *("-v/-q", "--verbose/--quiet", "verbose"),
            default=None,
            help="Print a line for each epoch, or the table and errors only.",
        ),
        group="Results",
    ),
    option_group(
        device_option,
        setting("--jobs", type=int, metavar="N", help="Cells side by side.  [default: one a core; one on a GPU]"),
        setting("--threads", type=int, metavar="N", help="Threads of each cell.  [default: 1 on a CPU]"),
        group="Machine",
    ),
)


@verb
@run_options
def run(results: Path, only_plan: bool, verbose: bool | None) -> int:
    """Train models alone and with LLMs, and compare them.

    Prints the plan first and the table last, and stores the rank of every user's held-out item.
    The same command goes on where it stopped. A log with each epoch and warning lies beside the results.
    """
    from corecbench.experiment.session import prepare
    from corecbench.report.publish import publish_run
    from corecbench.results.spare import not_stored

    be_a_good_neighbour()
    settings, quiet = run_config([QUICK] if option_value("quick") else []), verbose is False
    experiment = prepare(settings, discover(), results, steps())
    if only_plan or not quiet:
        show_plan(experiment, timing=only_plan)
    if only_plan:
        return 0
    with contextlib.redirect_stderr(io.StringIO()) if quiet else contextlib.nullcontext():
        records = experiment.run(progress=not quiet, every_epoch=bool(verbose), log=True)
    left_out, missing = experiment.plan.left_out, not_stored(records, experiment.store)
    say_reasons("left out", [*left_out.values(), *(f"{folder}: trained, but not stored" for folder in missing)])
    unwritten = bool(missing)
    if len(records) > len(missing):
        evidence, published = publish_run(experiment.host, experiment.store, records, settings.metrics, left_out)
        say_reasons("warning", map(str, published.errors.values()))
        show_results(evidence, None if sys.stdout.isatty() else published.texts["table"].get(TEXT))
        say(*more_seeds(experiment, records))
        if not quiet:
            names = ", ".join(path.name for path in published.paths) or "nothing"
            say(f"written to {published.folder}: {names}")
        unwritten |= not published.paths
    if unwritten:
        return INCOMPLETE
    return FAILED if left_out or any(record["status"] == "failed" for record in records) else 0


def more_seeds(experiment: Experiment, records: Collection[CellResult]) -> Iterator[str]:
    """Yield the option that goes on to as many seeds as a verdict needs, and about how long that takes."""
    from corecbench.experiment.remaining import in_words
    from corecbench.experiment.session import jobs_of
    from corecbench.report.evidence.contrasts import FEWEST_SEEDS

    seeds = experiment.plan.config.seeds
    lacking = FEWEST_SEEDS - len(seeds)
    if lacking > 0 and any(record["cell"]["sharing"] for record in records):
        asked = f"--seeds {min(seeds)}-{min(seeds) + FEWEST_SEEDS - 1}"
        of_a_seed = sum(record["duration_s"] for record in records) / len(seeds) / jobs_of(experiment.plan.config)
        n_cells = lacking * len(records) // len(seeds)
        yield f"next: {asked} goes on from here: {n_cells} cells, about {in_words(lacking * of_a_seed)}"


def show_plan(experiment: Experiment, timing: bool) -> None:
    """Print the cells, what is done already, what the others will take, and what will be downloaded.

    With `timing`, steps of models are timed of which no cell is stored.
    """
    from corecbench.cli.stored_cells import size
    from corecbench.experiment.estimates import estimates, in_all_s, timed_estimates
    from corecbench.experiment.remaining import in_words
    from corecbench.experiment.session import jobs_of

    plan, store = experiment.plan, experiment.store
    done, found = sum(cell.done for cell in plan.cells), estimates(plan, store)
    timed = timed_estimates(plan, experiment.host, store, found) if timing else {}
    found |= timed
    say(f"plan: {len(plan.cells)} cells, {done} done already")
    width = max((len(cell.name) for cell in plan.cells), default=0)
    for cell in plan.cells:
        other = plan.elsewhere.get(cell.folder)
        state = f"  done in {other.parents[2].name}" if other is not None else state_of(cell)
        state = "  left out" if cell.folder in plan.left_out else state
        if (of_cell := found.get(cell.folder)) is not None:
            state += f"  about {in_words(of_cell.duration_s)}, {size(of_cell.memory_bytes)} of memory"
        say(f"  {cell.data.name}  {cell.name:{width}}  seed {cell.seed}{state}")
    if found:
        slots = min(jobs_of(plan.config), plan.n_to_do)
        known = "" if len(found) == plan.n_to_do else f" for {len(found)} of {plan.n_to_do} cells"
        took = in_words(in_all_s(found.values(), slots))
        how = "by timed steps of each model" if timed else "as cells of the same kind that are stored took"
        say(f"time: about {took}{known}, {slots} side by side, {how}")
    elif timing and plan.n_to_do:
        say("time: not known, since no step of a model could be timed in 20 seconds")
    say(*(f"to download: {line}" for line in plan.downloads or ["nothing"]))
    say(*(f"note: {line}" for line in plan.notes))


def state_of(cell: Cell) -> str:
    if cell.failed:
        return "  failed before; --set run.retry_failed=true runs it again"
    return "  done" if cell.done else ""
