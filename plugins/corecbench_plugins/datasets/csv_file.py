"""Tables with separated values and a header: UTF-8, fields in double quotes where they hold the separator."""

from __future__ import annotations

import csv
import io
from array import array
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from corecbench.api import DataError
from corecbench_plugins.datasets.arrow_text import longest_line, read_columns
from corecbench_plugins.datasets.column_source import ColumnSource
from corecbench_plugins.datasets.text_file import not_utf8, read_bytes
from corecbench_plugins.datasets.timestamps import parse_column, parse_ratings, put_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import numpy as np

    from corecbench_plugins.datasets.column_table import ColumnTable
    from corecbench_plugins.datasets.settings import Csv


def open_csv(config: Csv) -> ColumnSource:
    """Return the data set in one file, or in two."""

    def reader(path: str) -> Callable[[], ColumnTable]:
        return lambda: read_csv(Path(path).expanduser(), config.separator)

    return ColumnSource("csv", config, reader(config.path), reader(config.items) if config.items else None)


def read_csv(path: Path, separator: str = "") -> ColumnTable:
    """Return a file of separated values. Empty lines are skipped, and so are rows with another number of fields.

    Args:
        path: The file.
        separator: What stands between fields; "" for a tab in a .tsv file and a comma in other files.

    Raises:
        DataError: The file cannot be read, or has no rows.
    """
    separator = {"": "\t" if path.suffix == ".tsv" else ",", "tab": "\t"}.get(separator, separator)
    text = _read_text(path)
    return _read_plain(path, text, separator) or CsvTable(path, text.decode(), separator)


def _read_plain(path: Path, text: bytes, separator: str) -> PlainTable | None:
    """Return the table if the file is as plain as nearly all are: no quotes, as many fields in each line."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    if any(special in text for special in (b'"', b"\r", b"\0")) or separator in "\n ":
        return None
    header, _, rows = text.lstrip(b"\n").partition(b"\n")
    columns = header.decode().split(separator)
    if not rows.strip(b"\n") or len(columns) < 2 or len(set(columns)) < len(columns):
        return None
    if longest_line(text) >= csv.field_size_limit():
        return None
    table = read_columns(rows, separator, columns, columns)
    return None if table is None else PlainTable(path, table, separator)


class PlainTable:
    """A file without quotes, read in one go.

    Args:
        path: The file.
        table: Its columns, as strings.
        separator: What stands between fields.
    """

    def __init__(self, path: Path, table: pa.Table, separator: str) -> None:
        self.path, self.name, self.table, self.separator = path, str(path), table, separator
        self.columns: Sequence[str] = table.column_names
        self.broken: Sequence[str] = ()

    @cached_property
    def _rows(self) -> CsvTable:
        """The file once more, read row by row to find the line at fault."""
        return CsvTable(self.path, _read_text(self.path).decode(), self.separator)

    def place(self, row: int) -> str:
        """Return file and line of a row; the header is row -1."""
        return self._rows.place(row)

    def texts(self, column: str) -> pa.ChunkedArray:
        """Return a column as strings."""
        return self.table[column]

    def times(self, column: str, aside: Collection[int] = (), date_format: str = "") -> np.ndarray:
        """Return a column as int64 or float64 [M], whatever the rows aside hold."""
        return parse_column(self.texts(column), aside, date_format)

    def ratings(self, column: str, aside: Collection[int] = (), decimal: str = ".") -> np.ndarray:
        """Return a column of numbers as int64 or float64 [M], whatever the rows aside hold."""
        return parse_ratings(put_aside(self.texts(column).to_pylist(), aside), decimal)


class CsvTable:
    """A file read row by row, with any quotes.

    Args:
        path: The file, for messages.
        text: Its text.
        separator: What stands between fields.

    Raises:
        DataError: The file has no rows.
    """

    def __init__(self, path: Path, text: str, separator: str) -> None:
        self.path, self.name = path, str(path)
        self.separator = separator
        self.lines = array("q")  # where each row begins
        self.broken: list[str] = []
        rows = self._read_rows(text)
        if len(rows) < 2 and self.broken:
            raise DataError(self.broken[0])
        if len(rows) < 2:
            raise DataError(f"{path}: {len(rows)} rows; a header and at least one row are needed")
        self.columns: Sequence[str] = rows[0]
        self.rows = rows[1:]
        if len(set(self.columns)) < len(self.columns):
            twice = next(name for name in self.columns if self.columns.count(name) > 1)
            raise DataError(f"{self.place(-1)}: column {twice}: twice in the header, a name is allowed once")

    def _read_rows(self, text: str) -> list[list[str]]:
        """Return the header and the rows, and note the line in which each begins."""
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.separator, strict=True)
        rows: list[list[str]] = []
        line = 1
        try:
            for row in reader:
                if row:
                    if rows and len(row) != len(rows[0]):
                        fault = f"{len(row)} fields, the header has {len(rows[0])} (separator {self.separator!r})"
                        self.broken.append(f"{self.path}:{line}: {fault}")
                    else:
                        rows.append(row)
                        self.lines.append(line)
                line = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"{self.path}:{line}: {error} (in a row that begins in this line)") from error
        return rows

    def place(self, row: int) -> str:
        """Return file and line of a row; the header is row -1."""
        return f"{self.path}:{self.lines[row + 1]}"

    def texts(self, column: str) -> pa.ChunkedArray:
        """Return a column as strings."""
        number = self.columns.index(column)
        return pa.chunked_array([pa.array([row[number] for row in self.rows], pa.string())])

    def times(self, column: str, aside: Collection[int] = (), date_format: str = "") -> np.ndarray:
        """Return a column as int64 or float64 [M], whatever the rows aside hold."""
        return parse_column(self.texts(column), aside, date_format)

    def ratings(self, column: str, aside: Collection[int] = (), decimal: str = ".") -> np.ndarray:
        """Return a column of numbers as int64 or float64 [M], whatever the rows aside hold."""
        return parse_ratings(put_aside(self.texts(column).to_pylist(), aside), decimal)


def _read_text(path: Path) -> bytes:
    """Return the text of a file, which is valid UTF-8.

    Raises:
        DataError: The file cannot be read, or holds a byte that is no UTF-8.
    """
    data = read_bytes(path)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise not_utf8(f"{path}:{line}", data[error.start]) from error
    return data
