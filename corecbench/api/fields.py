"""Types of the fields of a config class, and marks in them.

A value outside the range of its type is refused before anything is trained. Any other range is written like these,
by `typing.Annotated` and the package annotated-types.

Marks stand in `typing.Annotated` beside the range. `Large` gives large data another default. `Search`, `Choices`
and `Follows` say what `corecbench tune` tries, as in `Annotated[Positive, Search(1e-4, 1e-2, log=True)]`. These
also hold in subclasses that give the setting another type or default, unless they give it a mark of their own. A
setting without a mark is searched around its default, within its range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

Natural = Annotated[int, Ge(1)]
"""1, 2, 3 and so on."""
Count = Annotated[int, Ge(0)]
"""0, 1, 2 and so on."""
Positive = Annotated[float, Gt(0)]
"""A number above 0."""
Weight = Annotated[float, Ge(0)]
"""A number from 0."""
Share = Annotated[float, Ge(0), Le(1)]
"""A number from 0 to 1."""
Fraction = Annotated[float, Ge(0), Lt(1)]
"""A number from 0 and below 1."""

Precision = Literal["auto", "float32", "bfloat16"]
"""A number format; `auto` is the one in which products are fastest, or CORECBENCH_PRECISION."""
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


MANY_ITEMS = 100_000
"""The most items of a data set that is not large."""


@dataclass(frozen=True)
class Large:
    """Marks a setting that has another default on data sets of more than 100,000 items.

    It stands in `typing.Annotated`, as in `Annotated[Natural, Large(256)]`. A run names the settings that it
    concerns in one line. A value that is given wins, also one that is the default elsewhere.
    """

    default: Any


@dataclass(frozen=True)
class Added:
    """Marks a setting that came later, and tells with which value the component is what it was before.

    It stands in `typing.Annotated`, as in `Annotated[bool, Added(before=True)]`. Cells in which the setting has
    this value keep the hash that they had, so stored results stay theirs, whatever the default is.
    """

    before: Any
    """The value, one that the setting may have."""


Sampling = Annotated[Literal["uniform", "mixed"], Choices(()), Added(before="uniform")]
"""How negatives are drawn."""
