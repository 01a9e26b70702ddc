"""A plot before it is drawn: which rows it shows, title, drawing and caption, to be laid out for any width."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Protocol, TypeVar

from corecbench.api import CorecbenchError
from corecbench.report.plots.canvas import (
    BOLD,
    FONT_SIZE,
    LEADING,
    MARGIN,
    SIDE_NAMES,
    TITLE_SIZE,
    WIDE,
    Canvas,
    n_lines,
    wrap,
)
from corecbench.report.wording import seed_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.report.evidence.reading import Evidence
    from corecbench.results.rows import RowKey


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


# --- the rows of a plot -------------------------------------------------------------------------------------------


NAME_WIDTH = 24
FIRST_NAMED = "The first model named is the one evaluated"


def present(evidence: Evidence) -> list[RowKey]:
    """Return the rows that have a value of the tested metric."""
    return [key for key in evidence.rows if evidence.has(key)]


def mean(evidence: Evidence, key: RowKey) -> float:
    """Return the tested metric of a row: the mean over users, each first averaged over seeds."""
    return evidence.rows[key].metrics[evidence.tested]


def joint(evidence: Evidence) -> list[RowKey]:
    """Return the joint rows that can be compared with their own solo rows."""
    comparable = evidence.joint()
    if not comparable:
        raise NothingToShow("there is no joint row that can be compared with its solo row")
    return comparable


def with_ranks(evidence: Evidence) -> list[RowKey]:
    """Return those of them whose ranks, and those of their solo rows, are all known."""
    known = [key for key in joint(evidence) if all(evidence.rows[each].knows_ranks for each in (key, key.solo))]
    if not known:
        raise NothingToShow("imported lists do not say at which rank every held-out item is")
    return known


def groups(evidence: Evidence, most: int) -> Iterator[tuple[str, dict[RowKey, str]]]:
    """Yield the comparable joint rows of a pair of models with their names, at most so many under a title."""
    for (solo, other), of_pair in groupby(joint(evidence), lambda key: (key.solo, key.partner)):
        for number, part in enumerate(evenly(list(of_pair), most)):
            title = f"{shorten(solo.own or '')} ({SIDE_NAMES[solo.side]}) + {shorten(other or '')}"
            yield title + ", continued" * (number > 0), {key: partner(key, with_model=False) for key in part}


def extents(evidence: Evidence) -> dict[str, str]:
    """Return users and seeds of each data set, as a caption states them, by its name."""
    found = {}
    for dataset in evidence.datasets:
        rows = [row for key, row in evidence.rows.items() if key.dataset == dataset and row.values]
        if rows:
            seeds = seed_list({seed for row in rows for seed in row.values}, "seed")
            found[dataset] = f"{dataset}: {rows[0].n_users:,} users, {seeds}"
    return found


def extent(evidence: Evidence) -> str:
    """Return users and seeds of all data sets, as a caption states them."""
    return "; ".join(extents(evidence).values())


def partner(key: RowKey, size: int = NAME_WIDTH, with_model: bool = True) -> str:
    """Return the parts of a joint row beside the model that is evaluated, such as "llama, bdlm"."""
    ensemble = "ensemble" if key.side == "ensemble" else None
    names = (key.partner if with_model else None, key.sharing, ensemble, key.control)
    return ", ".join(shorten(name, size) for name in names if name)


def label(key: RowKey, size: int = NAME_WIDTH) -> str:
    """Return the name of a row on a data set: the model that is evaluated, then what it was trained with."""
    own = shorten(key.own or "", size)
    return own if key.is_solo else f"{own} + {partner(key, size)}"


def cell_label(key: RowKey) -> str:
    """Return the name of a cell on a data set, such as "sasrec + llama, bdlm"."""
    models = " + ".join(shorten(name) for name in (key.domain, key.llm) if name)
    return ", ".join([models, *(shorten(name) for name in (key.sharing, key.control) if name)])


def shorten(name: str, size: int = NAME_WIDTH) -> str:
    """Return a name with its middle left out if it is long, such as one with a path in it.

    >>> shorten("llama:an/organisation/a-model"), shorten("sasrec"), shorten("shuffled-texts", 10)
    ('llama:an/o…ation/a-model', 'sasrec', 'shu…-texts')
    """
    first = size // 2 - 2
    return name if len(name) <= size else f"{name[:first]}…{name[first + 1 - size :]}"
