"""Rows that cannot be used: collected, and left out where the user says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corecbench.api import DataError

if TYPE_CHECKING:
    from corecbench_plugins.datasets.column_table import ColumnTable

MOST = 50
"""So many places stand in a message."""


class BadRows:
    """The rows of one table that cannot be used.

    Args:
        table: the table.
        skip: whether they are left out; otherwise the first check that finds any raises.
        remedy: the setting that leaves them out, for messages.
    """

    def __init__(self, table: ColumnTable, skip: bool, remedy: str) -> None:
        self.table, self.skip, self.remedy = table, skip, remedy
        self.faults: dict[int, str] = {}
        """Row -> what is wrong."""

    def add(self, faults: dict[int, str]) -> None:
        """Remember faults: row -> column and what is wrong."""
        self.faults = {**faults, **self.faults}

    def check(self) -> None:
        """Raise a DataError that names all bad rows, unless they are left out."""
        broken = self.table.broken
        if self.skip or not (self.faults or broken):
            return
        rows = sorted(self.faults)
        first = broken[0] if broken else f"{self.table.place(rows[0])}: {self.faults[rows[0]]}"
        others = f"; {self.n} rows are bad: {self.places}" if self.n > 1 else ""
        raise DataError(f"{first}{others}; {self.remedy} leaves {'them' if self.n > 1 else 'it'} out")

    @property
    def n(self) -> int:
        """Number of bad rows, also of those that are no rows of the table."""
        return len(self.faults) + len(self.table.broken)

    @property
    def places(self) -> str:
        """The numbers of the bad rows: of lines, or of rows where there are no lines."""
        texts = [*(self.table.place(row) for row in sorted(self.faults)), *self.table.broken]
        found = [text.removeprefix(f"{self.table.name}:").split(":")[0].strip() for text in texts]
        found.sort(key=lambda place: int(place.split()[-1]))
        more = [f"and {len(found) - MOST:,} more"] if len(found) > MOST else []
        return ", ".join([*found[:MOST], *more])

    @property
    def note(self) -> str:
        """How many rows are left out, and where they are; "" if none is."""
        return f"{self.table.name}: {self.n} bad rows are left out: {self.places}" if self.n else ""

    def good(self, n_rows: int) -> np.ndarray:
        """Return which rows of the table can be used, bool [M]."""
        kept = np.ones(n_rows, dtype=bool)
        kept[list(self.faults)] = False
        return kept
