"""Folds what a reader of the page needs second: long tables, and the findings after the first ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.report.page.blocks import Folded, Statements
from corecbench.report.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.report.page.blocks import Block, Grid, Statement

MOST_STATED = 24
"""The most findings that are seen at once."""


def folded(table: Grid) -> Folded:
    """Return a table under its label."""
    return Folded(f"Table: {table.label} ({number_of(len(table.rows), 'row')})", [table])


def stated(items: Sequence[Statement]) -> Iterator[Block]:
    """Yield findings, folded from the one after MOST_STATED on."""
    yield Statements(items[:MOST_STATED])
    if more := items[MOST_STATED:]:
        yield Folded(number_of(len(more), "more finding"), [Statements(more)])


def number_of(number: int, thing: str) -> str:
    """Return a number of things in words.

    >>> number_of(1, "row"), number_of(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count(number)} {thing}{'' if number == 1 else 's'}"
