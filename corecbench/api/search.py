"""Marks in the type of a setting that say what `corecbench tune` tries for it.

They stand in `typing.Annotated` beside the range, as in `Annotated[Positive, Search(1e-4, 1e-2, log=True)]`. A mark
also holds in subclasses that give the setting another type or default, unless they give it a mark of their own. A
setting without a mark is searched around its default, within its range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

When = tuple[str, tuple[Any, ...]]
"""Another setting, and the values of it under which a setting is searched."""


@dataclass(frozen=True)
class Search:
    """Marks a number that is searched between two others; whole numbers where both are whole."""

    low: float
    high: float
    log: bool = False
    """Whether all factors are equally likely, instead of all differences."""
    when: When | None = None
    """Another setting and its values, such as `("negatives", (0,))`: only under these is this one searched. Under
    other values it keeps its default."""


@dataclass(frozen=True)
class Choices:
    """Marks a setting that is searched among some values. `Choices(())` keeps it out of every search."""

    values: tuple[Any, ...]
    when: When | None = None
    """As in `Search`."""


@dataclass(frozen=True)
class Follows:
    """Marks a setting that is not searched itself, but is `times` another one wherever that one is searched."""

    setting: str
    times: int = 1
