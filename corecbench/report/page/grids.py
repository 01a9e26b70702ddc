"""Turns tables for reporters into tables of the page."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from corecbench.api import Report, Style
from corecbench.report.columns import NONE
from corecbench.report.page.blocks import Field, Grid, Head, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

STYLE = Style(
    escape,
    best="<strong>{}</strong>",
    second="<u>{}</u>",
    significant="{}<sup>*</sup>",
    higher="{}&nbsp;<span title='higher is better'>&uarr;</span>",
    lower="{}&nbsp;<span title='lower is better'>&darr;</span>",
)
NUMBER = re.compile(r"\[?([-+]?\d*\.?\d+)")


def part(report: Report, rows: Sequence[int], leave_out: Collection[str] = ()) -> Report:
    """Return some rows of a table, without some columns."""
    columns = [column for column in report.frame if column not in leave_out]
    place = {row: number for number, row in enumerate(rows)}
    marks = {
        (place[row], column): marks_of_cell
        for (row, column), marks_of_cell in report.marks.items()
        if row in place and column in columns
    }
    return replace(
        report,
        frame=report.frame.iloc[list(rows)].reset_index(drop=True)[columns],
        values=report.values.iloc[list(rows)].reset_index(drop=True),
        marks=marks,
    )


def on(report: Report, dataset: str) -> Report:
    """Return the rows on one data set, without its name and without columns that have nothing to say there."""
    rows = [number for number, name in enumerate(report.frame["data set"]) if name == dataset]
    empty = [
        column
        for column in ("control", "notes")
        if column in report.frame and set(report.frame[column].iloc[rows]) <= {NONE, ""}
    ]
    return part(report, rows, leave_out=["data set", *empty])


def grid(report: Report, label: str) -> Grid:
    """Return a table as one of the page."""
    cells, _ = report.styled(STYLE)
    numeric = {
        column for column in report.frame if column in report.numeric or _begins_with_numbers(report, column)
    }
    heads = [
        Head(Markup(markup), column in numeric, report.higher_is_better.get(column, False))  # noqa: S704  # `styled` escaped it
        for column, markup in zip(report.frame, cells, strict=True)
    ]
    rows = [
        [
            Field(Markup(markup), _order(report, number, column, column in numeric))  # noqa: S704  # `styled` escaped it
            for column, markup in zip(report.frame, line, strict=True)
        ]
        for number, line in enumerate(cells.to_numpy().tolist())
    ]
    return Grid(label, heads, rows)


def note(report: Report) -> Text:
    """Return the caption of a table with the legend of its marks."""
    return Text(Markup(report.styled(STYLE)[1]), is_note=True)  # noqa: S704  # `styled` escaped it


def _begins_with_numbers(report: Report, column: str) -> bool:
    """Return whether a column without exact values, such as one of intervals, can be sorted by its numbers."""
    return column not in report.values and any(map(NUMBER.match, report.frame[column]))


def _order(report: Report, row: int, column: str, is_number: bool) -> float | str | None:
    """Return the number or text that a cell is sorted by."""
    text = str(report.frame[column].iloc[row])
    if text in (NONE, ""):
        return None
    if not is_number:
        return text
    if column in report.values:
        return float(report.values[column].iloc[row])
    number = NUMBER.match(text)
    return float(number[1]) if number else None
