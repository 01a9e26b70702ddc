"""A data set from tables whose columns may have any names. M rows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from corecbench.api import DataError
from corecbench_plugins.datasets.atomic import shown
from corecbench_plugins.datasets.folder import decoded
from corecbench_plugins.datasets.timestamps import TimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from corecbench_plugins.datasets import Columns


class Sheet(Protocol):
    """A table in some format; names of columns are those in the file."""

    name: str
    """Of the file, for messages."""
    columns: Sequence[str]

    def place(self, row: int) -> str:
        """Return where a row stands, such as "ratings.csv:7"."""
        ...

    def texts(self, column: str) -> list[str]:
        """Return a column as text [M]; "" where there is nothing."""
        ...

    def times(self, column: str) -> np.ndarray:
        """Return a column as int64 or float64 [M]."""
        ...


class MappedSource:
    """Interactions from one table, titles from another one or the same.

    Args:
        config: which columns are read.
        read: returns the table of interactions.
        read_items: returns the table of titles; None where the interactions have them, or there are none.
    """

    def __init__(self, config: Columns, read: Callable[[], Sheet], read_items: Callable[[], Sheet] | None):
        self.config, self._read, self._read_items = config, read, read_items

    @cached_property
    def _sheet(self) -> Sheet:
        return self._read()

    def interactions(self) -> pd.DataFrame:
        """Return user_id, item_id (str) and timestamp (int64 or float64; the row's number if no column is named).

        Raises:
            DataError: a column is missing, or a cell cannot be used.
        """
        sheet, config = self._sheet, self.config
        user, item = ids(sheet, config.user), ids(sheet, config.item)
        time = times(sheet, config.timestamp) if config.timestamp else np.arange(len(user))
        return pd.DataFrame({"user_id": pd.Series(user, dtype=str), "item_id": item, "timestamp": time})

    def items(self) -> pd.DataFrame:
        """Return item_id and title (str, without HTML entities), each item once; no rows where there are no titles.

        Of several titles of an item among the interactions, the first that is not empty counts.

        Raises:
            DataError: a column is missing, a cell cannot be used, or a table of titles lists an item twice.
        """
        config = self.config
        title = config.title or "title"
        if self._read_items is not None:
            sheet = self._read_items()
            item = ids(sheet, config.items_id or config.item)
            check_unique(sheet, config.items_id or config.item, item)
        else:
            sheet = self._sheet
            if not config.title and title not in sheet.columns:
                return pd.DataFrame({"item_id": [], "title": []}, dtype=str)
            item = ids(sheet, config.item)
        check_column(sheet, title)
        table = pd.DataFrame(
            {"item_id": item, "title": [decoded(text).strip() for text in sheet.texts(title)]}, dtype=str
        )
        titled = table[table["title"] != ""].drop_duplicates("item_id").set_index("item_id")["title"]
        first = table["item_id"].drop_duplicates().reset_index(drop=True)
        return pd.DataFrame({"item_id": first, "title": first.map(titled).fillna("")})


def check_column(sheet: Sheet, column: str) -> None:
    """Raise a DataError unless a table has a column."""
    if column not in sheet.columns:
        raise DataError(f"{sheet.name}: column {column}: missing; have: {', '.join(sheet.columns)}")


def ids(sheet: Sheet, column: str) -> list[str]:
    """Return a column of ids [M].

    Raises:
        DataError: it is missing, or an id is empty.
    """
    check_column(sheet, column)
    found = sheet.texts(column)
    if "" in found:
        raise DataError(f"{sheet.place(found.index(''))}: column {column}: empty, an id is needed")
    return found


def times(sheet: Sheet, column: str) -> np.ndarray:
    """Return a column of times, int64 or float64 [M].

    Raises:
        DataError: it is missing, or a cell is no time.
    """
    check_column(sheet, column)
    try:
        return sheet.times(column)
    except TimeError as error:
        raise DataError(f"{sheet.place(error.row)}: column {column}: {error}") from error


def check_unique(sheet: Sheet, column: str, item: list[str]) -> None:
    """Raise a DataError for the first id that is there again."""
    again = pd.Series(item, dtype=str).duplicated().to_numpy()
    if again.any():
        row = int(again.argmax())
        first = sheet.place(item.index(item[row]))
        fault = f"{shown(item[row])} is in {first} already, an item is allowed once"
        raise DataError(f"{sheet.place(row)}: column {column}: {fault}")
