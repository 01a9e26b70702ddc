"""The stored tables of a cell: written small, and checked when they are read."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import is_bool_dtype, is_integer_dtype

from corecbench.results.frames import (
    BEST_RANK,
    COLUMNS,
    COUNTS,
    FACTS,
    FLAGS,
    ITEMS,
    TOP,
    TRAINING_FACTS,
    USER_COLUMNS,
)
from corecbench.results.record import damaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

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


def ranks_table(contents: bytes, file: Path, n_users: int) -> pd.DataFrame:
    """Return the ranks of a side. Those of earlier versions hold the users and the facts about them, too.

    Args:
        contents: those of the file.
        file: is named in errors.
        n_users: how many users the record of the cell counts.

    Raises:
        DamagedError: it is no such table, or holds what no side can have.
    """
    frame = _table(contents, file, ("rank",), (*COLUMNS, *FACTS, BEST_RANK))
    _check_length(frame, file, n_users)
    if not _are_whole(frame, ("rank",)) or (frame["rank"] < 1).any():
        raise damaged(file, "a rank is a whole number from 1 on")
    return frame


def check_candidates(ranks: pd.DataFrame, n_candidates: pd.Series, file: Path) -> None:
    """Make sure that no rank is beyond the candidates of its user.

    Raises:
        DamagedError: one is.
    """
    beyond = ranks["rank"].to_numpy() > n_candidates.to_numpy()
    if beyond.any():
        worst = beyond.argmax()
        raise damaged(file, f"rank {ranks['rank'].iloc[worst]} among {n_candidates.iloc[worst]} candidates")


def users_table(contents: bytes, file: Path, n_users: int) -> pd.DataFrame:
    """Return the users of a side, and what is known of them. Arguments and errors are as in `ranks_table`."""
    frame = _table(contents, file, USER_COLUMNS, FACTS)
    _check_length(frame, file, n_users)
    if not _are_whole(frame, ("n_candidates",)):
        raise damaged(file, "a number of candidates is a whole number")
    if frame["user_id"].duplicated().any():
        raise damaged(file, "a user is there twice")
    _check_ids(frame, ("user_id", "target_item_id"), file)
    _check_facts(frame, file)
    return frame


def training_table(contents: bytes, file: Path, n_users: int) -> pd.DataFrame:
    """Return what is known of users by what is trained on. Arguments and errors are as in `ranks_table`."""
    frame = _table(contents, file, (), TRAINING_FACTS)
    _check_length(frame, file, n_users)
    _check_facts(frame, file)
    return frame


def _check_facts(frame: pd.DataFrame, file: Path) -> None:
    counts, flags = ([name for name in names if name in frame] for names in (COUNTS, FLAGS))
    if not _are_whole(frame, counts) or (frame[counts] < 0).any(axis=None):
        raise damaged(file, f"{' and '.join(counts)} are whole numbers from 0 on")
    if not all(is_bool_dtype(frame[name]) for name in flags):
        raise damaged(file, f"{' and '.join(flags)} are true or false")


def top_table(contents: bytes, file: Path) -> pd.DataFrame:
    """Return the best candidates of a side. Errors are as in `ranks_table`."""
    frame = _table(contents, file, TOP)
    _check_ids(frame, ("user_id", "item_id"), file)
    if not _are_whole(frame, ("position",)) or (frame["position"] < 1).any():
        raise damaged(file, "a position is a whole number from 1 on")
    return frame


def items_table(contents: bytes, file: Path) -> pd.DataFrame:
    """Return the items of a cell. Errors are as in `ranks_table`."""
    frame = _table(contents, file, ITEMS)
    _check_ids(frame, ("item_id",), file)
    if not _are_whole(frame, ("frequency",)) or (frame["frequency"] < 0).any():
        raise damaged(file, "a frequency is a whole number from 0 on")
    if frame["item_id"].duplicated().any():
        raise damaged(file, "an item is there twice")
    return frame


def _are_whole(frame: pd.DataFrame, names: Iterable[str]) -> bool:
    """Return whether columns hold nothing but whole numbers."""
    return all(is_integer_dtype(frame[name]) and not frame[name].hasnans for name in names)


def _check_ids(frame: pd.DataFrame, names: Iterable[str], file: Path) -> None:
    """Raise DamagedError if a column of ids holds anything but text."""
    for name in names:
        if pd.api.types.infer_dtype(frame[name]) not in ("string", "empty") or frame[name].hasnans:
            raise damaged(file, f"a {name} is a text")


def _check_length(frame: pd.DataFrame, file: Path, n_users: int) -> None:
    if len(frame) != n_users:
        raise damaged(file, f"{len(frame)} users, but result.json counts {n_users}")


def _table(contents: bytes, file: Path, needed: Sequence[str], known: Sequence[str] = ()) -> pd.DataFrame:
    """Return some columns of a stored table, and those of further known ones that exist. int32 becomes int64."""
    try:
        frame = pd.read_parquet(io.BytesIO(contents))
        frame = frame[[*needed, *(name for name in known if name in frame and name not in needed)]]
    except Exception as error:  # those of pyarrow and pandas are of many classes
        raise damaged(file, f"cannot be read ({' '.join(str(error).split())[:200]})") from error
    return frame.astype({name: "int64" for name in frame if frame[name].dtype == "int32"})
