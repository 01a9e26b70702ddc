"""Puts the tables of results/perf into docs/performance.md.

python benchmarks/perf/write_page.py
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring.record import RESULTS, read
from measuring.table import place, ratios, sides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN = "<!-- The rest is written by benchmarks/perf/write_page.py. -->\n"
NOTHING = "Nothing is stored yet."


def tables(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the tables of all records as text of the page."""
    if not records:
        return f"{NOTHING}\n"
    parts = ["### Ratios", "", *ratios(records), "", "### Each side", "", *sides(records), "", "### Remarks", ""]
    for record in records:
        parts.append(place(record))
        for comparison in record["comparisons"]:
            remarks = [*comparison["notes"], *(f"Checked: {check}." for check in comparison["checks"])]
            parts += [f"    - {comparison['name']}: {remark}" for remark in remarks]
    return "\n".join(parts) + "\n"


def rewritten(page: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Return the page with its tables made anew."""
    head, _, _ = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{tables(records)}"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), read(RESULTS)), encoding="utf-8")
