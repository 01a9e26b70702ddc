"""The verb that trains, and prints the plan before and the table after."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

import click

from corecbench.api import UsageError
from corecbench.cli.completion import complete
from corecbench.cli.options import (
    Command,
    be_a_good_neighbour,
    common_options,
    config_option,
    data_dir_option,
    device_option,
    discover,
    invocation,
    item_text_option,
    k_core_option,
    max_history_option,
    results_option,
    say,
    set_option,
    ties_option,
)
from corecbench.cli.report_verbs import INCOMPLETE, show_table
from corecbench.cli.terminal import fitted, wide_option

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan

FAILED = 1


def run_options(command: Command) -> Command:
    """Add the options that say what is run; one that is not given is None."""

    def several(*names: str, text: str, kind: str | None = None) -> Callable[[Command], Command]:
        completed = None if kind is None else complete([kind])
        return click.option(*names, multiple=True, metavar="A,B", help=text, shell_complete=completed)

    for option in reversed(
        (
            several("--models", text="Domain models, such as sasrec,lightgcn.", kind="models"),
            several("--llm", "llms", text="LLMs: a name, or llama:PATH_OR_ID.", kind="llms"),
            several("--sharing", text="Sharing modules.  [default: bdlm]", kind="sharing"),
            several(
                "--control",
                "controls",
                text="Controls of every pair, such as shuffled-texts,bag-of-words.",
                kind="controls",
            ),
            click.option(
                "--ledger",
                is_flag=True,
                default=None,
                help="Train every pair under all controls of a ledger, and with nothing shared, too.",
            ),
            click.option(
                "--solo-llms/--no-solo-llms",
                default=None,
                help="Whether every LLM is also trained alone.  [default: solo-llms]",
            ),
            click.option(
                "--references/--no-references",
                default=None,
                help="Whether quick models without an LLM, such as popularity, run too.  [default: references]",
            ),
            several(
                "--datasets",
                text="Data sets: names, or folders of atomic files.  [default: ml-100k]",
                kind="datasets",
            ),
            click.option("--seeds", metavar="0-2,5", help="Seeds; each cell is run once for each.  [default: 0]"),
            several("--metrics", text="Metrics, such as HR@10,MRR.", kind="metrics"),
            max_history_option,
            k_core_option,
            item_text_option,
            ties_option,
            several(
                "--train-share",
                "train_shares",
                text="Shares of the users that train, such as .1,.25,1; all are ranked.  [default: 1]",
            ),
            click.option(
                "--selection",
                metavar="training-users|all-users",
                help="Whose validation items choose at a share below 1.  [default: training-users]",
            ),
            click.option(
                "--cold-items",
                type=float,
                metavar="SHARE",
                help="Share of the items that are left out of training, such as .1.  [default: 0]",
            ),
            click.option(
                "--top-k",
                type=int,
                metavar="K",
                help="Number of best items that are stored for each user.  [default: 10]",
            ),
            click.option(
                "--keep-models",
                is_flag=True,
                default=None,
                help="Keep the models of each cell beside its results, to recommend by them.",
            ),
            click.option(
                "--benchmark", metavar="NAME", help="Name of the results and their folder.  [default: default]"
            ),
            click.option(
                "--existing",
                metavar="skip|fail|replace|replace-damaged",
                help="What to do with cells that are stored; skip leaves damaged ones out.  [default: skip]",
            ),
            click.option(
                "--checkpoint-minutes",
                type=float,
                metavar="N",
                help="Least minutes between two saved states of a cell; a killed run goes on there.  [default: 5]",
            ),
            click.option(
                "--cell-timeout",
                type=float,
                metavar="MINUTES",
                help="End a cell that takes longer; it has failed.  [default: no limit]",
            ),
            click.option("--retry-failed", is_flag=True, default=None, help="Run cells again that failed before."),
            device_option,
            click.option(
                "--jobs",
                type=int,
                metavar="N",
                help="Cells that run side by side.  [default: one for each core; one on a GPU]",
            ),
            click.option("--threads", type=int, metavar="N", help="Threads of each cell.  [default: 1 on a CPU]"),
            click.option(
                "--processes",
                type=int,
                metavar="N",
                help="Processes that train each cell together, sharing its batches.  [default: 1]",
            ),
            click.option(
                "--executor", metavar="NAME", help="What runs the cells: processes or dask.  [default: processes]"
            ),
            click.option(
                "--scheduler", metavar="ADDRESS", help="Scheduler of the Dask cluster.  [default: a local cluster]"
            ),
            click.option(
                "--resource",
                "resources",
                multiple=True,
                metavar="NAME=N",
                help="What a cell needs of a Dask worker, such as GPU=1.",
            ),
            several(
                "--tracker",
                "trackers",
                text="Trackers that follow the run, such as mlflow,tensorboard.",
                kind="trackers",
            ),
        )
    ):
        command = option(command)
    return command


@click.command()
@run_options
@data_dir_option
@results_option
@config_option("A run file, or one of `corecbench list benchmarks`.")
@set_option()
@click.option("--plan", "only_plan", is_flag=True, help="Print what would be done, and stop.")
@click.option("-v", "--verbose", is_flag=True, help="Print a line for each epoch.")
@click.option("-q", "--quiet", is_flag=True, help="Print the table and errors only.")
@wide_option
@common_options
def run(
    files: tuple[str, ...],
    blocked: tuple[str, ...],
    results: Path,
    config: str | None,
    sets: tuple[str, ...],
    only_plan: bool,
    verbose: bool,
    quiet: bool,
    wide: bool,
    **options: Any,
) -> int:
    """Train models alone and with LLMs, and compare them.

    Prints the plan first and the table last, and stores the rank of every user's held-out item.
    The same command goes on where it stopped. A log with each epoch and warning lies beside the results.
    """
    from corecbench.experiment.session import prepare
    from corecbench.report.main_table import report
    from corecbench.report.publish import publish_run
    from corecbench.report.wording import one_line
    from corecbench.results.unstored import unstored
    from corecbench.settings.config import load

    if verbose and quiet:
        raise UsageError("-v and -q exclude each other; give one of them")
    be_a_good_neighbour()
    settings = load(config, {key: None if value == () else value for key, value in options.items()}, sets)
    experiment = prepare(settings, discover(files, blocked), results, invocation().steps)
    if only_plan or not quiet:
        show_plan(experiment.plan)
    if only_plan:
        return 0
    with contextlib.redirect_stderr(io.StringIO()) if quiet else contextlib.nullcontext():
        records = experiment.run(progress=not quiet, every_epoch=verbose, log=True)
    left_out, lost = experiment.plan.left_out, unstored(records, experiment.store)
    for reason in [*left_out.values(), *(f"{folder}: trained, but not stored" for folder in lost)]:
        say(f"left out: {one_line(reason)}", err=True)
    unwritten = bool(lost)
    if len(records) > len(lost):
        published = publish_run(experiment.host, experiment.store, records, settings.metrics, left_out)
        texts = fitted(experiment.host, published.texts, report(published.main), wide)
        show_table(texts, published.errors, "text")
        if not quiet:
            names = ", ".join(path.name for path in published.paths) or "nothing"
            say(f"written to {published.folder}: {names}")
        unwritten |= not published.paths
    if unwritten:
        return INCOMPLETE
    return FAILED if left_out or any(record["status"] == "failed" for record in records) else 0


def show_plan(plan: Plan) -> None:
    """Print the cells, what is done already and what will be downloaded."""
    done = sum(cell.done for cell in plan.cells)
    say(f"plan: {len(plan.cells)} cells, {done} done already")
    width = max((len(cell.name) for cell in plan.cells), default=0)
    for cell in plan.cells:
        other = plan.elsewhere.get(cell.folder)
        state = f"  done in {other.parents[2].name}" if other is not None else state_of(cell)
        state = "  left out" if cell.folder in plan.left_out else state
        say(f"  {cell.data.name}  {cell.name:{width}}  seed {cell.seed}{state}")
    for line in plan.downloads or ["nothing"]:
        say(f"to download: {line}")
    for line in plan.notes:
        say(f"note: {line}")


def state_of(cell: Cell) -> str:
    """Return what the plan says of a cell that no other benchmark has."""
    if cell.failed:
        return "  failed before; --retry-failed runs it again"
    return "  done" if cell.done else ""
