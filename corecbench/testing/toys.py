"""Toy data: two small data sets in memory, and a way to write them as files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

THINGS = ("apple", "brick", "crown", "drum", "eagle")
TITLES = [f"{colour} {thing}" for thing in THINGS for colour in ("red", "blue")]
TITLES += [f"{title} again" for title in TITLES]
"""20 titles of two or three words; those at even places are red."""


@dataclass(frozen=True)
class ToySource:
    """A data set in memory."""

    rows: Sequence[tuple[str, str, float]]
    """User id, item id and time, in the order of the file."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Item id -> title."""

    def interactions(self) -> pd.DataFrame:
        """Return user_id, item_id and timestamp."""
        return pd.DataFrame(list(self.rows), columns=["user_id", "item_id", "timestamp"])

    def items(self) -> pd.DataFrame:
        """Return item_id and title."""
        return pd.DataFrame({"item_id": list(self.titles), "title": list(self.titles.values())}, dtype=str)


def circle(n_users: int = 60, n_events: int = 12) -> ToySource:
    """Return users who go around a circle of the 20 items, each from a place of its own: order tells all.

    >>> [item for user, item, time in circle(n_users=2, n_events=3).rows]
    ['i0', 'i1', 'i2', 'i3', 'i4', 'i5']
    """
    steps = ((user, (3 * user + time) % len(TITLES), time) for user in range(n_users) for time in range(n_events))
    return source(steps)


def camps(n_users: int = 40, n_events: int = 8) -> ToySource:
    """Return users of two camps of taste: even users have 8 of the 10 red items, odd users 8 of the blue ones."""
    random = np.random.default_rng(0)
    orders = (random.permutation(len(TITLES) // 2)[:n_events] for _ in range(n_users))
    return source(
        (user, 2 * place + user % 2, time) for user, order in enumerate(orders) for time, place in enumerate(order)
    )


def source(steps: Iterable[tuple[int, int, int]]) -> ToySource:
    """Return numbers of users, titles and times as a data set."""
    rows = [(f"u{user}", f"i{item}", time) for user, item, time in steps]
    return ToySource(rows, {f"i{item}": title for item, title in enumerate(TITLES)})


def write_atomic(toy: ToySource, folder: Path) -> Path:
    """Write a data set as RecBole's atomic files, named like the folder, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "inter": ("user_id:token\titem_id:token\ttimestamp:float", toy.rows),
        "item": ("item_id:token\ttitle:token_seq", toy.titles.items()),
    }
    for suffix, (header, rows) in tables.items():
        lines = [header, *("\t".join(map(str, row)) for row in rows)]
        (folder / f"{folder.name}.{suffix}").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return folder
