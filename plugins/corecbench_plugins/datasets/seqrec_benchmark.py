"""Data sets of SeqRecBenchmark (Yang et al., NeurIPS 2024), whose archives hold two pickled tables.

user2item.pkl has a row for each user (UserID, and the lists ItemID and Timestamp in the order of time),
item2title.pkl one for each item (ItemID, Title). No sha256 of the archives is published, so that of their contents
is checked, which was computed from an earlier conversion.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corecbench.api import DataError
from corecbench.toolkit import dataset_folder
from corecbench_plugins.datasets.atomic_folder import AtomicFolder
from corecbench_plugins.datasets.pickled_table import read_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TABLES = ("user2item.pkl", "item2title.pkl")
INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
ITEM = "item_id:token\ttitle:token_seq"


@dataclass(frozen=True)
class Known:
    """The size of a data set, and the checksum of its contents (`checksum`)."""

    users: int
    items: int
    interactions: int
    sha256: str


KNOWN = {
    "amazon-beauty-timed": Known(
        22_332, 12_086, 198_215, "caf9c0fa5018a3751d611dff6e33a6f1f53311c2e342e517d273376dffaf041c"
    ),
    "amazon-games": Known(
        50_597, 16_874, 453_637, "f7bc4417253dc30384bf7f00e869e597c60ea8de5be4c297d4a038530410f33c"
    ),
}


def open_beauty_timed(config: None = None) -> AtomicFolder:
    """Return Amazon 2014 Beauty with real times."""
    return AtomicFolder(dataset_folder("amazon-beauty-timed"))


def open_games(config: None = None) -> AtomicFolder:
    """Return Amazon 2018 Video Games."""
    return AtomicFolder(dataset_folder("amazon-games"))


def convert(folder: Path) -> None:
    """Turn the two tables in a folder into NAME.inter and NAME.item; NAME is the name of the folder.

    Ids are the source's numbers, rows stand in its order, and `rating` is 1. Of the titles, tabs and line breaks
    become a blank, and blanks at the ends go.

    Raises:
        DataError: A table cannot be read, or the result is not the data set of this name.
    """
    tables = [folder / f"{folder.name}{table}" for table in TABLES]
    users, items = (read_columns(table) for table in tables)
    try:
        rows = [
            (user, item, time)
            for user, history, times in zip(users["UserID"], users["ItemID"], users["Timestamp"], strict=True)
            for item, time in zip(history, times, strict=True)
        ]
        titles = [
            (item, re.sub(r"[\t\r\n]+", " ", title).strip())
            for item, title in zip(items["ItemID"], items["Title"], strict=True)
        ]
        found = Known(len({row[0] for row in rows}), len(titles), len(rows), checksum(rows, titles))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder.name}: its tables are not as expected: {error!r}; nothing was changed") from error
    if found != KNOWN[folder.name]:
        raise DataError(f"{folder.name}: got {found}, must be {KNOWN[folder.name]}; nothing was changed")
    write(folder / f"{folder.name}.inter", INTER, [f"{user}\t{item}\t1\t{time}" for user, item, time in rows])
    write(folder / f"{folder.name}.item", ITEM, [f"{item}\t{title}" for item, title in titles])
    for table in tables:
        table.unlink()


def checksum(rows: Sequence[tuple[int, int, int]], titles: Sequence[tuple[int, str]]) -> str:
    """Return the sha256 of interactions and titles, in hex, whatever their order and the blanks in titles."""
    lines = [f"{user}\t{item}\t{time}" for user, item, time in rows]
    lines += [f"{item}\t{' '.join(title.split())}" for item, title in titles]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def write(path: Path, header: str, lines: Sequence[str]) -> None:
    """Write an atomic file."""
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8", newline="\n")
