"""Tables in Parquet files, and any table of Arrow."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from corecbench.api import DataError
from corecbench_plugins.datasets.mapped import MappedSource
from corecbench_plugins.datasets.timestamps import TimeError, parse_times

if TYPE_CHECKING:
    from corecbench_plugins.datasets import Columns

IDS = "text or integers are needed"
TIMES = "integers, float64, timestamps, dates or text are needed"


def open_parquet(config: Columns) -> MappedSource:
    """Return the data set in one file or folder of files, or in two."""
    items = functools.partial(read_parquet, Path(config.items).expanduser()) if config.items else None
    return MappedSource(config, functools.partial(read_parquet, Path(config.path).expanduser()), items)


def read_parquet(path: Path) -> ArrowSheet:
    """Return a file, or the files of a folder in the order of their names.

    Raises:
        DataError: it cannot be read.
    """
    import pyarrow.dataset

    if not path.exists():
        raise DataError(f"{path}: no such file or folder; one of Parquet is needed")
    try:
        return ArrowSheet(str(path), pyarrow.dataset.dataset(path, format="parquet").to_table())
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {' '.join(str(error).split())}") from error


class ArrowSheet:
    """A table of Arrow.

    Args:
        name: where it comes from, for messages.
        table: the table.

    Raises:
        DataError: it has no rows.
    """

    def __init__(self, name: str, table: pa.Table):
        self.name, self.table = name, table
        self.columns = table.column_names
        if not table.num_rows:
            raise DataError(f"{name}: no rows, at least one is needed")

    def place(self, row: int) -> str:
        """Return file and row, which are counted from 1."""
        return f"{self.name}: row {row + 1}"

    def _values(self, column: str) -> pa.ChunkedArray:
        values = self.table[column]
        return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values

    def _refuse(self, column: str, needed: str) -> DataError:
        return DataError(f"{self.name}: column {column}: {self._values(column).type}, {needed}")

    def texts(self, column: str) -> list[str]:
        """Return text or integers as text, "" for null."""
        values = self._values(column)
        kinds = (pa.types.is_integer, pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
        if not any(fits(values.type) for fits in (*kinds, pa.types.is_null)):
            raise self._refuse(column, IDS)
        return ["" if text is None else text for text in values.cast(pa.string()).to_pylist()]

    def times(self, column: str) -> np.ndarray:
        """Return a column as int64 or float64 [M]."""
        values = self._values(column)
        kind = values.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            return parse_times(self.texts(column))
        if pa.types.is_float16(kind) or pa.types.is_float32(kind):
            raise self._refuse(column, f"in which seconds are lost; {TIMES}")
        if not (pa.types.is_integer(kind) or pa.types.is_float64(kind) or pa.types.is_temporal(kind)):
            raise self._refuse(column, TIMES)
        if values.null_count:
            raise TimeError(values.is_null().to_pylist().index(True), "empty, a time is needed")
        if pa.types.is_float64(kind):
            return self._finite(values.to_numpy())
        if pa.types.is_date32(kind):
            values = values.cast(pa.int32())
        try:
            return values.cast(pa.int64()).to_numpy()
        except pa.ArrowException as error:
            raise self._refuse(column, TIMES) from error

    @staticmethod
    def _finite(times: np.ndarray) -> np.ndarray:
        wrong = ~np.isfinite(times)
        if wrong.any():
            row = int(wrong.argmax())
            raise TimeError(row, f"{times[row]} is not finite, a time is needed")
        return times
