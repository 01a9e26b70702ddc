"""Writes the tables and the page of stored results: `report_page.py RESULTS BENCHMARK`."""

import sys
from pathlib import Path

from command_line import run
from measuring.clock import report, timed


def main(results: str, benchmark: str) -> None:
    """Write them, and report what it took and how large the page is."""
    sys.argv = ["corecbench", "report", results, "--benchmark", benchmark, "--html"]
    _, cost = timed(run)
    page_bytes = (Path(results) / benchmark / "report.html").stat().st_size
    report(cost, ("corecbench", "matplotlib"), page_mb=page_bytes / 1e6)


if __name__ == "__main__":
    main(*sys.argv[1:])
