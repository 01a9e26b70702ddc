"""How verbs print."""

from __future__ import annotations

import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

import click

from corecbench.toolkit import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LOST = "corecbench.lost"
"""Where the context notes that something could not be printed."""


def say(*lines: str, err: bool = False) -> None:
    """Print lines, which may hold what comes from anywhere, without characters that control a terminal.

    Where they can no longer be written, such as behind `head` or on a full disk, the verb goes on without a word:
    hours of training must not be lost for a line. Its exit code is that of a failure.
    """
    for line in lines:
        try:
            click.echo(printable(line, kept="\n\t"), err=err)
        except OSError as error:
            lose(error, sys.stderr if err else sys.stdout)


def lose(error: OSError, stream: TextIO) -> None:
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[LOST] = True
    if stream is sys.stdout and not isinstance(error, BrokenPipeError):
        say(f"warning: nothing more can be written to stdout ({error.strerror})", err=True)


def say_reasons(word: str, reasons: Iterable[str]) -> int:
    from corecbench.toolkit.printable import one_line

    each_once = dict.fromkeys(reasons)
    say(*(f"{word}: {one_line(reason)}" for reason in each_once), err=True)
    return len(each_once)


def now_and_then(line: Callable[..., str], clock: Callable[[], float] = time.monotonic) -> Callable[..., None]:
    """Return what says on stderr how far long work is, in a line of its arguments: at once, then now and then."""
    from corecbench.experiment.progress import QUIET_S

    last = -math.inf

    def tell(*progress: Any) -> None:
        nonlocal last
        if clock() - last >= QUIET_S:
            last = clock()
            say(line(*progress), err=True)

    return tell
