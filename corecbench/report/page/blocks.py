"""The blocks of a section of the page. The macro of the same name in templates/blocks.html draws each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

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
        """The places of the columns of numbers, from 1."""
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
    """A plot, drawn for wide screens and for phones."""

    title: str
    wide: Markup
    narrow: Markup
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
