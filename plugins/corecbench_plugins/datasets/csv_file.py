"""Tables with separated values and a header: UTF-8, fields in double quotes where they hold the separator."""

from __future__ import annotations

import csv
import functools
import io
from array import array
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import DataError
from corecbench_plugins.datasets.atomic import BYTE_ORDER_MARK
from corecbench_plugins.datasets.mapped import MappedSource
from corecbench_plugins.datasets.timestamps import parse_times

if TYPE_CHECKING:
    import numpy as np

    from corecbench_plugins.datasets import Csv


def open_csv(config: Csv) -> MappedSource:
    """Return the data set in one file, or in two."""
    read = functools.partial(CsvSheet, separator=config.separator)
    items = functools.partial(read, Path(config.items).expanduser()) if config.items else None
    return MappedSource(config, functools.partial(read, Path(config.path).expanduser()), items)


class CsvSheet:
    """A file of separated values. Lines without anything are skipped.

    Args:
        path: The file.
        separator: Between fields; "" for a tab in a .tsv file and a comma in others.

    Raises:
        DataError: The file cannot be read, has no rows, or a row has too few or too many fields.
    """

    def __init__(self, path: Path, separator: str = ""):
        self.path, self.name = path, str(path)
        self.separator = {"": "\t" if path.suffix == ".tsv" else ",", "tab": "\t"}.get(separator, separator)
        self.lines = array("q")  # where each row begins
        rows = self._rows(_decoded(path))
        if len(rows) < 2:
            raise DataError(f"{path}: {len(rows)} rows; a header and at least one row are needed")
        self.columns, *self.rows = rows
        if len(set(self.columns)) < len(self.columns):
            twice = next(name for name in self.columns if self.columns.count(name) > 1)
            raise DataError(f"{self.place(-1)}: column {twice}: twice in the header, a name is allowed once")

    def _rows(self, text: str) -> list[list[str]]:
        """Return the header and the rows, and note the lines in which they begin."""
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.separator, strict=True)
        rows: list[list[str]] = []
        line = 1
        try:
            for row in reader:
                if row:
                    if rows and len(row) != len(rows[0]):
                        fault = f"{len(row)} fields, the header has {len(rows[0])} (separator {self.separator!r})"
                        raise DataError(f"{self.path}:{line}: {fault}")
                    rows.append(row)
                    self.lines.append(line)
                line = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"{self.path}:{line}: {error} (in a row that begins in this line)") from error
        return rows

    def place(self, row: int) -> str:
        """Return file and line of a row; the header is row -1."""
        return f"{self.path}:{self.lines[row + 1]}"

    def texts(self, column: str) -> list[str]:
        """Return a column as it is written."""
        number = self.columns.index(column)
        return [row[number] for row in self.rows]

    def times(self, column: str) -> np.ndarray:
        """Return a column as int64 or float64 [M]."""
        return parse_times(self.texts(column))


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes().removeprefix(BYTE_ORDER_MARK)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = f"byte 0x{data[error.start]:02x} is not UTF-8; convert the file to UTF-8"
        raise DataError(f"{path}:{line}: {fault}") from error
