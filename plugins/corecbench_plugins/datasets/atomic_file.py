r"""RecBole's atomic files: tab-separated UTF-8 text whose header gives each column as `name:type`.

The file is checked as a whole before it is parsed, so that a row of the table is a line of the file: the row with
index i is line i + 2. There are no quotes and no escapes; a byte order mark, `\r\n` line ends and blank lines at
the end are accepted.
"""

from __future__ import annotations

import csv
import io
import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench.api import DataError
from corecbench_plugins.datasets.arrow_text import read_columns, to_series
from corecbench_plugins.datasets.text_file import not_utf8, read_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TYPES = ("token", "token_seq", "float", "float_seq")
"""Types of columns."""


@dataclass(frozen=True)
class Field:
    """A column that is needed."""

    name: str
    types: tuple[str, ...]
    """Types that the column may have."""
    alias: str = ""
    """Another name that the column may have in the file; "" for none."""


def read_atomic(path: Path, fields: Sequence[Field], others: bool = False) -> pd.DataFrame:
    """Read some columns of an atomic file as text.

    Args:
        path: The file.
        fields: The columns; each is in the table under the field's name.
        others: Whether all other columns are read too, under their own names.

    Returns:
        One row per line after the header, all cells str, nothing turned into a missing value.

    Raises:
        DataError: The file cannot be read or is not an atomic file with these columns.
    """
    data = _read_lines(path)
    header, _, rows = data.partition(b"\n")
    names = _column_names(path, header.decode())
    needed = {_find_column(path, names, field): field.name for field in fields}
    if others:
        needed |= {name: name for name in names if name not in {*needed, *needed.values()}}
    if not rows:
        raise DataError(f"{path}:1: a header and no rows, at least one row is needed")
    # Arrow refuses a row with too few or too many fields, and skips empty lines
    plain = None if b"\n\n" in data else read_columns(rows, "\t", list(names), list(needed))
    if plain is None:
        _check_rows(path, data, header, len(names))
    _check_header(path, data, header)
    if plain is not None:
        return pd.DataFrame({name: to_series(plain[column]) for column, name in needed.items()})
    table = pd.read_csv(
        io.BytesIO(rows),
        sep="\t",
        header=None,
        names=list(names),
        usecols=list(needed),
        index_col=False,
        dtype=str,
        na_filter=False,
        quoting=csv.QUOTE_NONE,
        encoding="utf-8",
    )
    return table.rename(columns=needed)[list(needed.values())]


def bad_cell(path: Path, row: int, column: str, fault: str) -> DataError:
    """Return the error for one cell of a table from `read_atomic`.

    >>> from pathlib import Path
    >>> print(bad_cell(Path("toy.inter"), 3, "user_id", "empty"))
    toy.inter:5: column user_id: empty
    """
    return DataError(f"{path}:{row + 2}: column {column}: {fault}")


def quoted(text: str) -> str:
    """Return a text from a file in quotes, short and on one line, for a message."""
    return reprlib.repr(text)


def _read_lines(path: Path) -> bytes:
    r"""Return the file as valid UTF-8 whose lines, the last one too, end in `\n`."""
    data = read_bytes(path).replace(b"\r\n", b"\n").rstrip(b"\n")
    if not data:
        raise DataError(f"{path}: empty file, a header is needed, such as user_id:token")
    data += b"\n"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise not_utf8(_place(path, data, error.start), data[error.start]) from error
    for character, name in ((b"\r", "carriage return"), (b"\0", "NUL character")):
        position = data.find(character)
        if position >= 0:
            raise DataError(f"{_place(path, data, position)}: a {name} inside the line; lines end in LF or CRLF")
    return data


def _place(path: Path, data: bytes, position: int) -> str:
    """Name file, line and column of a byte; the header need not be valid yet."""
    line = data.count(b"\n", 0, position)
    column = data.count(b"\t", data.rfind(b"\n", 0, position) + 1, position)
    fields = data.partition(b"\n")[0].decode(errors="replace").split("\t")
    if line == 0 or column >= len(fields):
        return f"{path}:{line + 1}"
    return f"{path}:{line + 1}: column {fields[column].partition(':')[0]}"


def _column_names(path: Path, header: str) -> dict[str, str]:
    """Return name -> type for the columns, in their order."""
    names: dict[str, str] = {}
    for column in header.split("\t"):
        name, colon, kind = column.partition(":")
        if not colon or not name:
            fault = "no name and type; the first line gives each column as name:type, such as user_id:token"
            raise DataError(f"{path}:1: column {quoted(column)}: {fault}")
        if kind not in TYPES:
            allowed = f"allowed: {', '.join(TYPES)}; tabs separate columns"
            raise DataError(f"{path}:1: column {name}: unknown type {quoted(kind)}; {allowed}")
        if name in names:
            raise DataError(f"{path}:1: column {name}: twice in the header, a name is allowed once")
        names[name] = kind
    return names


def _find_column(path: Path, names: dict[str, str], field: Field) -> str:
    """Return the name that a needed column has in the file."""
    name = field.name if field.name in names or field.alias not in names else field.alias
    allowed = " or ".join(f"{name}:{kind}" for kind in field.types)
    if name not in names:
        alias = f" ({field.alias} is allowed too)" if field.alias else ""
        raise DataError(f"{path}:1: column {name}: missing, {allowed} is needed{alias}; have: {', '.join(names)}")
    if names[name] not in field.types:
        raise DataError(f"{path}:1: column {name}: type {names[name]!r}, {allowed} is needed")
    return name


def _check_rows(path: Path, data: bytes, header: bytes, n_columns: int) -> None:
    """Raise a DataError for a line with too few or too many columns."""
    characters = np.frombuffer(data, dtype=np.uint8)
    line_ends = np.flatnonzero(characters == ord("\n"))
    tabs = np.flatnonzero(characters == ord("\t"))
    n_tabs = np.diff(np.searchsorted(tabs, line_ends), prepend=0)
    bad_rows = np.flatnonzero(n_tabs != n_columns - 1)
    if bad_rows.size:
        row = int(bad_rows[0])
        text = data.split(b"\n", row + 1)[row]
        content = f"{n_tabs[row] + 1} columns" if text else "an empty line"
        raise DataError(f"{path}:{row + 1}: {content}, the header has {n_columns} columns")


def _check_header(path: Path, data: bytes, header: bytes) -> None:
    """Raise a DataError for a second header."""
    repeated = data.find(b"\n" + header + b"\n")
    if repeated >= 0:
        line = data.count(b"\n", 0, repeated) + 2
        raise DataError(f"{path}:{line}: the header again, it is allowed in line 1 only")
