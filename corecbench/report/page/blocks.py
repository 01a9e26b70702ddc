"""What a section of the page is made of. Each block is drawn by the macro of its name in templates/blocks.html."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

Verdict = Literal["gain", "loss", "unclear", "missing"]


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
    """Whether it is there for those who want to know exactly."""
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Statement:
    """What was found of one comparison, in a sentence."""

    verdict: Verdict
    text: str
    asides: Sequence[str] = ()
    """Further sentences that belong to it, such as what its controls do."""


@dataclass(frozen=True)
class Statements:
    """A list of findings."""

    items: Sequence[Statement]
    kind: ClassVar[str] = "statements"


@dataclass(frozen=True)
class Head:
    """A column of a grid."""

    markup: Markup
    is_number: bool
    descends: bool
    """Whether sorting by it begins with the largest."""


@dataclass(frozen=True)
class Field:
    """A cell of a grid."""

    markup: Markup
    order: float | str | None
    """What it is sorted by; None for a cell without a value, which comes last in either order."""


@dataclass(frozen=True)
class Grid:
    """A table that can be sorted."""

    label: str
    """What it shows, for those who do not see it."""
    heads: Sequence[Head]
    rows: Sequence[Sequence[Field]]
    kind: ClassVar[str] = "grid"


@dataclass(frozen=True)
class Facts:
    """A small table of names and values."""

    title: str
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class FactSheets:
    """Several of them side by side."""

    sheets: Sequence[Facts]
    kind: ClassVar[str] = "fact_sheets"


@dataclass(frozen=True)
class Picture:
    """A plot."""

    uri: str
    alternative: str
    """What it shows, in words."""
    width: int
    """Pixels of CSS."""
    height: int
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True)
class Code:
    """Text to copy, such as a command."""

    label: str
    text: str
    kind: ClassVar[str] = "code"


Block = Heading | Text | Statements | Grid | FactSheets | Picture | Code


@dataclass(frozen=True)
class Section:
    """A part of the page that the table of contents leads to."""

    name: str
    """Its address in the page."""
    title: str
    blocks: Sequence[Block]
