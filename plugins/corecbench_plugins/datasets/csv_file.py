"""Tables with separated values and a header: UTF-8, fields in double quotes where they hold the separator."""

from __future__ import annotations

import csv
import io
from array import array
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import DataError
from corecbench_plugins.datasets.column_source import ColumnSource
from corecbench_plugins.datasets.text_file import not_utf8, read_bytes
from corecbench_plugins.datasets.timestamps import parse_times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from corecbench_plugins.datasets.settings import Csv


def open_csv(config: Csv) -> ColumnSource:
    """Return the data set in one file, or in two."""

    def reader(path: str) -> Callable[[], CsvTable]:
        return lambda: CsvTable(Path(path).expanduser(), config.separator)

    return ColumnSource(config, reader(config.path), reader(config.items) if config.items else None)


class CsvTable:
    """A file of separated values. Empty lines are skipped.

    Args:
        path: The file.
        separator: What stands between fields; "" for a tab in a .tsv file and a comma in other files.

    Raises:
        DataError: The file cannot be read, has no rows, or a row has too few or too many fields.
    """

    def __init__(self, path: Path, separator: str = "") -> None:
        self.path, self.name = path, str(path)
        self.separator = {"": "\t" if path.suffix == ".tsv" else ",", "tab": "\t"}.get(separator, separator)
        self.lines = array("q")  # where each row begins
        rows = self._rows(_read_text(path))
        if len(rows) < 2:
            raise DataError(f"{path}: {len(rows)} rows; a header and at least one row are needed")
        self.columns: Sequence[str] = rows[0]
        self.rows = rows[1:]
        if len(set(self.columns)) < len(self.columns):
            twice = next(name for name in self.columns if self.columns.count(name) > 1)
            raise DataError(f"{self.place(-1)}: column {twice}: twice in the header, a name is allowed once")

    def _rows(self, text: str) -> list[list[str]]:
        """Return the header and the rows, and note the line in which each begins."""
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
        """Return a column as text."""
        number = self.columns.index(column)
        return [row[number] for row in self.rows]

    def times(self, column: str) -> np.ndarray:
        """Return a column as int64 or float64 [M]."""
        return parse_times(self.texts(column))


def _read_text(path: Path) -> str:
    data = read_bytes(path)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise not_utf8(f"{path}:{line}", data[error.start]) from error
