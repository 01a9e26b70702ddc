"""A data set in a folder of RecBole atomic files."""

from __future__ import annotations

import html
import os
import re
from functools import cached_property
from html.entities import html5
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from corecbench.api import DataError, UsageError
from corecbench_plugins.datasets.arrow_text import is_among, numbers
from corecbench_plugins.datasets.atomic_file import Field, bad_cell, quoted, read_atomic
from corecbench_plugins.datasets.timestamps import TimeError, of_one_unit, parse_numbers

if TYPE_CHECKING:
    import numpy as np

    from corecbench_plugins.datasets.settings import Folder

USER_ID = Field("user_id", ("token",))
ITEM_ID = Field("item_id", ("token",))
TIMESTAMP = Field("timestamp", ("float",))
TITLE = Field("title", ("token_seq", "token"), alias="movie_title")

# Only with the semicolon: "&reg" without it may be the beginning of a word.
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def open_folder(config: Folder) -> AtomicFolder:
    """Return the data set in the folder that the user named."""
    return AtomicFolder(Path(config.path).expanduser())


class AtomicFolder:
    """A folder with NAME.inter (user_id, item_id, timestamp) and, for texts, NAME.item (item_id, title).

    NAME is the folder's name. A folder's only .inter or .item file may also have another name. Without an .item
    file no item has a text. HTML entities in titles are decoded, also where they were encoded twice.

    Args:
        folder: The folder.
        k_core: The fewest interactions of a user and of an item that the data set is published with.
        all_listed: Whether an item that is missing in the .item file is an error. Otherwise it has no text.
    """

    def __init__(self, folder: Path, k_core: int = 0, all_listed: bool = True) -> None:
        if k_core < 0:
            raise UsageError(f"k_core is {k_core}, must be at least 0")
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; a folder with a NAME.inter file is needed")
        name = os.path.basename(os.path.abspath(folder))
        inter = _find_file(folder, name, ".inter")
        if inter is None:
            raise DataError(f"{folder}: no {name}.inter in this folder; an .inter file is needed")
        self.k_core, self.all_listed = k_core, all_listed
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
        table["timestamp"] = _parse_timestamps(self.inter, table["timestamp"])
        if self.item is not None and self.all_listed:
            unknown = ~is_among(table["item_id"], self._items["item_id"])
            if unknown.any():
                row = int(unknown.argmax())
                fault = f"{quoted(table['item_id'].iloc[row])} is not in {self.item.name}"
                raise bad_cell(self.inter, row, "item_id", fault)
        most = int(table["user_id"].value_counts().max())
        if most < 3:
            fault = f"no user has 3 interactions (most: {most}), at least one is needed to train, validate and test"
            raise DataError(f"{self.inter}: column user_id: {fault}")
        return table

    def items(self) -> pd.DataFrame:
        """Return item_id, title and all other columns of the .item file (str, without HTML entities).

        There are no rows where there is no .item file.

        Raises:
            DataError: A line cannot be used.
        """
        return self._items.copy()

    @cached_property
    def _items(self) -> pd.DataFrame:
        if self.item is None:
            return pd.DataFrame({"item_id": [], "title": []}, dtype=str)
        table = read_atomic(self.item, [ITEM_ID, TITLE], others=True)
        _check_ids(self.item, table["item_id"])
        repeated = table["item_id"].duplicated().to_numpy()
        if repeated.any():
            row = int(repeated.argmax())
            item_id = table["item_id"].iloc[row]
            first = int((table["item_id"] == item_id).to_numpy().argmax())
            fault = f"{quoted(item_id)} is in line {first + 2} already, an item is allowed once"
            raise bad_cell(self.item, row, "item_id", fault)
        return table.assign(**{name: readable(table[name]) for name in table if name != "item_id"})


def readable(texts: pd.Series) -> pd.Series:
    """Return texts without HTML entities, and without white space around them."""
    with_entity = texts.str.contains("&", regex=False)
    if with_entity.any():
        texts = texts.where(~with_entity, texts[with_entity].map(without_entities))
    return texts.str.strip()


def without_entities(title: str) -> str:
    """Return a title with its HTML entities decoded. An entity for white space becomes a blank.

    >>> without_entities("Johnson&#39;s Baby &amp; Me&reg;&nbsp;Soap")
    "Johnson's Baby & Me® Soap"
    >>> without_entities("Salt &amp;amp; Pepper")
    'Salt & Pepper'
    >>> without_entities("AT&T; Q&A; R&D")
    'AT&T; Q&A; R&D'
    """
    for _ in range(2):
        if "&" in title:
            title = ENTITY.sub(_character, title)
    return title


def _character(entity: re.Match[str]) -> str:
    text = entity[0]
    character = html.unescape(text) if text.startswith("&#") else html5.get(text[1:], text)
    return " " if character.isspace() else character


def _find_file(folder: Path, stem: str, suffix: str) -> Path | None:
    """Return the file of this name, else the only file with the suffix, else None."""
    named = folder / f"{stem}{suffix}"
    if named.exists():
        return named
    others = sorted(folder.glob(f"*{suffix}"))
    if len(others) > 1:
        have = ", ".join(path.name for path in others)
        raise DataError(f"{folder}: several {suffix} files and none is {named.name}; have: {have}")
    return others[0] if others else None


def _check_ids(path: Path, ids: pd.Series) -> None:
    empty = (ids == "").to_numpy()
    if empty.any():
        raise bad_cell(path, int(empty.argmax()), str(ids.name), "empty, an id is needed")


def _parse_timestamps(path: Path, texts: pd.Series) -> np.ndarray:
    """Return int64 [M] if all texts are integers, else float64 [M]."""
    plain = numbers(pa.chunked_array(pa.array(texts, from_pandas=True)))
    try:
        return of_one_unit(parse_numbers(texts.tolist()) if plain is None else plain)
    except TimeError as error:
        raise bad_cell(path, error.row, "timestamp", str(error)) from error
