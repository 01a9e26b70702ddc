"""Puts the tables of the published benchmarks into the page about them, with the columns a reader needs first.

    corecbench report results/published --benchmark three-datasets --effects --cost
    python benchmarks/page.py

What is replaced is the table of the models in each section, whose heading begins with the name of the benchmark,
and that of its ledger, where it has one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PUBLISHED = Path(__file__).parents[1] / "results" / "published"
PAGE = PUBLISHED / "README.md"
TABLE = re.compile(r"^\| data set.*\n(?:\|.*\n)+", re.MULTILINE)
MODELS = re.compile(r"^\| data set \| model \|.*\n(?:\|.*\n)+", re.MULTILINE)
LEDGER = re.compile(r"^\| data set \| side \|.*\n(?:\|.*\n)+", re.MULTILINE)


def first_table(text: str) -> str:
    """Return the first table in a text whose first column holds data sets."""
    (table, *_) = TABLE.findall(text)
    return table


def rows(table: str) -> list[dict[str, str]]:
    r"""Return the rows of a Markdown table by the names of its columns, without marks for the best.

    >>> rows("| data set | MRR ↑ |\n|---|---|\n| ml-100k | **.0432** |\n")
    [{'data set': 'ml-100k', 'MRR': '.0432'}]
    """
    plain = re.sub(r"\*\*|\\\*|</?u>| [↑↓]", "", table)
    head, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in plain.splitlines())
    return [dict(zip(head, cells, strict=True)) for cells in body]


def shown(row: dict[str, str]) -> dict[str, str]:
    """Return what the page shows of a row that `corecbench report` wrote."""
    kind = next((row[name] for name in ("control", "sharing") if row.get(name, "-") not in ("-", "bdlm")), "-")
    return {
        **{name: row[name] for name in ("data set", "model", "side")},
        "control or variant": kind,
        **{name: row[name] for name in ("seeds", "HR@10", "NDCG@10")},
        "change": row["NDCG@10 vs solo"],
        "95 % interval": row["95% interval (change)"].strip("[]").replace(", ", " to "),
        "p (Holm)": row["p (Holm)"],
    }


def shown_of_ledger(row: dict[str, str]) -> dict[str, str]:
    """Return what the page shows of a row of a ledger."""
    names = ("data set", "side", "model", "part", "row", "minus", "tells", "NDCG@10", "NDCG@10 minus", "difference")
    return {
        **{name: row[name] for name in names},
        "95% interval": row["95% interval"].strip("[]").replace(", ", " to "),
        **{name: row[name] for name in ("change", "p (Holm)", "finding")},
    }


def short(table: str, of_row: Callable[[dict[str, str]], dict[str, str]] = shown) -> str:
    """Return a table of a report as the page shows it."""
    body = [of_row(row) for row in rows(table)]
    head, *lines = (f"| {' | '.join(cells)} |\n" for cells in (body[0], *(row.values() for row in body)))
    return "".join([head, "|---" * len(body[0]), "|\n", *lines])


def rewritten(page: str) -> str:
    """Return the page with its tables made anew."""

    def section(text: str) -> str:
        folder = PUBLISHED / text.partition(":")[0]
        report = (folder / "table.md").read_text(encoding="utf-8")
        (table, *_) = MODELS.findall(text)
        text = text.replace(table, short(first_table(report)), 1)
        if not LEDGER.search(text):
            return text
        ledger = first_table((folder / "ledger.md").read_text(encoding="utf-8"))
        return LEDGER.sub(lambda _: short(ledger, shown_of_ledger), text, count=1)

    head, *sections = re.split(r"^## ", page, flags=re.MULTILINE)
    return "## ".join([head, *map(section, sections)])


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
