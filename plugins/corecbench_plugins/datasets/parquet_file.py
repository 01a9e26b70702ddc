"""Tables in Parquet files, and Arrow tables in general."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from corecbench.api import DataError
from corecbench.toolkit import ordinary_file
from corecbench_plugins.datasets.column_source import ColumnSource
from corecbench_plugins.datasets.timestamps import (
    Fault,
    TimeError,
    bad_times,
    of_one_unit,
    parse_column,
    parse_ratings,
    put_aside,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pyarrow.dataset import Dataset

    from corecbench_plugins.datasets.settings import Columns

ID_TYPES = "text or integers are needed"
LARGEST = 2.0**53
"""From here on float64 leaves integers out."""
FRAME = "interactions"
"""Key in the metadata of a file that holds a data frame of the Python API: the name of its argument."""
TIME_TYPES = "integers, float64, timestamps, dates or text are needed"


def open_parquet(config: Columns) -> ColumnSource:
    """Return the data set in one file or folder of files, or in two."""

    def reader(path: str) -> Callable[[], ArrowTable]:
        return lambda: read_parquet(Path(path).expanduser())

    return ColumnSource("parquet", config, reader(config.path), reader(config.items) if config.items else None)


def read_parquet(path: Path) -> ArrowTable:
    """Return a file, or the files of a folder in the order of their names.

    Raises:
        DataError: the file or folder cannot be read as Parquet.
    """
    import pyarrow.dataset

    if not path.exists():
        raise DataError(f"{path}: no such file or folder; one of Parquet is needed")
    try:
        parts = pyarrow.dataset.dataset(ordinary_file(path), format="parquet")
        check_parts(path, parts)
        name = FRAME if FRAME.encode() in (parts.schema.metadata or {}) else str(path)
        return ArrowTable(name, parts.to_table())
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {' '.join(str(error).split())}") from error


def check_parts(path: Path, parts: Dataset) -> None:
    """Raise a DataError for the first file of a folder whose columns are others than those of the first file.

    Arrow would give all files the types of the first one, in which ids and times of the others may change.
    """
    fragments = list(parts.get_fragments())
    first = types_of(fragments[0].physical_schema) if fragments else {}
    for fragment in fragments[1:]:
        types = types_of(fragment.physical_schema)
        for column in [*first, *types]:
            one, other = (found.get(column, "missing") for found in (first, types))
            if one != other:
                names = Path(fragments[0].path).name, Path(fragment.path).name
                raise DataError(
                    f"{path}: column {column}: {one} in {names[0]} and {other} in {names[1]}; all files "
                    "must have the same columns and types"
                )


def types_of(schema: pa.Schema) -> dict[str, str]:
    """Return column -> its type; categories have the type of their values, and texts are one type."""
    kinds = {each.name: each.type.value_type if pa.types.is_dictionary(each.type) else each.type for each in schema}
    texts = (pa.string(), pa.large_string(), pa.string_view())
    return {name: "string" if kind in texts else str(kind) for name, kind in kinds.items()}


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
        self.broken: Sequence[str] = ()
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

    def times(self, column: str, aside: Collection[int] = (), date_format: str = "") -> np.ndarray:
        """Return a column as int64 or float64 [M], whatever the rows aside hold."""
        values = self._values(column)
        kind = values.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            return parse_column(self.texts(column), aside, date_format)
        if pa.types.is_float16(kind) or pa.types.is_float32(kind):
            raise self._error(column, f"in which seconds are lost; {TIME_TYPES}")
        if not (pa.types.is_integer(kind) or pa.types.is_float64(kind) or pa.types.is_temporal(kind)):
            raise self._error(column, TIME_TYPES)
        if values.null_count and (empty := set(np.flatnonzero(values.is_null().to_numpy()).tolist()) - {*aside}):
            raise bad_times(dict.fromkeys(empty, Fault("empty, a time is needed")))
        if pa.types.is_float64(kind):
            return self._finite(values.to_numpy(), aside)
        if pa.types.is_date32(kind):
            values = values.cast(pa.int32())
        try:
            numbers: np.ndarray = values.cast(pa.int64()).fill_null(0).to_numpy()
        except pa.ArrowException as error:
            raise self._error(column, TIME_TYPES) from error
        return of_one_unit(numbers) if pa.types.is_integer(kind) else numbers

    def ratings(self, column: str, aside: Collection[int] = (), decimal: str = ".") -> np.ndarray:
        """Return a column of numbers as int64 or float64 [M], whatever the rows aside hold."""
        values = self._values(column)
        if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
            return parse_ratings(put_aside(self.texts(column).to_pylist(), aside), decimal)
        numbers: np.ndarray = values.cast(pa.float64()).to_numpy()
        if wrong := set(np.flatnonzero(~np.isfinite(numbers)).tolist()) - {*aside}:
            raise bad_times(dict.fromkeys(wrong, Fault("empty, a rating is needed")))
        return numbers

    @staticmethod
    def _finite(times: np.ndarray, aside: Collection[int]) -> np.ndarray:
        wrong = set(np.flatnonzero(~np.isfinite(times)).tolist()) - {*aside}
        if wrong:
            raise bad_times({row: Fault(f"{times[row]} is not finite, a time is needed") for row in wrong})
        times = np.where(np.isfinite(times), times, 0.0)
        if (abs(times) >= LARGEST).any():
            row = int((abs(times) >= LARGEST).argmax())
            raise TimeError(row, f"{times[row]:.0f} as float64 has lost its last digits; give int64")
        return of_one_unit(times)
