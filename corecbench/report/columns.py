"""The columns of a table, each as text to read and as numbers that are not rounded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from corecbench.report.wording import interval
from corecbench.stats.differences import FEWEST_DIFFERENT
from corecbench.stats.intervals import Interval

NONE = "-"
"""The text of a cell without a value."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    value: Callable[[Any], Any]
    """row -> the value of the cell, a number or text; None if it has none."""
    text: Callable[[Any], str] | None = str
    """value -> its text; None for a column that is among the exact values only."""
    exact: bool = True
    """Whether the column is among the exact values."""


def of_intervals(kind: str = "a paired t interval") -> str:
    """Return the sentence of a caption about `interval_columns`."""
    return (
        f"95% interval: of the difference, {kind} over users, not adjusted for the number of rows; {NONE} where "
        f"fewer than {FEWEST_DIFFERENT} users differ or all differ by the same"
    )


def interval_columns(value: Callable[[Any], Interval | None], subject: str = "") -> Iterator[Column]:
    """Yield the columns of a 95 % interval: one to read and two of exact values. `subject` ends their names."""

    def low(row: Any) -> float | None:
        ends = value(row)
        return ends and ends.low

    def high(row: Any) -> float | None:
        ends = value(row)
        return ends and ends.high

    yield Column(f"95% interval{subject}", value, interval, exact=False)
    yield Column(f"95% low{subject}", low, None)
    yield Column(f"95% high{subject}", high, None)


def lay_out(rows: Iterable[Any], columns: Sequence[Column]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the `frame` and the `values` of a `Report`."""
    cells = [[column.value(row) for column in columns] for row in rows]
    texts = [
        [
            NONE if value is None else column.text(value)
            for column, value in zip(columns, row, strict=True)
            if column.text
        ]
        for row in cells
    ]
    exact = [[value for column, value in zip(columns, row, strict=True) if column.exact] for row in cells]
    # dtype=object keeps counts whole numbers where some are missing
    return (
        pd.DataFrame(texts, columns=[column.name for column in columns if column.text], dtype=object),
        pd.DataFrame(exact, columns=[column.name for column in columns if column.exact], dtype=object),
    )
