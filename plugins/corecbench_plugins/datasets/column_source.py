"""A data set from tables whose columns have names of the user's choice. M rows."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from corecbench.api import DataError
from corecbench_plugins.datasets.arrow_text import has_empty, to_series
from corecbench_plugins.datasets.atomic_file import quoted
from corecbench_plugins.datasets.atomic_folder import readable, without_entities
from corecbench_plugins.datasets.timestamps import TimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import pyarrow as pa

    from corecbench_plugins.datasets.settings import Columns


class ColumnTable(Protocol):
    """A table in some format. Its columns have the names that they have in the file."""

    name: str
    """Name of the file, for messages."""
    columns: Sequence[str]
    """Names of the columns."""

    def place(self, row: int) -> str:
        """Return the place of a row, such as "ratings.csv:7"."""
        ...

    def texts(self, column: str) -> pa.ChunkedArray:
        """Return a column as strings [M]; "" where there is nothing."""
        ...

    def times(self, column: str) -> np.ndarray:
        """Return a column as int64 or float64 [M]."""
        ...


class ColumnSource:
    """Interactions from one table, and titles from the same table or another one.

    Args:
        config: which columns are read.
        read: returns the table of interactions.
        read_titles: returns the table of titles; None where there is no table of its own for them.
    """

    def __init__(
        self, config: Columns, read: Callable[[], ColumnTable], read_titles: Callable[[], ColumnTable] | None
    ) -> None:
        self.config, self._read, self._read_titles = config, read, read_titles

    @cached_property
    def _interactions(self) -> ColumnTable:
        return self._read()

    def interactions(self) -> pd.DataFrame:
        """Return user_id, item_id (str) and timestamp (int64 or float64; the row number if no column is named).

        Raises:
            DataError: a column is missing, or a cell cannot be used.
        """
        table, config = self._interactions, self.config
        user, item = ids(table, config.user), ids(table, config.item)
        timestamp = times(table, config.timestamp) if config.timestamp else np.arange(len(user))
        return pd.DataFrame({"user_id": user, "item_id": item, "timestamp": timestamp})

    def items(self) -> pd.DataFrame:
        """Return item_id and title (str, without HTML entities), each item once; no rows where there are no titles.

        A table of titles gives its other columns of text or integers, too, under their names. An item that has
        several titles among the interactions gets the first one that is not empty.

        Raises:
            DataError: a column is missing, a cell cannot be used, or a table of titles lists an item twice.
        """
        config = self.config
        title = config.title or "title"
        if self._read_titles is not None:
            table = self._read_titles()
            item = ids(table, config.items_id or config.item)
            check_unique(table, config.items_id or config.item, item)
        else:
            table = self._interactions
            if not config.title and title not in table.columns:
                return pd.DataFrame({"item_id": [], "title": []}, dtype=str)
            item = ids(table, config.item)
        check_column(table, title)
        titles = [without_entities(text).strip() for text in table.texts(title).to_pylist()]
        rows = pd.DataFrame({"item_id": item, "title": titles}, dtype=str)
        first_titles = rows[rows["title"] != ""].drop_duplicates("item_id").set_index("item_id")["title"]
        item_ids = rows["item_id"].drop_duplicates().reset_index(drop=True)
        found = pd.DataFrame({"item_id": item_ids, "title": item_ids.map(first_titles).fillna("")})
        if self._read_titles is None:
            return found
        return found.assign(**other_fields(table, {config.items_id or config.item, *found.columns}))


def other_fields(table: ColumnTable, known: Collection[str]) -> dict[str, pd.Series]:
    """Return the columns of text or integers that are not known yet, by name, each without HTML entities."""
    found = {}
    for column in table.columns:
        if column not in known:
            with contextlib.suppress(DataError):  # of another type
                found[column] = readable(to_series(table.texts(column)))
    return found


def check_column(table: ColumnTable, column: str) -> None:
    """Raise a DataError unless a table has a column."""
    if column not in table.columns:
        raise DataError(f"{table.name}: column {column}: missing; have: {', '.join(table.columns)}")


def ids(table: ColumnTable, column: str) -> pd.Series:
    """Return a column of ids, str [M].

    Raises:
        DataError: the column is missing, or an id is empty.
    """
    check_column(table, column)
    column_ids = table.texts(column)
    if has_empty(column_ids):
        row = column_ids.index("").as_py()
        raise DataError(f"{table.place(row)}: column {column}: empty, an id is needed")
    return to_series(column_ids)


def times(table: ColumnTable, column: str) -> np.ndarray:
    """Return a column of times, int64 or float64 [M].

    Raises:
        DataError: the column is missing, or a cell is no time.
    """
    check_column(table, column)
    try:
        return table.times(column)
    except TimeError as error:
        raise DataError(f"{table.place(error.row)}: column {column}: {error}") from error


def check_unique(table: ColumnTable, column: str, item: pd.Series) -> None:
    """Raise a DataError for the first id that occurs a second time."""
    repeated = item.duplicated().to_numpy()
    if repeated.any():
        row = int(repeated.argmax())
        item_id = item.iloc[row]
        first = table.place(int((item == item_id).to_numpy().argmax()))
        fault = f"{quoted(item_id)} is in {first} already, an item is allowed once"
        raise DataError(f"{table.place(row)}: column {column}: {fault}")
