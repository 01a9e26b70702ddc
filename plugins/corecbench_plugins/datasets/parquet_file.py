"""Tables in Parquet files, and Arrow tables in general."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from corecbench.api import DataError
from corecbench.toolkit import ordinary_file
from corecbench_plugins.datasets.column_source import ColumnSource
from corecbench_plugins.datasets.timestamps import TimeError, parse_column

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench_plugins.datasets.settings import Columns

ID_TYPES = "text or integers are needed"
TIME_TYPES = "integers, float64, timestamps, dates or text are needed"


def open_parquet(config: Columns) -> ColumnSource:
    """Return the data set in one file or folder of files, or in two."""

    def reader(path: str) -> Callable[[], ArrowTable]:
        return lambda: read_parquet(Path(path).expanduser())

    return ColumnSource(config, reader(config.path), reader(config.items) if config.items else None)


def read_parquet(path: Path) -> ArrowTable:
    """Return a file, or the files of a folder in the order of their names.

    Raises:
        DataError: the file or folder cannot be read as Parquet.
    """
    import pyarrow.dataset

    if not path.exists():
        raise DataError(f"{path}: no such file or folder; one of Parquet is needed")
    try:
        return ArrowTable(str(path), pyarrow.dataset.dataset(ordinary_file(path), format="parquet").to_table())
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {' '.join(str(error).split())}") from error


class ArrowTable:
    """A table of Arrow.

    Args:
        name: where it comes from, for messages.
        table: the table.

    Raises:
        DataError: the table has no rows.
    """

    def __init__(self, name: str, table: pa.Table) -> None:
        self.name, self.table = name, table
        self.columns = table.column_names
        if not table.num_rows:
            raise DataError(f"{name}: no rows, at least one is needed")

    def place(self, row: int) -> str:
        """Return the name and the row number, counted from 1."""
        return f"{self.name}: row {row + 1}"

    def _values(self, column: str) -> pa.ChunkedArray:
        values = self.table[column]
        return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values

    def _error(self, column: str, needed: str) -> DataError:
        return DataError(f"{self.name}: column {column}: {self._values(column).type}, {needed}")

    def texts(self, column: str) -> pa.ChunkedArray:
        """Return a column of text or integers as strings, "" for null."""
        values = self._values(column)
        kinds = (pa.types.is_integer, pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
        if not any(fits(values.type) for fits in (*kinds, pa.types.is_null)):
            raise self._error(column, ID_TYPES)
        try:
            values.validate(full=True)  # whether texts are UTF-8, which is not looked at before
        except pa.ArrowException as error:
            raise DataError(f"{self.name}: column {column}: {' '.join(str(error).split())}") from error
        texts = values.cast(pa.large_string() if pa.types.is_large_string(values.type) else pa.string())
        return texts.fill_null("") if texts.null_count else texts

    def times(self, column: str) -> np.ndarray:
        """Return a column as int64 or float64 [M]."""
        values = self._values(column)
        kind = values.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            return parse_column(self.texts(column))
        if pa.types.is_float16(kind) or pa.types.is_float32(kind):
            raise self._error(column, f"in which seconds are lost; {TIME_TYPES}")
        if not (pa.types.is_integer(kind) or pa.types.is_float64(kind) or pa.types.is_temporal(kind)):
            raise self._error(column, TIME_TYPES)
        if values.null_count:
            raise TimeError(values.is_null().to_pylist().index(True), "empty, a time is needed")
        if pa.types.is_float64(kind):
            return self._finite(values.to_numpy())
        if pa.types.is_date32(kind):
            values = values.cast(pa.int32())
        try:
            numbers: np.ndarray = values.cast(pa.int64()).to_numpy()
        except pa.ArrowException as error:
            raise self._error(column, TIME_TYPES) from error
        return numbers

    @staticmethod
    def _finite(times: np.ndarray) -> np.ndarray:
        not_finite = ~np.isfinite(times)
        if not_finite.any():
            row = int(not_finite.argmax())
            raise TimeError(row, f"{times[row]} is not finite, a time is needed")
        return times
