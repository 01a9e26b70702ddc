"""Makes a table fit the width of a terminal: notes move below it, then columns are left out in a fixed order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from corecbench.report.views.columns import NONE
from corecbench.report.wording import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from corecbench.api import Report

NOTES = "notes"
LEFT_OUT = ("users", "95% interval", "p", "train s", "ms/user", "trainable", "parameters", "peak GiB", "seeds")
"""The columns that are left out first, in this order; then metrics are, from the right, but for the tested one."""


def fit(report: Report, width: int, render: Callable[[Report], str]) -> str:
    """Return a table as text with lines of at most `width` characters where that is possible.

    A line below the table names the columns that are left out. Columns that say what a row is always stay.

    Args:
        report: the table.
        width: characters of a line.
        render: gives the text of a table; its first lines, until an empty one, are the rows.
    """
    text, notes, missing = render(report), "", []
    metrics = [name for name in report.higher_is_better if name in report.frame]
    tested = [name for name in metrics if any(column.startswith(f"{name} ") for column in report.frame)]
    spare = [name for name in reversed(metrics) if name != (*tested, *metrics)[0]]
    candidates = [name for name in (NOTES, *LEFT_OUT, *spare) if name in report.frame]
    for name in candidates:
        if width_of(text) <= width:
            break
        if name == NOTES:
            notes = below(report)
        else:
            missing.append(name)
        report = without(report, name)
        text = render(report)
    hint = "(`corecbench report --set report.wide=true` shows all)"
    said = [f"left out to fit {width} columns: {', '.join(missing)} {hint}"] if missing else []
    return "\n".join(filter(None, [text.rstrip(), notes, *said])) + "\n"


def width_of(text: str) -> int:
    """Return the length of the longest line before the first empty one."""
    return max(map(len, text.split("\n\n")[0].splitlines()), default=0)


def without(report: Report, column: str) -> Report:
    """Return a table without a column."""
    marks = {place: each for place, each in report.marks.items() if place[1] != column}
    return replace(report, frame=report.frame.drop(columns=column), marks=marks)


def below(report: Report) -> str:
    """Return the notes of a table as lines, each with what its row is."""
    names = [name for name in ("data set", "model", "side", "sharing", "control") if name in report.frame]
    rows: Sequence[dict[str, str]] = report.frame.to_dict("records")
    return "\n".join(
        one_line(f"note on {', '.join(row[name] for name in names if row[name] != NONE)}: {row[NOTES]}")
        for row in rows
        if row[NOTES] not in ("", NONE)
    )
