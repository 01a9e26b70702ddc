"""Puts the tables of results/perf into docs/performance.md.

python benchmarks/perf/write_page.py
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring.record import RESULTS, read
from measuring.table import processors, ratios, sides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN = "<!-- The rest is written by benchmarks/perf/write_page.py. -->\n"


def rewritten(page: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Return the page with its tables made anew."""
    head, _, _ = page.partition(BEGIN)
    tables = {"Ratios": ratios, "Each side": sides, "Processors": processors}
    parts = (part for name, make in tables.items() for part in ("", f"### {name}", "", *make(records)))
    return "\n".join([f"{head}{BEGIN.rstrip()}", *parts]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), read(RESULTS)), encoding="utf-8")
