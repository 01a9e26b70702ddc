"""Reads the stored tables of a cell from the contents of their files, and checks what they hold."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype

from corecbench.results.frames import COUNTS, FLAGS, ITEMS, TOP, known_columns
from corecbench.results.record import damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


def ranks_table(contents: bytes, file: Path, n_users: int) -> pd.DataFrame:
    """Return the ranks of a side.

    Args:
        contents: those of the file.
        file: is named in errors.
        n_users: how many users the record of the cell counts.

    Raises:
        DamagedError: it is no such table, or holds what no side can have.
    """
    frame = _table(contents, file, known_columns)
    if len(frame) != n_users:
        raise damaged(file, f"{len(frame)} users, but result.json counts {n_users}")
    if not _are_whole(frame, ("rank", "n_candidates")) or (frame["rank"] < 1).any():
        raise damaged(file, "a rank is a whole number from 1 on")
    if (frame["rank"] > frame["n_candidates"]).any():
        worst = frame[frame["rank"] > frame["n_candidates"]].iloc[0]
        raise damaged(file, f"rank {worst['rank']} among {worst['n_candidates']} candidates")
    if frame["user_id"].duplicated().any():
        raise damaged(file, "a user is there twice")
    _check_ids(frame, ("user_id", "target_item_id"), file)
    counts, flags = ([name for name in names if name in frame] for names in (COUNTS, FLAGS))
    if not _are_whole(frame, counts) or (frame[counts] < 0).any(axis=None):
        raise damaged(file, f"{' and '.join(counts)} are whole numbers from 0 on")
    if not all(is_bool_dtype(frame[name]) for name in flags):
        raise damaged(file, f"{' and '.join(flags)} are true or false")
    return frame


def top_table(contents: bytes, file: Path) -> pd.DataFrame:
    """Return the best candidates of a side. Errors are as in `ranks_table`."""
    frame = _table(contents, file, lambda read: read[list(TOP)])
    _check_ids(frame, ("user_id", "item_id"), file)
    if not _are_whole(frame, ("position",)) or (frame["position"] < 1).any():
        raise damaged(file, "a position is a whole number from 1 on")
    return frame


def items_table(contents: bytes, file: Path) -> pd.DataFrame:
    """Return the items of a cell. Errors are as in `ranks_table`."""
    frame = _table(contents, file, lambda read: read[list(ITEMS)])
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


def _table(contents: bytes, file: Path, columns: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """Read some columns of a stored table."""
    try:
        return columns(pd.read_parquet(io.BytesIO(contents)))
    except Exception as error:  # those of pyarrow and pandas are of many classes
        raise damaged(file, f"cannot be read ({' '.join(str(error).split())[:200]})") from error
