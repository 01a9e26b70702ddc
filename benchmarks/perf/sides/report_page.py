"""Writes the tables and the page of stored results: `report_page.py RESULTS BENCHMARK`. What it prints is lost."""

import contextlib
import io
import sys
from pathlib import Path

from measuring.clock import report, timed

from corecbench.cli.main import main as command_line


def write(results: str, benchmark: str) -> None:
    """Write tables and page. Without a page there is nothing to measure, so the exit code does not matter."""
    sys.argv = ["corecbench", "report", results, "--benchmark", benchmark, "--html"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        command_line()


def main(results: str, benchmark: str) -> None:
    """Report what it took, and how large the page is."""
    page = Path(results) / benchmark / "report.html"
    page.unlink(missing_ok=True)
    _, cost = timed(lambda: write(results, benchmark))
    report(cost, ("corecbench", "matplotlib"), page_mb=page.stat().st_size / 1e6)


if __name__ == "__main__":
    main(*sys.argv[1:])
