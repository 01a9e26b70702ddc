"""The command line: verbs only. Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corecbench import __version__
from corecbench.api import CorecbenchError, UsageError
from corecbench.author_verbs import check, new_plugin
from corecbench.dataset_verbs import datasets
from corecbench.kinds import KINDS
from corecbench.options import Command, common_options, data_dir_option, discover, statistics_options
from corecbench.recommend_verb import recommend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from corecbench.plan import Plan

SHOWN = ("HR@10", "NDCG@10", "MRR")
"""Metrics of the table; every other one can be computed from the stored ranks at any time."""

FAILED, PLUGIN_BROKEN, INCOMPLETE, INTERRUPTED = 1, 3, 5, 130


class Verbs(click.Group):
    """A group that prints every error as one line and chooses the exit code."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run a verb and leave the process."""
        args = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(args, *rest, **{**extra, "standalone_mode": False})
        except Exception as error:
            if "--traceback" in args:
                import traceback

                traceback.print_exception(error)
            code = complain(error)
        except KeyboardInterrupt:
            code = complain(click.Abort())
        sys.exit(code if isinstance(code, int) else 0)


def complain(error: Exception) -> int:
    """Print what went wrong as one line on stderr; return the exit code."""
    if isinstance(error, BrokenPipeError):  # the reader of our output, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if isinstance(error, click.Abort):
        text, code = "interrupted; the same command goes on where it stopped", INTERRUPTED
    elif isinstance(error, CorecbenchError):
        text, code = str(error), error.exit_code
    elif isinstance(error, click.ClickException):
        text, code = error.format_message(), error.exit_code
        text = text[:1].lower() + text[1:].removesuffix(".")
    else:
        text, code = f"{type(error).__name__}: {error} (--traceback shows where)", FAILED
    click.echo(f"error: {' '.join(text.split())}", err=True)
    return code


def run_options(command: Command) -> Command:
    """Add the options that say what is run; one that is not given is None."""

    def several(*names: str, text: str) -> Callable[[Command], Command]:
        return click.option(*names, multiple=True, metavar="A,B", help=text)

    for option in reversed(
        (
            several("--models", text="Domain models, such as sasrec,lightgcn."),
            several("--llm", "llms", text="LLMs: a name, or llama:PATH_OR_ID."),
            several("--sharing", text="Sharing modules.  [default: bdlm]"),
            several("--control", "controls", text="Pairs also with: shuffled-texts, untrained-llm, no-mutual."),
            several("--datasets", text="Names, or folders of atomic files.  [default: ml-100k]"),
            click.option("--seeds", metavar="0-2,5", help="Each cell is run once per seed.  [default: 0]"),
            several("--metrics", text="Metrics, such as HR@10,MRR."),
            click.option("--max-history", type=int, metavar="N", help="Items of a history.  [default: 50]"),
            click.option("--k-core", type=int, metavar="K", help="Fewest rows of a user or an item.  [default: 0]"),
            click.option("--top-k", type=int, metavar="K", help="Best items stored per user.  [default: 10]"),
            click.option("--benchmark", metavar="NAME", help="Names the results.  [default: default]"),
            click.option("--existing", metavar="skip|fail|replace", help="What is done already.  [default: skip]"),
            click.option("--device", metavar="NAME", help="Such as cuda.  [default: cpu]"),
        )
    ):
        command = option(command)
    return command


results_option = click.option(
    "--results",
    default="results",
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where results are stored.",
)


format_option = click.option(
    "--format",
    "format_",
    default="text",
    show_default=True,
    metavar="NAME",
    help="Such as markdown, latex, html, csv or json (`corecbench list reporters`).",
)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="corecbench")
@common_options
@click.pass_context
def main(context: click.Context, files: tuple[str, ...], blocked: tuple[str, ...]) -> None:
    """Does training a recommender together with an LLM help either of them?"""
    context.obj = (files, blocked)


for verb in (datasets, recommend, check, new_plugin):
    main.add_command(verb)


@main.command()
@run_options
@data_dir_option
@results_option
@click.option("--config", metavar="FILE.toml", type=click.Path(path_type=Path), help="Settings of a run.")
@click.option("--set", "sets", multiple=True, metavar="COMPONENT.KEY=VALUE", help="Change one setting.")
@click.option("--plan", "only_plan", is_flag=True, help="Print what would be done, and stop.")
@common_options
def run(
    files: tuple[str, ...],
    blocked: tuple[str, ...],
    results: Path,
    config: Path | None,
    sets: tuple[str, ...],
    only_plan: bool,
    **options: Any,
) -> int:
    """Train models alone and with LLMs, and compare them.

    Prints the plan first and the table last, and stores the rank of every user's held-out item.
    The same command goes on where it stopped.
    """
    from corecbench.config import METRICS, load

    settings = load(config, {key: None if value == () else value for key, value in options.items()}, sets)
    if not settings.models and not settings.llms:
        raise UsageError("nothing to run; give --models, --llm or both (`corecbench list models` shows some)")
    host = discover(files, blocked)
    host.check_settings(settings)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else a busy neighbour slows each step several times

    from corecbench.plan import make_plan
    from corecbench.results import Store

    store = Store(results, settings.benchmark)
    plan = make_plan(settings, host, store)
    show_plan(plan)
    if only_plan:
        return 0

    from corecbench.progress import shown
    from corecbench.publish import publish, stored
    from corecbench.report.per_user import ReadOnce
    from corecbench.run import run as run_plan

    with shown(host, [cell for cell in plan.cells if not cell.done]):
        records = run_plan(plan, host, store)
    metrics = SHOWN if settings.metrics == METRICS else settings.metrics
    published = publish(host, ReadOnce(results, settings.benchmark), stored(store, records), metrics)
    show_table(published.texts, published.errors, "text")
    click.echo(f"written to {published.folder}: {', '.join(path.name for path in published.paths)}")
    return FAILED if any(record["status"] == "failed" for record in records) else 0


def show_table(texts: Mapping[str, str], errors: Mapping[str, CorecbenchError], format_: str) -> None:
    """Print a table, and a warning for each other format whose reporter failed."""
    for name, error in errors.items():
        if name == format_:
            raise error
        click.echo(f"warning: {error}", err=True)
    click.echo(texts[format_].rstrip())


def show_plan(plan: Plan) -> None:
    """Print the cells, what is done already and what will be downloaded."""
    done = sum(cell.done for cell in plan.cells)
    click.echo(f"plan: {len(plan.cells)} cells, {done} done already")
    width = max((len(cell.name) for cell in plan.cells), default=0)
    for cell in plan.cells:
        state = "  done" if cell.done else ""
        click.echo(f"  {cell.dataset.name}  {cell.name:{width}}  seed {cell.seed}{state}")
    for line in plan.downloads or ["nothing"]:
        click.echo(f"to download: {line}")
    for line in plan.notes:
        click.echo(f"note: {line}")


@main.command()
@click.argument("folder", required=False, metavar="[RESULTS_DIR]", type=click.Path(path_type=Path))
@results_option
@click.option("--benchmark", metavar="NAME", help="Whose results.  [default: default, or the only one]")
@format_option
@click.option("--metrics", default=",".join(SHOWN), show_default=True, metavar="A,B", help="Columns.")
@statistics_options
@click.option("--effects", is_flag=True, help="Also show effect sizes with intervals, power and equivalence.")
@click.option("--cost", is_flag=True, help="Also show times, parameters and memory.")
@click.option("--slices", is_flag=True, help="Print whom it helps: effects by history length and item frequency.")
@click.option("--plots", is_flag=True, help="Also draw, as SVG and PNG in the folder plots beside the tables.")
@click.option("--html", is_flag=True, help="Also write all of it as one page, report.html beside the tables.")
@click.option("--leaderboard", is_flag=True, help="Instead rank all rows over all data sets, of all benchmarks.")
@common_options
def report(
    files: tuple[str, ...],
    blocked: tuple[str, ...],
    folder: Path | None,
    results: Path,
    benchmark: str | None,
    format_: str,
    metrics: str,
    test: str,
    correction: str,
    margin: float,
    effects: bool,
    cost: bool,
    slices: bool,
    plots: bool,
    html: bool,
    leaderboard: bool,
) -> int:
    """Print the table of stored results again, and write it in every format.

    RESULTS_DIR is where results are stored, or the folder of one benchmark there. Nothing is trained.
    """
    from corecbench.publish import plot, publish, rank, write_page
    from corecbench.report.comparison import Method
    from corecbench.report.per_user import ReadOnce
    from corecbench.results import choose, stores
    from corecbench.values import names

    method = Method(test, correction, margin)
    host = discover(files, blocked)
    host.select("reporters", format_, {})
    found = stores(folder or results)
    if leaderboard:
        if effects or cost or slices or plots or html:
            raise UsageError(
                "--leaderboard is a table of its own; leave out --effects, --cost, --slices, --plots and --html"
            )
        ranked = found if benchmark is None else [choose(found, benchmark)]
        written, is_complete = rank(host, ranked, names(metrics), folder or results)
        show_table(written.texts, written.errors, format_)
        return 0 if is_complete else INCOMPLETE
    chosen = choose(found, benchmark)
    store = ReadOnce(chosen.root, chosen.benchmark)
    entries = list(store.records())
    published = publish(host, store, entries, names(metrics), cost, effects, method)
    show_table(published.slices if slices else published.texts, published.errors, format_)
    if plots:
        written = plot(host, store, entries, names(metrics))
        for name, reason in written.skipped.items():
            click.echo(f"no plot {name}: {reason}", err=True)
        click.echo(f"written to {written.folder}: {len(written.paths)} files", err=True)
    if html:
        click.echo(f"written to {write_page(host, store, entries, published, effects)}", err=True)
    return 0 if published.complete else INCOMPLETE


@main.command()
@click.argument("folders", nargs=-1, required=True, metavar="RESULTS_DIR...", type=click.Path(path_type=Path))
@click.option("--baseline", required=True, metavar="CELL", help="Such as sasrec, or sasrec+llama+bdlm:llm.")
@click.option("--cells", metavar="A,B", help="Compare only these.  [default: all]")
@click.option("--datasets", metavar="A,B", help="Only on these.  [default: all]")
@click.option("--metric", default="NDCG@10", show_default=True, metavar="NAME", help="What is compared.")
@statistics_options
@format_option
@common_options
def compare(
    files: tuple[str, ...],
    blocked: tuple[str, ...],
    folders: tuple[Path, ...],
    baseline: str,
    cells: str | None,
    datasets: str | None,
    metric: str,
    test: str,
    correction: str,
    margin: float,
    format_: str,
) -> None:
    """Compare any stored cells with one of them, paired over users.

    RESULTS_DIR is where results are stored, or the folder of one benchmark there. Cells are named as they are
    stored, with the side of a pair after a colon, and BENCHMARK/ before them where several have the same.
    """
    from corecbench.publish import render, unshared
    from corecbench.report import compare
    from corecbench.report.comparison import Method
    from corecbench.results import stores
    from corecbench.values import names

    method = Method(test, correction, margin)
    host = discover(files, blocked)
    built = host.build(host.select("metrics", metric, {}))
    entries = {store: list(store.records()) for folder in folders for store in stores(folder)}
    found = compare.build(
        entries,
        baseline,
        metric,
        built,
        names(cells or ""),
        names(datasets or ""),
        method,
        unshared(host, (entry for of_store in entries.values() for entry in of_store)),
    )
    click.echo(render(host, format_, compare.report(found))[1].rstrip())


@main.command("list")
@click.argument("kind", required=False, metavar="[KIND]", type=click.Choice((*KINDS, "plugins")))
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all settings.")
@common_options
def list_(files: tuple[str, ...], blocked: tuple[str, ...], kind: str | None, as_json: bool) -> None:
    """List what can be chosen, or the plugins.

    KIND is models, llms, sharing, datasets, metrics, reporters or plugins; all components are listed without one.
    """
    from corecbench.listing import components, plugins, show

    host = discover(files, blocked, strict=False)
    kinds = KINDS if kind is None else (kind,)
    show(plugins(host) if kind == "plugins" else components(host, kinds, whole=as_json), as_json)


@main.command()
@common_options
def doctor(files: tuple[str, ...], blocked: tuple[str, ...]) -> int:
    """Show what works here and what is missing."""
    from corecbench.doctor import examine

    host = discover(files, blocked, strict=False)
    for line in examine(host):
        click.echo(line)
    ours = [info for info in host.plugins() if info.distribution == "corecbench"]
    return PLUGIN_BROKEN if any(info.error for info in ours) else 0
