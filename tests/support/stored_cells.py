"""Stores toy cells, such as `toy_record` makes them, and changes stored ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from corecbench.data.archive import sha256_of
from corecbench.results.checksums import checksum
from corecbench.results.frames import ITEMS, TOP
from corecbench.results.layout import ITEMS_FILE, RECORD_FILE
from corecbench.results.record import record_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from corecbench.api import CellResult, RowSide
    from corecbench.results.store import Store


def toy_ranks(rank: Sequence[int], users: Sequence[str] | None = None, **columns: Any) -> pd.DataFrame:
    """Return the stored ranks of one side.

    Args:
        rank: of each user's held-out item, among 9 candidates, or as many as it takes, unless `n_candidates` says
            otherwise.
        users: their ids; u0, u1, ... by default.
        **columns: further columns, or other values of those that are there.
    """
    frame = pd.DataFrame({"user_id": list(users or [f"u{user}" for user in range(len(rank))])}, dtype=str)
    ranks = np.array(rank, dtype=np.int64)
    return frame.assign(**{"target_item_id": "i", "rank": ranks, "n_candidates": ranks.max(initial=9), **columns})


def store_cell(
    store: Store,
    record: CellResult,
    ranks: Mapping[RowSide, pd.DataFrame],
    lists: Sequence[Sequence[str]] | None = None,
    frequency: Mapping[str, int] | None = None,
) -> Path:
    """Write a cell where it belongs in a store, and return its folder.

    Args:
        store: takes it.
        record: what becomes result.json.
        ranks: of each side, such as `toy_ranks` makes them.
        lists: the best items of each user in the order of the ranks, alike on both sides; None stores none.
        frequency: item -> interactions in training; None stores none.
    """
    cell, files, top = record["cell"], {}, None
    folder = store.folder(cell["name"], cell["dataset"], cell["seed"], record["hash"])
    if frequency is not None:
        items = pd.DataFrame(list(frequency.items()), columns=list(ITEMS))
        files[ITEMS_FILE] = items.to_parquet
    if lists is not None:
        top = {side: toy_top(frame["user_id"], lists) for side, frame in ranks.items()}
    most = np.maximum.reduce([frame["n_candidates"] for frame in ranks.values()]) if ranks else 0
    store.write(folder, record, {side: each.assign(n_candidates=most) for side, each in ranks.items()}, files, top)
    return folder


def reseal(folder: Path, **fields: Any) -> None:
    """Give the record of a cell other fields, and the checksums of what lies in its folder now."""
    record = json.loads((folder / RECORD_FILE).read_text()) | fields
    record["files"] |= {name: sha256_of(folder / name) for name in record["files"] if (folder / name).is_file()}
    new = cast("CellResult", record | {"checksum": checksum(record)})
    (folder / RECORD_FILE).write_text(record_text(new), encoding="utf-8", newline="\n")


def toy_top(users: Iterable[str], lists: Iterable[Sequence[str]]) -> pd.DataFrame:
    """Return the stored best items of one side, all of the same score."""
    of_users = zip(users, lists, strict=True)
    rows = [(user, place, item, 0.5) for user, of in of_users for place, item in enumerate(of, start=1)]
    return pd.DataFrame(rows, columns=list(TOP))
