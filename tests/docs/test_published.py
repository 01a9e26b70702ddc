"""The tables in the page of the published results are those that `corecbench report --effects` wrote."""

import re
from pathlib import Path

import pytest

PUBLISHED = Path(__file__).parents[2] / "results" / "published"
SECTIONS = re.split(r"^## ", (PUBLISHED / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
BENCHMARKS = {section.partition(":")[0]: section for section in SECTIONS}


def rows(text):
    """Return the first table in a text that has data sets in its first column, as a dict for each row."""
    (lines, *_) = re.findall(r"^\| data set.*\n(?:\|.*\n)+", text, re.MULTILINE)
    plain = re.sub(r"\*\*|\\\*|</?u>| [↑↓]", "", lines)
    head, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in plain.splitlines())
    return [dict(zip(head, cells, strict=True)) for cells in body]


def shown(row):
    """Return what the page shows of a row of the table."""
    kind = next((row[name] for name in ("control", "sharing") if row.get(name, "-") not in ("-", "bdlm")), "-")
    return {
        **{name: row[name] for name in ("data set", "model", "side", "seeds", "HR@10", "NDCG@10", "p (Holm)")},
        "control or variant": kind,
        "change": row["NDCG@10 vs solo"],
        "95 % interval": row["95% interval (change)"].strip("[]").replace(", ", " to "),
    }


def test_every_benchmark_has_a_section():
    assert BENCHMARKS.keys() == {path.name for path in PUBLISHED.iterdir() if path.is_dir()}


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_page_shows_the_rows_of_the_table(benchmark):
    table = (PUBLISHED / benchmark / "table.md").read_text(encoding="utf-8")
    assert rows(BENCHMARKS[benchmark]) == [shown(row) for row in rows(table)]
