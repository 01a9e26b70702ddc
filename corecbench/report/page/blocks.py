"""The blocks of a section of the page. The macro of the same name in templates/blocks.html draws each."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from markupsafe import Markup

from corecbench.api import Report, Style
from corecbench.report.views.layout import NONE
from corecbench.report.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.report.evidence.contrasts import Verdict
    from corecbench.report.evidence.ledger import Finding


@dataclass(frozen=True)
class Heading:
    """The start of a part of a section."""

    text: str
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    is_note: bool = False
    """Whether the paragraph is a detail for readers who want to know exactly."""
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Statement:
    """The finding of one comparison, in a sentence."""

    verdict: Finding | Literal["missing"]
    text: str
    asides: Sequence[str] = ()
    """Further sentences that belong to the finding, such as those about controls."""


@dataclass(frozen=True)
class Statements:
    """A list of findings."""

    items: Sequence[Statement]
    kind: ClassVar[str] = "statements"


@dataclass(frozen=True)
class Answer:
    """Whether one model helps another, and why."""

    question: str
    verdict: Verdict | Literal["missing"]
    said: str
    """Yes, no, or that it cannot be told."""
    because: str
    more: Sequence[str]
    figures: Block | None
    """A table of what the answer rests on."""


@dataclass(frozen=True)
class Answers:
    """Answers in boxes."""

    items: Sequence[Answer]
    kind: ClassVar[str] = "answers"


@dataclass(frozen=True)
class Head:
    """A column of a grid."""

    markup: Markup
    is_number: bool
    descends: bool
    """Whether sorting by the column begins with the largest value."""


@dataclass(frozen=True)
class Field:
    """A cell of a grid."""

    markup: Markup
    order: int | None = None
    """The place of the cell's number among those of the column, from 0. None for text, which is sorted as it is
    shown, and for a cell without a value, which comes last in either order."""


@dataclass(frozen=True)
class Grid:
    """A table that can be sorted."""

    label: str
    """A description of the table for readers who do not see it."""
    heads: Sequence[Head]
    rows: Sequence[Sequence[Field]]
    kind: ClassVar[str] = "grid"

    @property
    def numbers(self) -> list[int]:
        return [place for place, head in enumerate(self.heads, start=1) if head.is_number]


@dataclass(frozen=True)
class Facts:
    """A small table of names and values."""

    title: str
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class FactSheets:
    """Several small tables side by side."""

    sheets: Sequence[Facts]
    kind: ClassVar[str] = "fact_sheets"


@dataclass(frozen=True)
class Picture:
    """A plot."""

    title: str
    drawing: Markup
    caption: str
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True)
class Code:
    """Text to copy, such as a command."""

    label: str
    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Folded:
    """Details that are seen when their title is opened. A link to them, or printing, opens them, too."""

    title: str
    blocks: Sequence[Block]
    kind: ClassVar[str] = "folded"


Block = Heading | Text | Statements | Answers | Grid | FactSheets | Picture | Code | Folded


@dataclass(frozen=True)
class Section:
    """A part of the page that the table of contents leads to."""

    name: str
    """The address of the section in the page."""
    title: str
    blocks: Sequence[Block]
    folded: bool = False
    """Whether only the title is seen at first. A link to the section opens it."""


# --- tables -------------------------------------------------------------------------------------------------------


STYLE = Style(
    escape,
    best="<strong>{}</strong>",
    second="<u>{}</u>",
    significant="{}<sup>*</sup>",
    higher="{}&nbsp;<span title='higher is better'>&uarr;</span>",
    lower="{}&nbsp;<span title='lower is better'>&darr;</span>",
)
MOST_STATED = 24
"""The most findings that are seen at once."""
NUMBER = re.compile(r"\[?([-+]?\d*\.?\d+)")


def on(report: Report, dataset: str) -> Report:
    """Return the rows on one data set, without its name and without columns that have nothing to say there."""
    place = {row: n for n, row in enumerate(np.flatnonzero(report.frame["data set"] == dataset).tolist())}
    frame, values = (each.iloc[list(place)].reset_index(drop=True) for each in (report.frame, report.values))
    empty = [name for name in ("control", "notes") if name in frame and set(frame[name]) <= {NONE, ""}]
    frame = frame.drop(columns=["data set", *empty])
    marks = {
        (place[row], name): marks for (row, name), marks in report.marks.items() if row in place and name in frame
    }
    return replace(report, frame=frame, values=values, marks=marks)


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
    columns = [
        [
            Field(Markup(markup), place)  # noqa: S704  # `styled` escaped it
            for markup, place in zip(cells.iloc[:, number], _places(report, column, column in numeric), strict=True)
        ]
        for number, column in enumerate(report.frame)
    ]
    return Grid(label, heads, list(zip(*columns, strict=True)))


def note(report: Report) -> Text:
    return Text(Markup(report.styled(STYLE)[1]), is_note=True)  # noqa: S704  # `styled` escaped it


def _begins_with_numbers(report: Report, column: str) -> bool:
    return column not in report.values and any(map(NUMBER.match, report.frame[column]))


def _places(report: Report, column: str, is_number: bool) -> list[int | None]:
    """Return the place of the number in each cell of a column among all of them; None where there is none."""
    texts = report.frame[column].astype(str)
    if not is_number:
        return [None] * len(texts)
    exact = report.values[column] if column in report.values else texts.map(_first_number)
    numbers = [
        None if text in (NONE, "") or number is None else float(number)
        for text, number in zip(texts, exact, strict=True)
    ]
    place = {number: place for place, number in enumerate(sorted({each for each in numbers if each is not None}))}
    return [None if number is None else place[number] for number in numbers]


def _first_number(text: str) -> str | None:
    number = NUMBER.match(text)
    return number[1] if number else None


# --- what a reader needs second -----------------------------------------------------------------------------------


def folded(table: Grid) -> Folded:
    return Folded(f"Table: {table.label} ({number_of(len(table.rows), 'row')})", [table])


def stated(items: Sequence[Statement]) -> Iterator[Block]:
    if items:
        yield Statements(items[:MOST_STATED])
    if more := items[MOST_STATED:]:
        yield Folded(number_of(len(more), "more finding"), [Statements(more)])


def number_of(number: int, thing: str) -> str:
    """Return a number of things in words.

    >>> number_of(1, "row"), number_of(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count(number)} {thing}{'' if number == 1 else 's'}"
