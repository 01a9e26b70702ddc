"""Puts the tables of results/perf into docs/performance.md and results/README.md.

python benchmarks/perf/write_page.py
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring.record import RESULTS, read
from measuring.table import processors, ratios, sides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "performance.md"
SIDES = ROOT / "results" / "README.md"
BEGIN = "<!-- The rest is written by benchmarks/perf/write_page.py. -->\n"


def tables(records: Sequence[Mapping[str, Any]]) -> str:
    """Return what the page about performance shows of all records."""
    parts = ["### Ratios", "", *ratios(records), "", "### Processors", "", *processors(records)]
    return "\n".join(parts) + "\n"


def seconds(records: Sequence[Mapping[str, Any]]) -> str:
    """Return what the page about stored results shows of all records."""
    return "\n".join(sides(records)) + "\n"


def rewritten(page: str, shown: str) -> str:
    """Return the page with its tables made anew."""
    head, _, _ = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{shown}"


if __name__ == "__main__":
    for page, make in ((PAGE, tables), (SIDES, seconds)):
        page.write_text(rewritten(page.read_text(encoding="utf-8"), make(read(RESULTS))), encoding="utf-8")
