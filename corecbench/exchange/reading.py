"""Reads the files that other libraries write: CSV, Parquet, and the run files of TREC."""

from __future__ import annotations

import csv
import hashlib
import re
from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from corecbench.api import DataError, UsageError
from corecbench.toolkit import in_memory_of_arrow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Format = Literal["csv", "parquet", "trec"]

SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".trec": "trec",
    ".run": "trec",
}
TREC = ("user_id", "Q0", "item_id", "position", "score", "tag")
"""The columns of a run file of TREC, which has no header."""
IDS = ("user_id", "item_id", "target_item_id")
WHOLE = ("rank", "n_candidates")


NAMES: Mapping[str, tuple[str, ...]] = {
    "user_id": ("user_id", "user", "user_idx", "uid", "query_id", "qid"),
    "item_id": ("item_id", "item", "item_idx", "iid", "doc_id", "docno"),
    "score": ("score", "rating", "relevance", "prediction"),
    "rank": ("rank", "position"),
    "n_candidates": ("n_candidates",),
    "target_item_id": ("target_item_id", "target"),
}
"""What a column holds -> the names by which it is known. Upper case, "_" and what follows ":" are left aside."""


def format_of(path: Path, name: str | None = None) -> Format:
    """Return the format of a file: the one that is named, or else the one that its suffix tells.

    Raises:
        UsageError: there is no such format, or the suffix tells none.
    """
    if name is None:
        if path.suffix.lower() not in SUFFIXES:
            known = ", ".join(SUFFIXES)
            raise UsageError(
                f"{path}: the suffix tells no format ({known}); say it by --format csv, parquet or trec"
            )
        return SUFFIXES[path.suffix.lower()]
    if name not in get_args(Format):
        raise UsageError(f"unknown format {name!r}; have: {', '.join(get_args(Format))}")
    return cast("Format", name)


def read(path: Path, format_: Format) -> tuple[pd.DataFrame, str]:
    """Return the known columns of a file, under the names of `NAMES`, and its sha256 in hex.

    Ids are text, ranks and counts are int64, and scores are float64.

    Raises:
        DataError: the file cannot be read, or lacks a column, or a value is missing or is no number.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file" if not path.exists() else f"{path}: not a file")
    try:
        content = path.read_bytes()
        table = {"csv": _read_csv, "parquet": _read_parquet, "trec": _read_trec}[format_](content, path)
    except (OSError, ValueError, csv.Error) as error:  # pyarrow's own errors are among these
        raise DataError(f"{path}: cannot be read as {format_} ({' '.join(str(error).split())[:200]})") from error
    if not table.num_rows:
        raise DataError(f"{path}: no rows")
    first_line = 2 if format_ == "csv" else 1
    columns = known_columns(table.column_names, str(path))
    frame = pd.DataFrame(
        {name: _values(table[column], name, column, path, first_line) for name, column in columns.items()}
    )
    return frame, hashlib.sha256(content).hexdigest()


def _read_csv(content: bytes, path: Path) -> pa.Table:
    """Return a file of separated values as columns of text. A tab separates if the header holds one."""
    header = content.partition(b"\n")[0].decode("utf-8-sig").rstrip("\r")
    separator = "\t" if "\t" in header else ","
    names = next(csv.reader([header], delimiter=separator), [])
    if len(set(names)) < len(names):
        raise ValueError(f"two columns have the same name in {header[:80]!r}")
    return pa.csv.read_csv(
        in_memory_of_arrow(content),
        parse_options=pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )


def _read_parquet(content: bytes, path: Path) -> pa.Table:
    file = pq.ParquetFile(in_memory_of_arrow(content))
    names = file.schema_arrow.names
    if len(set(names)) < len(names):
        raise ValueError(f"two columns have the same name in {', '.join(names)[:80]}")
    return file.read(columns=list(known_columns(names, str(path)).values()))


def _read_trec(content: bytes, path: Path) -> pa.Table:
    """Return a run file of TREC: six columns apart from each other by blanks or tabs."""
    rows = []
    for number, line in enumerate(content.splitlines(), start=1):
        fields = line.split()
        if len(fields) == len(TREC):
            rows.append((fields[0].decode(), fields[2].decode(), fields[4].decode()))
        elif fields:
            raise ValueError(f"line {number} has {len(fields)} fields, but a run has {len(TREC)}: {' '.join(TREC)}")
    users, items, scores = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table({"user_id": list(users), "item_id": list(items), "score": list(scores)})


def _values(column: pa.ChunkedArray, name: str, heading: str, path: Path, first_line: int) -> np.ndarray:
    """Return a column as text, as int64, or as float64."""
    if column.null_count:
        row = pc.index(column.is_null(), True).as_py()
        raise DataError(f"{path}: column {heading}: nothing in row {row + first_line}")
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if name in IDS:
        if not is_text and not pa.types.is_integer(kind):
            raise DataError(f"{path}: column {heading} holds {kind}; ids are text or whole numbers")
        return np.asarray(column.cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object)
    if not (is_text or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise DataError(f"{path}: column {heading} holds {kind}; numbers are needed")
    values = column.to_numpy(zero_copy_only=False)
    numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(np.float64)
    bad = ~np.isfinite(numbers)
    if name in WHOLE:
        bad |= (numbers != np.floor(numbers)) | (np.abs(numbers) > 2**53)
    if bad.any():
        row = int(np.argmax(bad))
        needed = "a whole number" if name in WHOLE else "a finite number"
        raise DataError(
            f"{path}: column {heading}: {str(values[row])!r:.40} in row {row + first_line} is no {needed[2:]}"
        )
    return np.asarray(numbers, dtype=np.int64 if name in WHOLE else np.float64)


def plain(name: str) -> str:
    """Return a name of a column without what makes no difference.

    >>> plain("userId"), plain("user_id:token")
    ('userid', 'userid')
    """
    return re.sub(r"[^a-z0-9]", "", name.partition(":")[0].casefold())


KNOWN = {plain(name): column for column, names in NAMES.items() for name in names}


def known_columns(names: Sequence[str], file: str) -> dict[str, str]:
    """Return what a column holds -> its name in the file, of the columns that are known; others are left aside.

    Raises:
        DataError: two columns hold the same, or those that are needed are missing.
    """
    found: dict[str, str] = {}
    for name in names:
        column = KNOWN.get(plain(name))
        if column is None:
            continue
        if column in found:
            raise DataError(f"{file}: columns {found[column]!r} and {name!r} both mean {column}; leave one out")
        found[column] = name
    have = ", ".join(names[:10]) or "none"
    if "user_id" not in found:
        raise DataError(f"{file}: no column of users; have: {have}; accepted: {', '.join(NAMES['user_id'])}")
    if "rank" not in found and not {"item_id", "score"} <= found.keys():
        raise DataError(
            f"{file}: neither ranks (user_id, rank) nor lists (user_id, item_id, score or position); have: {have}"
        )
    return found
