"""The stored tables of a cell: written small, and checked when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import is_bool_dtype, is_integer_dtype

from corecbench.results.frames import COUNTS, FLAGS
from corecbench.results.record import damaged
from corecbench.toolkit import in_memory_of_arrow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LEAST = {"rank": 1, "position": 1, **dict.fromkeys(("n_candidates", "frequency", *COUNTS), 0)}
"""Column of whole numbers -> the least of them."""
TEXT = "a text"
TYPES = {**dict.fromkeys(("user_id", "target_item_id", "item_id"), TEXT), **dict.fromkeys(FLAGS, "true or false")}
"""Column of another type -> what it holds, in words."""

COMPRESSION_LEVEL = 10
"""Of Brotli. The highest, 11, takes twice as long and saves nothing."""


def write_table(frame: pd.DataFrame, file: Path) -> None:
    """Write a table in few bytes: numbers as int32 where they fit, and byte by byte, which compresses best."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    for place, name in enumerate(table.column_names):
        if table.schema.field(name).type == pa.int64() and frame[name].abs().max() < 2**31:
            table = table.set_column(place, name, table[name].cast(pa.int32()))
    encoding = {
        field.name: "BYTE_STREAM_SPLIT"
        for field in table.schema
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
    }
    if "user_id" in frame:  # each is there once
        encoding["user_id"] = "DELTA_BYTE_ARRAY"
    pq.write_table(
        table,
        file,
        compression="brotli",
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=[name for name in table.column_names if name not in encoding],
        column_encoding=encoding,
        store_schema=False,
    )


def read_table(
    contents: bytes,
    file: Path,
    needed: Sequence[str],
    known: Sequence[str] = (),
    n_rows: int | None = None,
    once: str | None = None,
) -> pd.DataFrame:
    """Return some columns of a stored table, and those of further known ones that exist. int32 becomes int64.

    It has `n_rows` rows, one for each user, if a number is given. Each value of the column `once` is there once.

    Raises:
        DamagedError: it is no such table, or holds what a column cannot have.
    """
    try:
        frame = pd.read_parquet(in_memory_of_arrow(contents))
        frame = frame[[*needed, *(name for name in known if name in frame and name not in needed)]]
    except Exception as error:  # those of pyarrow and pandas are of many classes
        raise damaged(file, f"cannot be read ({' '.join(str(error).split())[:200]})") from error
    if n_rows is not None and len(frame) != n_rows:
        raise damaged(file, f"{len(frame)} users, but result.json counts {n_rows}")
    for name in frame:
        if not _fits(frame[name]):
            needed_type = f"a whole number from {LEAST[name]} on" if name in LEAST else TYPES[name]
            raise damaged(file, f"a {name} is {needed_type}")
    if once is not None and frame[once].duplicated().any():
        raise damaged(file, f"a {once} is there twice")
    return frame.astype({name: "int64" for name in frame if frame[name].dtype == "int32"})


def _fits(column: pd.Series) -> bool:
    if column.name in LEAST:
        return bool(is_integer_dtype(column) and not column.hasnans and (column >= LEAST[column.name]).all())
    if TYPES.get(column.name) == TEXT:
        return pd.api.types.infer_dtype(column) in ("string", "empty") and not column.hasnans
    return column.name not in FLAGS or is_bool_dtype(column)


def check_candidates(ranks: pd.DataFrame, n_candidates: pd.Series, file: Path) -> None:
    beyond = ranks["rank"].to_numpy() > n_candidates.to_numpy()
    if beyond.any():
        worst = beyond.argmax()
        raise damaged(file, f"rank {ranks['rank'].iloc[worst]} among {n_candidates.iloc[worst]} candidates")
