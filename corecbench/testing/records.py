"""Toy results: what is stored of a cell, for tests of what reads it, such as trackers and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from corecbench.data.reduction import Reduction
from corecbench.results.checksums import is_stored, read_file, unsealed
from corecbench.results.frames import ITEMS, TOP
from corecbench.results.layout import ITEMS_FILE, RANKS_FILE, RECORD_FILE, side_file
from corecbench.results.record import SCHEMA, sides_of
from corecbench.results.record_file import read_record, record_text
from corecbench.results.user_ranks import RanksReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from corecbench.api import CellRecord, CellResult, RowSide
    from corecbench.results.store import Store


def toy_record(
    domain: str | None = "sasrec",
    llm: str | None = None,
    sharing: str | None = None,
    control: str | None = None,
    *,
    seed: int = 0,
    dataset: str = "toy",
    n_users: int = 2,
    combines: bool = False,
    train_share: float = 1.0,
    cold_items: float = 0.0,
    window: tuple[int, int] | None = None,
    side: Mapping[str, Any] | None = None,
    **fields: Any,
) -> CellResult:
    """Return the contents of the result.json of a cell, which went well unless `status` says otherwise.

    Args:
        domain: the domain model, None for an LLM alone.
        llm: the LLM, None for a domain model alone.
        sharing: the sharing module, "bdlm" for a pair if it is None.
        control: what is different from the pair.
        seed: of the cell.
        dataset: its name.
        n_users: that were tested.
        combines: whether the scores of both sides are combined to a third row.
        train_share: share of the users that train.
        cold_items: share of the items that are left out of training.
        window: which of the windows is tested, and their number; None where there is one.
        side: fields of each side that are to be different.
        **fields: fields of the record that are to be different.
    """
    sharing = (sharing or "bdlm") if domain and llm else None
    name = "+".join(part for part in (domain, llm, sharing, control) if part)
    cell: dict[str, Any] = {
        "name": name,
        "dataset": dataset,
        "domain": domain,
        "llm": llm,
        "sharing": sharing,
        "seed": seed,
    }
    cell |= {"control": control} if control else {}  # not there in older results
    cell |= {"combines": True} if combines else {}
    reduction = Reduction(train_share, cold_items, *(window or ()))
    cell |= {"dataset": reduction.name_of(dataset), **reduction.fields()}
    failed = fields.get("status") == "failed"
    of_side = {
        "metrics": {},
        "n_users": n_users,
        "epochs": 3,
        "best_epoch": 2,
        "validation": 0.1,
        "stopped_by": "patience",
        "train_s": 1.0,
        "trainable_parameters": 1,
        **(side or {}),
    }
    record = {
        "schema": SCHEMA,
        "status": "ok",
        "error": {"type": "RuntimeError", "message": "no luck", "traceback": "Traceback"} if failed else None,
        "cell": cell,
        "hash": "0123abcd",
        "settings": {},
        "protocol": {"split": "leave-one-out"},
        "data": {"fingerprint": "f", "split_fingerprint": "s"},
        "versions": {},
        "plugins": {},
        "commit": None,
        "device": "cpu",
        "started": "2026-11-24T16:00:00+00:00",
        "duration_s": 1.0,
        "peak_memory_bytes": 1,
        "sides": {} if failed else {name: dict(of_side) for name in sides_of(cast("CellRecord", cell))},
        "epochs": [],
        **fields,
    }
    return cast("CellResult", record)


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
    store.write(folder, record, ranks, files, top)
    return folder


def make_early(folder: Path) -> None:
    """Make a stored cell one of an earlier version: it has no checksums, and shares no files."""
    record = read_record(folder)
    for side in record["sides"]:
        ranks = RanksReader().stored(folder, side, record)
        ranks.to_parquet(folder / side_file(record["cell"], side, RANKS_FILE), index=False, compression="zstd")
    if is_stored(folder, ITEMS_FILE, record):
        (folder / ITEMS_FILE).write_bytes(read_file(folder, ITEMS_FILE, record))
    early = {**unsealed(record), "schema": 1}
    (folder / RECORD_FILE).write_text(record_text(cast("CellResult", early)), encoding="utf-8", newline="\n")


def toy_top(users: Iterable[str], lists: Iterable[Sequence[str]]) -> pd.DataFrame:
    """Return the stored best items of one side, all of the same score."""
    of_users = zip(users, lists, strict=True)
    rows = [(user, place, item, 0.5) for user, of in of_users for place, item in enumerate(of, start=1)]
    return pd.DataFrame(rows, columns=list(TOP))
