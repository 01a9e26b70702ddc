"""Metrics, and tables on their way to reporters."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import pandas as pd


class RankMetric(Protocol):
    """A value per user, computed from the rank of the held-out item."""

    higher_is_better: bool

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U] that start at 1."""
        ...


@dataclass(frozen=True, eq=False)
class Lists:
    """The best items of every tested user, and how often items occur in training."""

    items: np.ndarray
    """int64 [U, at most k], item indices, best first; 0 where a user has fewer candidates."""
    target: np.ndarray
    """int64 [U], the held-out items."""
    rank: np.ndarray
    """int64 [U], theirs, from 1; ties count against the model, so one on a list can have a rank beyond it."""
    frequency: np.ndarray
    """int64 [N+1], interactions of each item in training, 0 for padding."""


class ListMetric(Protocol):
    """A value per user, computed from the user's best items."""

    higher_is_better: bool
    k: int
    """How many of a user's best items it reads."""

    def per_list(self, lists: Lists) -> np.ndarray:
        """Return float64 [U]."""
        ...


class OverallMetric(Protocol):
    """One value of the lists of all users together; nothing can be tested over users."""

    higher_is_better: bool
    k: int
    """How many of a user's best items it reads."""

    def overall(self, lists: Lists) -> float:
        """Return the value; the order of the users does not matter."""
        ...


Metric = RankMetric | ListMetric | OverallMetric
"""A metric has one of the methods `per_user`, `per_list` and `overall`."""

Mark = Literal["best", "second", "significant"]
"""What can be special about a cell of a table."""


@dataclass(frozen=True)
class Style:
    """How a format writes text, marked cells and the direction of a metric; "{}" stands for what is marked."""

    escape: Callable[[str], str] = str
    """Makes text safe to stand in the format; called for every cell, header and the caption before it is marked."""
    best: str = "{}"
    second: str = "{}"
    significant: str = "{}*"
    higher: str = "{} ↑"
    """Format of a metric's header where higher is better."""
    lower: str = "{} ↓"


@dataclass(frozen=True, eq=False)
class Report:
    """A table on its way to a reporter. `frame` and `caption` are enough for a simple one."""

    name: str
    """Name of the table, such as "table"; its files are named like it."""
    frame: pd.DataFrame
    """str, cells formatted for reading, without marks."""
    values: pd.DataFrame
    """The same rows as numbers that are not rounded; None where there is none. A column of `frame` that has several
    numbers in a cell, such as an interval, has a column here for each."""
    caption: str
    marks: Mapping[tuple[int, str], Sequence[Mark]] = field(default_factory=dict)
    """(row from 0, column of `frame`) -> what is special about the cell."""
    legend: Mapping[Mark, str] = field(default_factory=dict)
    """Mark -> what it means, for every mark of the table."""
    higher_is_better: Mapping[str, bool] = field(default_factory=dict)
    """Column of `frame` -> direction, for the metrics."""

    @cached_property
    def numeric(self) -> list[str]:
        """The columns of `frame` that hold numbers and no text, which formats align to the right."""
        found = {column: self.values[column].dropna() for column in self.frame if column in self.values}
        return [
            column
            for column, values in found.items()
            if len(values) and not values.map(lambda value: isinstance(value, str)).any()
        ]

    def styled(self, style: Style) -> tuple[pd.DataFrame, str]:
        """Return the cells and headers in a format's style, and the caption with the legend of the marks."""
        cells = self.frame.map(style.escape)
        for (row, column), marks in self.marks.items():
            place = row, self.frame.columns.get_loc(column)
            for mark in marks:
                cells.iloc[place] = getattr(style, mark).format(cells.iloc[place])
        directions = {True: style.higher, False: style.lower, None: "{}"}
        cells.columns = [
            directions[self.higher_is_better.get(column)].format(style.escape(column)) for column in self.frame
        ]
        shown = [(mark, getattr(style, mark), meaning) for mark, meaning in self.legend.items()]
        legend = [f"{sign.format(mark)}: {style.escape(meaning)}." for mark, sign, meaning in shown if sign != "{}"]
        return cells, " ".join([style.escape(self.caption), *legend])


class Reporter(Protocol):
    """Writes a table in one format."""

    suffix: str
    """Suffix of the file that the text goes to, such as "md"."""

    def render(self, report: Report) -> str:
        """Return the text."""
        ...
