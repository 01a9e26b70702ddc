"""The command line: verbs only. Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corecbench import __version__
from corecbench.api import CorecbenchError
from corecbench.author_verbs import check, new_plugin
from corecbench.dataset_verbs import datasets
from corecbench.kinds import KINDS
from corecbench.options import Command, common_options, data_dir_option, discover, results_option
from corecbench.recommend_verb import recommend
from corecbench.report_verbs import compare, report, show_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from corecbench.plan import Plan

FAILED, PLUGIN_BROKEN, INTERRUPTED = 1, 3, 130


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
            several("--tracker", "trackers", text="Told of every epoch, such as mlflow,tensorboard."),
        )
    ):
        command = option(command)
    return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="corecbench")
@common_options
@click.pass_context
def main(context: click.Context, files: tuple[str, ...], blocked: tuple[str, ...]) -> None:
    """Does training a recommender together with an LLM help either of them?"""
    context.obj = (files, blocked)


for verb in (report, compare, datasets, recommend, check, new_plugin):
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
    from corecbench.config import load
    from corecbench.experiment import prepare

    settings = load(config, {key: None if value == () else value for key, value in options.items()}, sets)
    experiment = prepare(settings, discover(files, blocked), results)
    show_plan(experiment.plan)
    if only_plan:
        return 0
    finished = experiment.run(progress=True)
    published = finished.published
    show_table(published.texts, published.errors, "text")
    click.echo(f"written to {published.folder}: {', '.join(path.name for path in published.paths)}")
    return FAILED if any(record["status"] == "failed" for record in finished.records) else 0


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


@main.command("list")
@click.argument("kind", required=False, metavar="[KIND]", type=click.Choice((*KINDS, "plugins")))
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all settings.")
@common_options
def list_(files: tuple[str, ...], blocked: tuple[str, ...], kind: str | None, as_json: bool) -> None:
    """List what can be chosen, or the plugins.

    KIND is models, llms, sharing, datasets, metrics, reporters, trackers or plugins. Without one, all but plugins
    are listed.
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
