"""Runs the command line in this process: `command_line.py ARGUMENTS ...`. What it prints is thrown away."""

import contextlib
import os
import sys

from corecbench.cli.main import main

DONE = (None, 0, 5)
"""Exit codes that are no failure; 5 says that rows lack a seed, as those of a cut-off grid do."""


def run() -> None:
    """Run the command. A failure is the end of this process."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            main()
        except SystemExit as end:
            if end.code not in DONE:
                raise


if __name__ == "__main__":
    sys.argv[0] = "corecbench"
    run()
