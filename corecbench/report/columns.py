"""The columns of a table, each as text to read and as numbers that are not rounded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from corecbench.report.comparison import FEWEST_SEEDS
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


def t_intervals(lacks_seeds: Iterable[bool]) -> str:
    """Return over what some t intervals are.

    >>> t_intervals([False]), t_intervals([True])
    ('t over users and seeds', 't over users, for these trained models')

    Args:
        lacks_seeds: of each, whether it is over users alone although models were trained.
    """
    found = set(lacks_seeds)
    if found == {True}:
        return "t over users, for these trained models"
    few = f"; where fewer than {FEWEST_SEEDS} seeds rank the same users, over users, for these trained models"
    return f"t over users and seeds{few if True in found else ''}"


def of_intervals(kind: str) -> str:
    """Return the sentence of a caption about `interval_columns`, whose intervals are of a kind."""
    return (
        f"95% interval: of the difference ({kind}), not adjusted for the number of rows; {NONE} where "
        f"fewer than {FEWEST_DIFFERENT} users differ or all differ by the same"
    )


def interval_columns(value: Callable[[Any], Interval | None]) -> Iterator[Column]:
    """Yield the columns of a 95 % interval: one to read and two of exact values."""

    def low(row: Any) -> float | None:
        ends = value(row)
        return ends and ends.low

    def high(row: Any) -> float | None:
        ends = value(row)
        return ends and ends.high

    yield Column("95% interval", value, interval, exact=False)
    yield Column("95% low", low, None)
    yield Column("95% high", high, None)


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
