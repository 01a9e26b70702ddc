"""A data set from tables whose columns have names of the user's choice. M rows."""

from __future__ import annotations

import contextlib
from functools import cached_property, partial
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from corecbench.api import DataError
from corecbench.toolkit import plain_id
from corecbench_plugins.datasets import guessing
from corecbench_plugins.datasets.arrow_text import to_series
from corecbench_plugins.datasets.atomic_file import quoted
from corecbench_plugins.datasets.atomic_folder import readable, without_entities
from corecbench_plugins.datasets.bad_rows import BadRows
from corecbench_plugins.datasets.timestamps import Fault, TimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Set

    from corecbench_plugins.datasets.column_table import ColumnTable
    from corecbench_plugins.datasets.settings import Columns

MISSING = frozenset(("na", "n/a", "nan", "none", "null", "nil", "<na>", "unknown", "undefined"))
"""Ids, in small letters, that are missing values elsewhere."""
UNNAMED = frozenset(("", "Unnamed: 0", "__index_level_0__"))
"""Names of a column that is the index of a data frame."""


class ColumnSource:
    """Interactions from one table, and titles from the same table or another one.

    Args:
        name: the component, for messages.
        config: which columns are read.
        read: returns the table of interactions.
        read_titles: returns the table of titles; None where there is no table of its own for them.
    """

    def __init__(
        self,
        name: str,
        config: Columns,
        read: Callable[[], ColumnTable],
        read_titles: Callable[[], ColumnTable] | None,
    ) -> None:
        self.name, self.config, self._read, self._read_titles = name, config, read, read_titles
        self.id_remedy = "" if config.normalise_ids else f"--set {name}.normalise_ids=true makes them one"
        self._said: dict[str, list[str]] = {}
        self._bad: BadRows | None = None

    @property
    def notes(self) -> list[str]:
        """What was left out of the tables that were read, a line each."""
        return [line for lines in self._said.values() for line in lines]

    @cached_property
    def _interactions(self) -> ColumnTable:
        return self._read()

    def interactions(self) -> pd.DataFrame:
        """Return user_id, item_id (str) and timestamp (int64 or float64; the row number if no column is named).

        Raises:
            DataError: a column is missing, or a row cannot be used.
        """
        table, config = self._interactions, self.config
        needed = [config.user, config.item, *([config.timestamp] if config.timestamp else [])]
        for column in needed:
            check_column(table, column, guessing.line(self.name, table.columns))
        bad = self._bad = self._bad_rows(table)
        user, item = (ids(bad, column, config.normalise_ids) for column in needed[:2])
        times = partial(table.times, date_format=config.date_format)
        timestamp = numbers(bad, config.timestamp, times) if config.timestamp else np.arange(len(user))
        liked = np.ones(len(user), dtype=bool)
        if config.min_rating is not None:
            check_column(table, config.rating)
            liked = numbers(bad, config.rating, partial(table.ratings, decimal=config.decimal)) >= config.min_rating
        bad.check()
        kept = bad.good(len(user))
        notes = [bad.note] if bad.note else []
        notes += unlikely_ids(table, zip(needed, (user, item), strict=False))
        if config.min_rating is not None:
            n_below = int((kept & ~liked).sum())
            notes += [f"{table.name}: {n_below:,} ratings below {config.min_rating:g} are left out"]
            kept &= liked
        self._said["interactions"] = notes
        return pd.DataFrame({"user_id": user, "item_id": item, "timestamp": timestamp})[kept].reset_index(drop=True)

    def items(self) -> pd.DataFrame:
        """Return item_id and title (str, without HTML entities), each item once; no rows where there are no titles.

        A table of titles gives its other columns of text or integers, too, under their names. An item that has
        several titles among the interactions gets the first one that is not empty.

        Raises:
            DataError: a column is missing, a row cannot be used, or a table of titles lists an item twice.
        """
        config = self.config
        title, item_id = config.title or "title", config.item
        if self._read_titles is not None:
            table, item_id = self._read_titles(), config.items_id or config.item
        else:
            table = self._interactions
            if not config.title and title not in table.columns:
                return pd.DataFrame({"item_id": [], "title": []}, dtype=str)
        check_column(table, item_id)
        bad = self._bad_rows(table) if self._read_titles is not None else self._bad_interactions
        item = ids(bad, item_id, config.normalise_ids)
        if self._read_titles is not None:
            bad.check()
            self._said["items"] = [bad.note] if bad.note else []
            check_unique(table, item_id, item[bad.good(len(item))])
        check_column(table, title)
        titles = [without_entities(text).strip() for text in table.texts(title).to_pylist()]
        rows = pd.DataFrame({"item_id": item, "title": titles}, dtype=str)[bad.good(len(item))]
        first_titles = rows[rows["title"] != ""].drop_duplicates("item_id").set_index("item_id")["title"]
        item_ids = rows["item_id"].drop_duplicates()
        found = pd.DataFrame({"item_id": item_ids, "title": item_ids.map(first_titles).fillna("")})
        if self._read_titles is not None:  # whose rows are in line with those of the other fields
            found = found.assign(**other_fields(table, {item_id, *found.columns}))
        return found.reset_index(drop=True)

    def users(self) -> pd.DataFrame:
        """Return user_id and text (str), each user once; no rows unless a column of texts is named.

        Raises:
            DataError: the column is missing.
        """
        table, column = self._interactions, self.config.user_text
        if not column:
            return pd.DataFrame({"user_id": [], "text": []}, dtype=str)
        check_column(table, column)
        bad = self._bad_interactions
        user, text = ids(bad, self.config.user, self.config.normalise_ids), readable(to_series(table.texts(column)))
        rows = pd.DataFrame({"user_id": user, "text": text}, dtype=str)[bad.good(len(user))]
        return rows[rows["text"] != ""].drop_duplicates("user_id").reset_index(drop=True)

    @property
    def _bad_interactions(self) -> BadRows:
        """The rows that are no interactions, so that their texts are not read either."""
        if self._bad is None:
            self.interactions()
        return cast("BadRows", self._bad)

    def _bad_rows(self, table: ColumnTable) -> BadRows:
        return BadRows(table, self.config.bad_rows == "skip", self.name)


def other_fields(table: ColumnTable, known: Set[str]) -> dict[str, pd.Series]:
    """Return the columns of text or integers that are not known yet, by name, each without HTML entities."""
    found = {}
    for column in table.columns:
        if column not in known | UNNAMED:
            with contextlib.suppress(DataError):  # of another type
                found[column] = readable(to_series(table.texts(column)))
    return found


def check_column(table: ColumnTable, column: str, guess: str = "") -> None:
    """Raise a DataError unless a table has a column; the options that would name the right ones may be guessed."""
    if column not in table.columns:
        maybe = f"; maybe: {guess}" if guess else ""
        have = ", ".join(name or "(no name)" for name in table.columns)
        raise DataError(f"{table.name}: column {column}: missing; have: {have}{maybe}")


def ids(bad: BadRows, column: str, normalise: bool) -> pd.Series:
    """Return a column of ids, str [M]; rows whose id is empty are bad."""
    found = to_series(bad.table.texts(column))
    if normalise:
        found = found.map({text: plain_id(text) for text in found.unique()}).astype(found.dtype)
    empty = (found == "").to_numpy()
    if empty.any():
        bad.add(column, dict.fromkeys(np.flatnonzero(empty).tolist(), Fault("empty, an id is needed")))
    return found


def unlikely_ids(table: ColumnTable, columns: Iterable[tuple[str, pd.Series]]) -> Iterator[str]:
    """Yield what is not an id by its looks: a missing value in words, or the index of a data frame."""
    if set(table.columns) & UNNAMED:
        yield f"{table.name}: a column has no name, as the index of a data frame has; it is not read"
    for column, found in columns:
        for text, count in found[found.str.lower().isin(MISSING)].value_counts().items():
            yield f"{table.name}: {count:,} rows have the id {text!r} in column {column}, which may be none"


def numbers(bad: BadRows, column: str, read: Callable[..., np.ndarray]) -> np.ndarray:
    """Return a column of times or ratings, int64 or float64 [M]; rows that have none are bad, and have any value.

    Raises:
        DataError: the column cannot be used, whatever is left out.
    """
    try:
        try:
            return read(column)
        except TimeError as error:
            bad.add(column, error.faults)
            if not error.faults:
                raise
        return read(column, bad.faults)
    except TimeError as error:
        raise DataError(f"{bad.table.place(error.row)}: column {column}: {error}") from error


def check_unique(table: ColumnTable, column: str, item: pd.Series) -> None:
    """Raise a DataError for the first id that occurs a second time."""
    repeated = item.duplicated().to_numpy()
    if repeated.any():
        row, item_id = int(item.index[repeated][0]), item[repeated].iloc[0]
        first = table.place(int(item.index[item == item_id][0]))
        fault = f"{quoted(item_id)} is in {first} already, an item is allowed once"
        raise DataError(f"{table.place(row)}: column {column}: {fault}")
