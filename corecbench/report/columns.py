"""The columns of a table, each as text to read and as numbers that are not rounded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from corecbench.report.wording import interval
from corecbench.stats.intervals import FEWEST_DIFFERENT, Interval

NONE = "-"
"""What is shown where a row has no value."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    value: Callable[[Any], Any]
    """row -> a number or text, or None."""
    text: Callable[[Any], str] | None = str
    """value -> how it is shown; None for a column that is among the numbers only."""
    exact: bool = True
    """Whether it is among the numbers."""


def of_intervals(kind: str = "a paired t interval") -> str:
    """Return what a caption says of `interval_columns`."""
    return (
        f"95% interval: of the difference, {kind} over users, not adjusted for the number of rows; {NONE} where "
        f"fewer than {FEWEST_DIFFERENT} users differ or all differ by the same"
    )


def interval_columns(value: Callable[[Any], Interval | None], of: str = "") -> Iterator[Column]:
    """Yield the columns of an interval at 95 %: one to read, and two of numbers; `of` ends their names."""

    def end(name: str) -> Callable[[Any], float | None]:
        return lambda row: None if value(row) is None else getattr(value(row), name)

    yield Column(f"95% interval{of}", value, interval, exact=False)
    yield Column(f"95% low{of}", end("low"), None)
    yield Column(f"95% high{of}", end("high"), None)


def lay_out(rows: Iterable[Any], columns: Sequence[Column]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the `frame` and the `values` of a `Report`."""
    cells = [[column.value(row) for column in columns] for row in rows]
    shown = [
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
        pd.DataFrame(shown, columns=[column.name for column in columns if column.text], dtype=object),
        pd.DataFrame(exact, columns=[column.name for column in columns if column.exact], dtype=object),
    )
