"""Splits a plot of many rows into several, each as high as a page of a paper."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")


def evenly(items: Sequence[Item], most: int) -> list[Sequence[Item]]:
    """Return items in as few parts as there can be of at most so many, of nearly the same size.

    >>> evenly("abcdefg", 3)
    ['abc', 'de', 'fg']
    """
    n_parts = -(-len(items) // most)
    ends = [-(-len(items) * part // n_parts) for part in range(n_parts + 1)]
    return [items[start:end] for start, end in pairwise(ends)]


def paged(numbers: Any, field: str, most: int, note: str = "") -> list[Any]:
    """Return the numbers of a plot for one page after the other.

    Args:
        numbers: the numbers of a plot, a dataclass whose field `page` ends the title.
        field: the name of the field whose entries are spread over the pages.
        most: the most entries on a page.
        note: a remark that ends the title of all these pages.
    """
    parts = evenly(getattr(numbers, field), most)
    number = f" ({{}}/{len(parts)})" if len(parts) > 1 else ""
    return [
        replace(numbers, **{field: part, "page": f"{note}{number.format(place)}"})
        for place, part in enumerate(parts, start=1)
    ]
