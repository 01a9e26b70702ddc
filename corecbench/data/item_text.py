"""The text of an item, made of fields of items by a template such as "{title}; {categories}"."""

from __future__ import annotations

import string
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from corecbench.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CLOSING = ")]}>\"'\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}"
"""Characters behind a field that belong to it, and are left out with it."""


@dataclass(frozen=True)
class Part:
    """A field of a template, with the text around it that is left out where the field is empty."""

    before: str
    field: str
    after: str = ""

    def of(self, value: str, is_first: bool) -> str:
        """Return the part for a value; the first part of a text begins with no separator.

        >>> Part("; by ", "brand").of("Acme", is_first=False), Part("; by ", "brand").of("Acme", is_first=True)
        ('; by Acme', 'by Acme')
        """
        before, after = self.before, self.after
        if is_first:
            n_separators = next((n for n, each in enumerate(before) if each.isalnum()), len(before))
            before, after = before[n_separators:], after.lstrip(CLOSING)
        return f"{before}{value}{after}"


def parse(template: str) -> tuple[Part, ...]:
    """Return the parts of a template.

    A bracket that closes behind a field belongs to it, and any other text to the field that follows it:

    >>> for part in parse("{title} ({year}), {genre}"):
    ...     print(part)
    Part(before='', field='title', after='')
    Part(before=' (', field='year', after=')')
    Part(before=', ', field='genre', after='')

    Raises:
        UsageError: it has no field, or another form.
    """
    form = f"item_text is {template!r}, must have names of fields in braces, such as '{{title}}; {{categories}}'"
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"{form}: {error}") from error
    parts: list[Part] = []
    between = ""
    for literal, name, format_, conversion in pieces:
        between += literal
        if name is None:  # a doubled brace, or the end
            continue
        if not name or format_ or conversion:
            raise UsageError(form)
        before = between.lstrip(CLOSING) if parts else between
        if parts:
            parts[-1] = replace(parts[-1], after=between[: len(between) - len(before)])
        parts.append(Part(before, name))
        between = ""
    if not parts:
        raise UsageError(form)
    return (*parts[:-1], replace(parts[-1], after=between))


def make_texts(parts: Sequence[Part], fields: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the text of each item. An empty field is left out with the text that belongs to it.

    >>> fields = {"title": ["Heat", "", "Alien"], "genre": ["crime", "drama", ""]}
    >>> make_texts(parse("{title}; {genre}"), fields)
    ['Heat; crime', 'drama', 'Alien']
    """
    rows = zip(*(fields[part.field] for part in parts), strict=True)
    return [_joined(parts, row) for row in rows]


def _joined(parts: Sequence[Part], values: Sequence[str]) -> str:
    text = ""
    first = parts[0]
    for part, value in zip(parts, values, strict=True):
        if value:
            text += part.of(value, is_first=not text and part is not first)
    return text.strip()
