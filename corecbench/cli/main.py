"""The command line: verbs only. Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corecbench.api import CorecbenchError
from corecbench.cli.audit_verbs import audit
from corecbench.cli.author_verbs import check, new_plugin
from corecbench.cli.board_verb import board
from corecbench.cli.compare_verb import compare
from corecbench.cli.dataset_verbs import datasets
from corecbench.cli.describe_verb import describe
from corecbench.cli.encode_verb import encode
from corecbench.cli.exchange_verbs import import_, split
from corecbench.cli.model_verbs import recommend
from corecbench.cli.options import Verb, VerbGroup, common_options, discover
from corecbench.cli.report_verb import report
from corecbench.cli.reproduce_verb import reproduce
from corecbench.cli.results_verbs import results
from corecbench.cli.run_verb import run
from corecbench.cli.saying import LOST, lose, say
from corecbench.cli.signals import Terminated, ending_on_signals
from corecbench.cli.tune_verb import tune
from corecbench.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


FAILED, PLUGIN_BROKEN = 1, 3
LONGEST = 4000
"""Most characters of an error."""


class Verbs(VerbGroup):
    """A group that prints every error as one line and chooses the exit code."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run a verb and leave the process."""
        from corecbench.experiment.process import plain_warnings

        args = list(sys.argv[1:] if args is None else args)
        show_any_text()
        try:
            with plain_warnings(), ending_on_signals(complain_of_signal):
                code = super().main(args, *rest, **{**extra, "standalone_mode": False})
        except Terminated:
            code = complain_of_signal(signal.SIGTERM)
        except Exception as error:
            if "--traceback" in args:
                import traceback

                say("".join(traceback.format_exception(error)).rstrip(), err=True)
            code = complain(error)
        except KeyboardInterrupt:
            code = complain_of_signal(signal.SIGINT)
        sys.exit(code if isinstance(code, int) else 0)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs of each heading."""
        for heading, verbs in VERBS.items():
            with formatter.section(heading):
                formatter.write_dl([(str(verb.name), verb.get_short_help_str(90)) for verb in verbs])

    def invoke(self, context: click.Context) -> Any:
        code = super().invoke(context)
        return code or (FAILED if LOST in context.meta else code)


def show_any_text() -> None:
    """Let a character that the output's encoding lacks be "?", such as an arrow in one of Windows' code pages.

    What is written to a stream that was closed before the start goes nowhere.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - it stays open
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def complain(error: Exception) -> int:
    """Print what went wrong as one line on stderr; return the exit code."""
    if isinstance(error, BrokenPipeError):  # the reader of our output, such as `head`, has enough
        lose(error, sys.stdout)
        return FAILED
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx is not None:
        say(error.ctx.get_help())
        return 0
    if isinstance(error, click.Abort):
        return complain_of_signal(signal.SIGINT)
    if isinstance(error, CorecbenchError):
        text, code = str(error), error.exit_code
    elif isinstance(error, click.ClickException):
        text, code = error.format_message(), error.exit_code
        text = text[:1].lower() + text[1:].removesuffix(".")
    else:
        text, code = f"{type(error).__name__}: {error} (--traceback shows where)", FAILED
    from corecbench.toolkit.printable import one_line

    line = one_line(text)
    if len(line) > LONGEST:  # what came may be as long as a file
        line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
    say(f"error: {line}", err=True)
    return code


def complain_of_signal(number: int) -> int:
    what = "interrupted" if number == signal.SIGINT else "asked to end"
    say(f"error: {what}; the same command goes on where it stopped", err=True)
    return 128 + number


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="corecbench")
@common_options
def main() -> None:
    """Does training a recommender together with an LLM help either of them?"""


@click.command(cls=Verb)
def doctor() -> int:
    """Check the installation."""
    from corecbench.cli.doctor import examine

    host = discover(strict=False)
    for line in examine(host):  # one by one, since data sets are read
        say(line)
    ours = [info for info in host.plugins() if info.distribution == "corecbench"]
    return PLUGIN_BROKEN if any(info.error for info in ours) else 0


VERBS = {
    "Train": (run, tune, reproduce),
    "Read": (report, compare, board),
    "Check": (audit, check, doctor),
    "Data and results": (datasets, split, import_, encode, results),
    "Plugins": (describe, new_plugin),
    "Use": (recommend,),
}
"""Heading of the help -> verbs."""
for verb in (verb for verbs in VERBS.values() for verb in verbs):
    main.add_command(verb)
