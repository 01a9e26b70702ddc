"""What a table in any format answers. M rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    import pyarrow as pa


class ColumnTable(Protocol):
    """A table in some format. Its columns have the names that they have in the file."""

    name: str
    """Name of the file, for messages."""
    columns: Sequence[str]
    """Names of the columns."""

    @property
    def broken(self) -> Sequence[str]:
        """Place and fault of what is no row, since it has too few or too many fields."""
        ...

    def place(self, row: int) -> str:
        """Return the place of a row, such as "ratings.csv:7"."""
        ...

    def texts(self, column: str) -> pa.ChunkedArray:
        """Return a column as strings [M]; "" where there is nothing."""
        ...

    def times(self, column: str, aside: Collection[int] = (), date_format: str = "") -> np.ndarray:
        """Return a column as int64 or float64 [M], whatever the rows aside hold; texts may be of a format."""
        ...

    def ratings(self, column: str, aside: Collection[int] = (), decimal: str = ".") -> np.ndarray:
        """Return a column of numbers, perhaps with decimal commas, as int64 or float64 [M], but for rows aside."""
        ...
