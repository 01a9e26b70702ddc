"""How a table is laid out: its columns, each as text to read and as numbers that are not rounded, and its marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from corecbench.api import Mark, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from corecbench.report.evidence.contrasts import Contrast

    Value = Callable[[Any], Any]
    """Takes what a line of a table is about, and returns the value of a cell, None if it has none."""

NONE = "-"
"""The text of a cell without a value."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    value: Value
    text: Callable[[Any], str] | None = str
    """value -> its text; None for a column that is among the exact values only."""
    exact: bool = True
    """Whether the column is among the exact values."""
    higher_is_better: bool | None = None
    """The direction of a metric; None for what is none."""
    contrast: Callable[[Any], Contrast | None] | None = None
    """Returns a contrast of a line; the cell is marked where that is significant."""
    among: Callable[[Any], Hashable] | None = None
    """Returns among which lines the two best values of a metric are marked; None for a line that takes no part."""
    of: Value | None = None
    """Returns what of a line the value is of, such as a contrast; None if there is nothing. By default the line."""

    def values(self, subjects: Sequence[Any]) -> list[Any]:
        owners = [self.of(each) for each in subjects] if self.of else subjects
        return [None if each is None else self.value(each) for each in owners]

    def marks(self, subjects: Sequence[Any], values: Sequence[Any]) -> dict[int, Mark]:
        """Return line -> what is special about its cell."""
        found: dict[int, Mark] = {}
        groups: dict[Hashable, dict[int, float]] = {}
        for number, (each, value) in enumerate(zip(subjects, values, strict=True)):
            if self.contrast and (contrast := self.contrast(each)) and contrast.is_significant:
                found[number] = "significant"
            if self.among and value is not None and (group := self.among(each)) is not None:
                groups.setdefault(group, {})[number] = value
        for measured in groups.values():
            found |= best_two(measured, bool(self.higher_is_better))
        return found


def best_two(values: Mapping[int, float], higher_is_better: bool) -> dict[int, Mark]:
    """Return which lines have the best and which the second best value; none where all are the same.

    >>> best_two({0: 0.1, 4: 0.3, 5: 0.2, 7: 0.3}, True)
    {4: 'best', 5: 'second', 7: 'best'}
    """
    order = sorted(set(values.values()), reverse=higher_is_better)[:2]
    if len(order) < 2:
        return {}
    names: dict[float, Mark] = dict(zip(order, ("best", "second"), strict=True))
    return {number: names[value] for number, value in values.items() if value in names}


def table(
    name: str,
    subjects: Iterable[Any],
    columns: Iterable[Column],
    caption: str = "",
    meanings: Mapping[Mark, str] = {},  # never changed
) -> Report:
    """Return a table with a line for each subject; `meanings` is mark -> what it means, of all it may have."""
    columns, subjects = list(columns), list(subjects)
    filled = [(column, column.values(subjects)) for column in columns]
    texts = [
        (column.name, [NONE if value is None else column.text(value) for value in values])
        for column, values in filled
        if column.text
    ]
    marks: dict[tuple[int, str], list[Mark]] = {
        (number, column.name): [mark]
        for column, values in filled
        for number, mark in column.marks(subjects, values).items()
    }
    used = {mark for of_cell in marks.values() for mark in of_cell}
    return Report(
        name,
        _frame(texts),
        _frame([(column.name, values) for column, values in filled if column.exact]),
        caption,
        marks,
        {mark: meaning for mark, meaning in meanings.items() if mark in used},
        {each.name: each.higher_is_better for each in columns if each.higher_is_better is not None},
    )


def _frame(columns: Sequence[tuple[str, Sequence[Any]]]) -> pd.DataFrame:
    # dtype=object keeps counts whole numbers where some are missing
    frame = pd.DataFrame({place: values for place, (_, values) in enumerate(columns)}, dtype=object)
    return frame.set_axis([name for name, _ in columns], axis="columns")
