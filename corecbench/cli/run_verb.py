"""The verb that trains, and prints the plan before and the table after."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

from corecbench.cli.options import (
    be_a_good_neighbour,
    config_option,
    device_option,
    discover,
    given,
    invocation,
    kept,
    old_setting,
    option,
    results_option,
    run_config,
    say,
    set_option,
    setting,
    several,
    split_options,
    together,
    verb,
)
from corecbench.cli.tables import INCOMPLETE, fitted, show_table

if TYPE_CHECKING:
    from pathlib import Path

    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan

WHAT, CONTROLS, RESULTS, MACHINE = "What", "Controls", "Results", "Machine"
FAILED = 1


run_options = together(
    several("--models", help="Domain models, such as sasrec,lightgcn.", kind="models", group=WHAT),
    several("--llm", "llms", help="LLMs: a name, or llama:PATH_OR_ID.", kind="llms", group=WHAT),
    several("--sharing", help="Sharing modules.  [default: bdlm]", kind="sharing", group=WHAT),
    setting("--seeds", metavar="0-2,5", help="Seeds; each cell is run once for each.  [default: 0]", group=WHAT),
    config_option("A run file, or one of `corecbench list benchmarks`."),
    set_option("Change one setting, also of the run, such as run.cell_timeout=60."),
    several(
        "--datasets", help="Names, or folders of atomic files.  [default: ml-100k]", kind="datasets", group="Data"
    ),
    split_options,
    several(
        *("--train-share", "train_shares"),
        help="Shares of the users that train, such as .1,.25,1; all are ranked.  [default: 1]",
        group="Data",
    ),
    several(
        *("--control", "controls"),
        help="Controls of every pair, such as shuffled-texts,bag-of-words.",
        kind="controls",
        group=CONTROLS,
    ),
    setting(
        "--ledger",
        is_flag=True,
        help="Train every pair under all controls of a ledger, and with nothing shared, too.",
        group=CONTROLS,
    ),
    setting(
        "--solo-llms/--no-solo-llms",
        help="Whether every LLM is also trained alone.  [default: solo-llms]",
        group=CONTROLS,
    ),
    setting(
        "--references/--no-references",
        help="Whether quick models without an LLM, such as popularity, run too.  [default: references]",
        group=CONTROLS,
    ),
    results_option,
    setting(
        "--benchmark",
        metavar="NAME",
        help="Name of the results and their folder.  [default: default]",
        group=RESULTS,
    ),
    setting(
        "--existing",
        metavar="skip|fail|replace|replace-damaged",
        help="What to do with cells that are stored; skip leaves damaged ones out.  [default: skip]",
        group=RESULTS,
    ),
    setting(
        "--keep-models",
        is_flag=True,
        help="Keep the models of each cell beside its results, to recommend by them.",
        group=RESULTS,
    ),
    option("--plan", "only_plan", is_flag=True, help="Print what would be done, and stop.", group=RESULTS),
    option(
        "-v/-q",
        "--verbose/--quiet",
        "verbose",
        default=None,
        help="Print a line for each epoch, or the table and errors only.",
        group=RESULTS,
    ),
    device_option,
    setting(
        "--jobs",
        type=int,
        metavar="N",
        help="Cells that run side by side.  [default: one for each core; one on a GPU]",
        group=MACHINE,
    ),
    setting("--threads", type=int, metavar="N", help="Threads of each cell.  [default: 1 on a CPU]", group=MACHINE),
    old_setting("--metrics", multiple=True),
    old_setting("--selection"),
    old_setting("--cold-items", type=float),
    old_setting("--top-k", type=int),
    old_setting("--checkpoint-minutes", type=float),
    old_setting("--cell-timeout", type=float),
    old_setting("--retry-failed", is_flag=True),
    old_setting("--processes", type=int),
    old_setting("--executor"),
    old_setting("--scheduler"),
    old_setting("--resource", "resources", multiple=True),
    old_setting("--tracker", "trackers", multiple=True),
    kept("--wide", is_flag=True, old="`corecbench report --set report.wide=true` after the run"),
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
    from corecbench.report.views.tables import main_table
    from corecbench.report.wording import one_line
    from corecbench.results.unstored import unstored

    be_a_good_neighbour()
    settings, quiet = run_config(), verbose is False
    experiment = prepare(settings, discover(), results, invocation().steps)
    if only_plan or not quiet:
        show_plan(experiment.plan)
    if only_plan:
        return 0
    with contextlib.redirect_stderr(io.StringIO()) if quiet else contextlib.nullcontext():
        records = experiment.run(progress=not quiet, every_epoch=bool(verbose), log=True)
    left_out, lost = experiment.plan.left_out, unstored(records, experiment.store)
    for reason in [*left_out.values(), *(f"{folder}: trained, but not stored" for folder in lost)]:
        say(f"left out: {one_line(reason)}", err=True)
    unwritten = bool(lost)
    if len(records) > len(lost):
        evidence, published = publish_run(experiment.host, experiment.store, records, settings.metrics, left_out)
        texts = fitted(experiment.host, published.texts["table"], main_table(evidence), bool(given("wide")))
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
        return "  failed before; --set run.retry_failed=true runs it again"
    return "  done" if cell.done else ""
