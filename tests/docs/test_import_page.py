"""The page about imports names the columns and formats that there are."""

import re
from pathlib import Path

from corecbench.exchange.layouts import LAYOUTS
from corecbench.exchange.reading import NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")


def rows_of(heading):
    """Return the first cell of each row of a table -> the names in its second cell."""
    (table,) = re.findall(rf"^\| {re.escape(heading)} \|.*\n\|---.*\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    cells = [line.strip("|").split("|") for line in table.splitlines()]
    return {re.findall(r"`(\w+)`", first)[0]: re.findall(r"`([^`]+)`", second) for first, second in cells}


def test_the_names_of_columns_are_those_that_are_known():
    assert rows_of("column") == {column: list(names) for column, names in NAMES.items()}


def test_the_formats_are_those_of_splits():
    assert list(rows_of("`--format`")) == list(LAYOUTS)
