"""Settings of the data sets."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from corecbench.api import Count  # noqa: TC001, settings are checked by their types


@dataclass(frozen=True)
class Folder:
    """Where a data set of the user's own lies."""

    path: str
    """A folder with NAME.inter and, for item texts, NAME.item; NAME is the name of the folder."""


@dataclass(frozen=True)
class Columns:
    """Where a data set of the user's own lies, and the names of its columns."""

    path: str
    """The file or folder of the interactions."""
    user: str = "user_id"
    """Column of the user ids."""
    item: str = "item_id"
    """Column of the item ids."""
    timestamp: str = "timestamp"
    """Column of numbers or ISO 8601 dates; "" if the rows are in the order of time."""
    date_format: str = ""
    """Format of dates that are not ISO 8601, such as %m/%d/%Y or "%d.%m.%Y %H:%M"."""
    title: str = ""
    """Column of the items' titles. If empty, a column named "title" is used where there is one."""
    items: str = ""
    """The file or folder of the titles. If empty, the titles stand among the interactions."""
    items_id: str = ""
    """Column of the item ids in the table of titles. If empty, it has the name that `item` gives."""
    user_text: str = ""
    """Column of a text about the user, of which the first that is not empty counts. If empty, users have none."""
    min_rating: float | None = None
    """Interactions with a lower rating are left out."""
    rating: str = "rating"
    """Column of the ratings, which only `min_rating` reads: numbers, or texts such as "5 stars"."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals of ratings that are texts."""
    normalise_ids: bool = False
    """Whether ids that differ in blanks, hidden characters, Unicode form or a trailing ".0" only are one."""
    bad_rows: Literal["error", "skip"] = "error"
    """What becomes of rows with an empty id, no time, no rating for `min_rating` or another number of fields."""

    def __post_init__(self) -> None:
        """Check the format, which the type does not say."""
        try:
            if self.date_format and not time.strptime(time.strftime(self.date_format), self.date_format)[0] > 1900:
                raise ValueError("it has no year")
        except ValueError as error:
            raise ValueError(f"date_format is {self.date_format!r}, must be such as %m/%d/%Y: {error}") from None


@dataclass(frozen=True)
class Csv(Columns):
    """Settings of separated values."""

    separator: str = ""
    """One character, or "tab". If empty, it is a tab in a .tsv file and a comma in other files."""

    def __post_init__(self) -> None:
        """Check the length, which the type does not say."""
        super().__post_init__()
        if len(self.separator) > 1 and self.separator != "tab":
            raise ValueError(f"separator is {self.separator!r}, must be one character or 'tab'")


@dataclass(frozen=True)
class Hub(Columns):
    """Settings of a data set of the hub: `path` is its id, or a folder, and `items` the subset of titles."""

    subset: str = ""
    """Subset of the interactions. If empty, the data set must have only one."""
    split: str = "train"
    """Split of the interactions."""
    items_split: str = "train"
    """Split of the titles."""
    revision: str = ""
    """A commit, tag or branch. If empty, it is the newest one. Name a commit to get the same data again."""


@dataclass(frozen=True)
class MovieLens:
    """Settings of a MovieLens set."""

    k_core: Count = 0
    """Users and items with fewer ratings are left out. Published tables of ml-1m often use 5."""


@dataclass(frozen=True)
class Amazon:
    """Settings of an Amazon set. RecBole publishes the whole set; papers use its 5-core."""

    k_core: Count = 5
    """Users and items with fewer reviews are left out. A folder that holds the 5-core already stays as it is."""
