"""What a table is on a terminal: as wide as the terminal is."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.api import Report
    from corecbench.plugin.host import Host

TEXT = "text"
"""The format that is made to fit; others are for files."""

wide_option = click.option("--wide", is_flag=True, help="Print all columns, also if the terminal is narrower.")


def fitted(host: Host, texts: Mapping[str, str], report: Report, wide: bool) -> Mapping[str, str]:
    """Return the texts of a table, with that of `TEXT` as wide as the terminal; the same without a terminal."""
    from corecbench.report.fitting import fit
    from corecbench.report.formats import render

    if wide or TEXT not in texts or not sys.stdout.isatty():
        return texts
    width = shutil.get_terminal_size().columns
    return {**texts, TEXT: fit(report, width, lambda narrower: render(host, TEXT, narrower)[1])}
