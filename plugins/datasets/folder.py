"""A data set in a folder of RecBole atomic files."""

from __future__ import annotations

import math
import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench.api import DataError
from corecbench_plugins.datasets.atomic import Field, bad_cell, read_atomic, shown

if TYPE_CHECKING:
    from corecbench_plugins.datasets import Folder

USER_ID = Field("user_id", ("token",))
ITEM_ID = Field("item_id", ("token",))
TIMESTAMP = Field("timestamp", ("float",))
TITLE = Field("title", ("token_seq", "token"), alias="movie_title")

INTEGER_CHARACTERS = frozenset("0123456789+-")
NUMBER_CHARACTERS = INTEGER_CHARACTERS | frozenset(".eE")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def open_folder(config: Folder) -> AtomicFolder:
    """Return the data set in the folder that the user named."""
    return AtomicFolder(Path(config.path).expanduser())


class AtomicFolder:
    """A folder with NAME.inter (user_id, item_id, timestamp) and, for texts, NAME.item (item_id, title).

    NAME is the folder's name; a folder with a single .inter or .item file may call it anything. Without an .item
    file no item has a text.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; a folder with a NAME.inter file is needed")
        name = os.path.basename(os.path.abspath(folder))
        inter = _find_file(folder, name, ".inter")
        if inter is None:
            raise DataError(f"{folder}: no {name}.inter in this folder; an .inter file is needed")
        self.inter = inter
        self.item = _find_file(folder, inter.stem, ".item")

    def interactions(self) -> pd.DataFrame:
        """Return user_id, item_id (str) and timestamp (int64 if the file has integers only, else float64).

        Raises:
            DataError: A line cannot be used, or no user has three interactions.
        """
        table = read_atomic(self.inter, [USER_ID, ITEM_ID, TIMESTAMP])
        for column in ("user_id", "item_id"):
            _check_ids(self.inter, table[column])
        table["timestamp"] = _parse_timestamps(self.inter, table["timestamp"].tolist())
        if self.item is not None:
            unknown = ~table["item_id"].isin(self._items["item_id"]).to_numpy()
            if unknown.any():
                row = int(unknown.argmax())
                fault = f"{shown(table['item_id'].iloc[row])} is not in {self.item.name}"
                raise bad_cell(self.inter, row, "item_id", fault)
        most = int(table["user_id"].value_counts().max())
        if most < 3:
            fault = f"no user has 3 interactions (most: {most}), at least one is needed to train, validate and test"
            raise DataError(f"{self.inter}: column user_id: {fault}")
        return table

    def items(self) -> pd.DataFrame:
        """Return item_id and title (str); no rows when there is no .item file.

        Raises:
            DataError: A line cannot be used.
        """
        return self._items.copy()

    @cached_property
    def _items(self) -> pd.DataFrame:
        if self.item is None:
            return pd.DataFrame({"item_id": [], "title": []}, dtype=str)
        table = read_atomic(self.item, [ITEM_ID, TITLE])
        _check_ids(self.item, table["item_id"])
        repeated = table["item_id"].duplicated().to_numpy()
        if repeated.any():
            row = int(repeated.argmax())
            item_id = table["item_id"].iloc[row]
            first = int((table["item_id"] == item_id).to_numpy().argmax())
            fault = f"{shown(item_id)} is in line {first + 2} already, an item is allowed once"
            raise bad_cell(self.item, row, "item_id", fault)
        return table.assign(title=table["title"].str.strip())


def _find_file(folder: Path, stem: str, suffix: str) -> Path | None:
    """Return the file of this name, else the only one with the suffix, else None."""
    named = folder / f"{stem}{suffix}"
    others = sorted(folder.glob(f"*{suffix}"))
    if named.exists() or not others:
        return named if named.exists() else None
    if len(others) > 1:
        have = ", ".join(path.name for path in others)
        raise DataError(f"{folder}: several {suffix} files and none is {named.name}; have: {have}")
    return others[0]


def _check_ids(path: Path, ids: pd.Series) -> None:
    empty = (ids == "").to_numpy()
    if empty.any():
        raise bad_cell(path, int(empty.argmax()), str(ids.name), "empty, an id is needed")


def _parse_timestamps(path: Path, texts: list[str]) -> np.ndarray:
    """Return int64 [M] if all texts are integers, else float64 [M]: float32 would lose seconds."""
    characters = set("".join(texts))
    integers = characters <= INTEGER_CHARACTERS
    try:
        if integers:
            return np.array([int(text) for text in texts], dtype=np.int64)
        if characters <= NUMBER_CHARACTERS:
            numbers = np.array([float(text) for text in texts], dtype=np.float64)
            if np.isfinite(numbers).all():
                return numbers
    except (ValueError, OverflowError):
        pass
    limit = 2.0**63 if integers else math.inf
    row = next(row for row, text in enumerate(texts) if not (NUMBER.fullmatch(text) and abs(float(text)) < limit))
    fault = f"{shown(texts[row])} is not a number that int64 or float64 can hold"
    raise bad_cell(path, row, "timestamp", fault)
