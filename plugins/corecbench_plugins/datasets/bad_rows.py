"""Rows that cannot be used: collected, and left out where the user says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corecbench.api import DataError
from corecbench_plugins.datasets.atomic_file import quoted
from corecbench_plugins.datasets.guessing import remedies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench_plugins.datasets.column_table import ColumnTable
    from corecbench_plugins.datasets.timestamps import Fault

PLACES = 3
"""So many places of a cause stand in a message."""


class BadRows:
    """The rows of one table that cannot be used.

    Args:
        table: the table.
        skip: whether they are left out; otherwise the first check that finds any raises.
        component: whose settings mend or leave them out, for messages.
    """

    def __init__(self, table: ColumnTable, skip: bool, component: str) -> None:
        self.table, self.skip, self.component = table, skip, component
        self.faults: dict[int, tuple[str, Fault]] = {}
        """Row -> column and what is wrong."""

    def add(self, column: str, faults: Mapping[int, Fault]) -> None:
        """Remember the faults of some rows in a column."""
        self.faults = {**{row: (column, fault) for row, fault in faults.items()}, **self.faults}

    def check(self) -> None:
        """Raise a DataError that names all causes, unless the rows are left out."""
        broken = self.table.broken
        if self.skip or not self.n:
            return
        row = min(self.faults, default=0)
        first = broken[0] if broken else "{}: column {}: {}".format(self.table.place(row), *self.faults[row])
        others = f"; {self.n:,} rows are bad: {self.causes}" if self.n > 1 else ""
        left_out = f"--set {self.component}.bad_rows=skip leaves {'them' if self.n > 1 else 'it'} out"
        raise DataError(f"{first}{others}; {left_out}")

    @property
    def n(self) -> int:
        """Number of bad rows, also of those that are no rows of the table."""
        return len(self.faults) + len(self.table.broken)

    @property
    def causes(self) -> str:
        """How many rows have which fault, with a few places, an example, and the setting that mends them."""
        places: dict[str, list[str | int]] = {}
        texts: dict[str, list[str]] = {}
        for row, (column, fault) in sorted(self.faults.items()):
            cause = f"column {column}: {fault.cause if fault.value != '' else 'empty'}"
            places.setdefault(cause, []).append(row)
            texts.setdefault(cause, []).extend([fault.value] if fault.value else [])
        for text in self.table.broken:
            place, _, cause = text.removeprefix(f"{self.table.name}:").partition(": ")
            places.setdefault(cause, []).append(place)
        ordered = sorted(places, key=lambda cause: -len(places[cause]))
        return "; ".join(self.cause(each, places[each], texts.get(each, [])) for each in ordered)

    def cause(self, cause: str, rows: Sequence[str | int], texts: Sequence[str]) -> str:
        """Return one cause: its number of rows, the first of them, an example and a setting."""
        found = [self.table.place(row) if isinstance(row, int) else row for row in rows[:PLACES]]
        short = [text.removeprefix(f"{self.table.name}:").strip() for text in found]
        named = ", ".join(f"line {each}" if each.isdigit() else each for each in short)
        more = ", ..." if len(rows) > PLACES else ""
        example = f": {quoted(texts[0])}" if texts else ""
        setting = remedies(self.component, texts) if texts else ""
        return f"{len(rows):,} of {cause} ({named}{more}{example}{f'; {setting} reads them' if setting else ''})"

    @property
    def note(self) -> str:
        """How many rows are left out, and why; "" if none is."""
        return f"{self.table.name}: {self.n:,} bad rows are left out: {self.causes}" if self.n else ""

    def good(self, n_rows: int) -> np.ndarray:
        """Return which rows of the table can be used, bool [M]."""
        kept = np.ones(n_rows, dtype=bool)
        kept[list(self.faults)] = False
        return kept
