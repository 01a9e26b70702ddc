"""A plot before it is drawn: title, drawing and caption, to be laid out for any width."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol, TypeVar

from corecbench.api import CorecbenchError
from corecbench.drawing.canvas import (
    BOLD,
    FONT_SIZE,
    LEADING,
    MARGIN,
    TITLE_SIZE,
    WIDE,
    Canvas,
    n_lines,
    wrap,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


Item = TypeVar("Item")
GAP = 10.0
"""The pixels between two parts of a plot."""


class NothingToShow(CorecbenchError):  # noqa: N818 - an outcome, not a fault
    """There is nothing to plot; the message says why."""


class Body(Protocol):
    """A part of a plot."""

    def draw(self, canvas: Canvas) -> None:
        """Draw below what is there, as wide as the canvas, and add to its height."""


@dataclass(frozen=True)
class Chart:
    """A plot, or a page of one."""

    title: str
    caption: str
    """What a reader needs to judge the plot."""
    bodies: tuple[Body, ...]

    @property
    def words(self) -> str:
        """The plot in words, for those who do not see it."""
        return f"{self.title}. {self.caption}"

    def on(self, width: float) -> Canvas:
        """Return the drawing without title and caption, which a page has as text."""
        canvas = Canvas(width)
        self._draw(canvas)
        return canvas

    def with_words(self, width: float = WIDE) -> Canvas:
        """Return the drawing with title and caption, as a file shows it."""
        inner = width - 2 * MARGIN
        title, caption = wrap(self.title, inner, TITLE_SIZE * BOLD), wrap(self.caption, inner)
        canvas = Canvas(inner, 14 + n_lines(title) * LEADING * TITLE_SIZE / FONT_SIZE, MARGIN)
        canvas.text(0, 16, title, bold=True, size=TITLE_SIZE)
        self._draw(canvas)
        canvas.text(0, canvas.height + LEADING, caption)
        canvas.height += (n_lines(caption) + 1) * LEADING
        return canvas

    def _draw(self, canvas: Canvas) -> None:
        for number, body in enumerate(self.bodies):
            canvas.height += GAP if number else 0
            body.draw(canvas)


def charts(title: str, caption: str, bodies: Sequence[Body], most: int) -> list[Chart]:
    """Return the pages of a plot, with at most so many parts on each."""
    return [Chart(title + page, caption, tuple(part)) for page, part in paged(bodies, most)]


def evenly(items: Sequence[Item], most: int) -> list[Sequence[Item]]:
    """Return items in as few parts as there can be of at most so many, of nearly the same size.

    >>> evenly("abcdefg", 3)
    ['abc', 'de', 'fg']
    """
    n_parts = -(-len(items) // most)
    ends = [-(-len(items) * part // n_parts) for part in range(n_parts + 1)]
    return [items[start:end] for start, end in pairwise(ends)]


def paged(items: Sequence[Item], most: int) -> Iterator[tuple[str, Sequence[Item]]]:
    """Yield the items of each page, and the end of its title.

    >>> list(paged("abc", 2)), list(paged("ab", 2))
    ([(' (1/2)', 'ab'), (' (2/2)', 'c')], [('', 'ab')])
    """
    parts = evenly(items, most)
    for place, part in enumerate(parts, start=1):
        yield (f" ({place}/{len(parts)})" if len(parts) > 1 else ""), part
