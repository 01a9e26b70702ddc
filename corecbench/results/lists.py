"""The stored lists of a side as metrics read them. U users, N items, k places of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench.api import CellResult, Lists, Metric, RowSide
from corecbench.evaluation.measuring import depth
from corecbench.results.record import ResultsError, damaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from corecbench.results.store import Store


def lists_of(
    store: Store, folder: Path, side: RowSide, ranks: pd.DataFrame, metrics: Mapping[str, Metric]
) -> Lists | None:
    """Return the lists of one side of a cell, as long as the metrics need them; None if none reads any.

    The ranks are indexed by user_id; the lists have the same order.

    Raises:
        ResultsError: the lists were not stored, or not with enough items.
        DamagedError: ranks, lists or items are damaged, or do not fit each other.
    """
    name, k = max(((name, depth(metric)) for name, metric in metrics.items()), key=lambda pair: pair[1])
    if k == 0:
        return None
    top, items = store.top(folder, side), store.items(folder)
    top = top[top["position"] <= k]
    user, known = ranks.index.get_indexer(top["user_id"]), pd.Index(items["item_id"])
    item, target = (known.get_indexer(ids) + 1 for ids in (top["item_id"], ranks["target_item_id"]))
    if -1 in user or 0 in item or 0 in target:
        raise damaged(folder, "ranks, lists and items name different users or items")
    lists = np.zeros((len(ranks), k), dtype=np.int64)
    lists[user, top["position"].to_numpy() - 1] = item
    stored = np.count_nonzero(lists, axis=1)
    if stored.sum() != len(top):
        raise damaged(folder, "a list has two items in one place")
    if (stored < ranks["n_candidates"].clip(upper=k)).any():
        raise ResultsError(
            f"{folder}: {name} reads the {k} best items of each user, but {stored.max()} are stored; run the cell "
            f"again with --set run.top_k={k} --existing replace"
        )
    frequency = np.concatenate([[0], items["frequency"].to_numpy()])  # [N+1]
    return Lists(lists, target, ranks["rank"].to_numpy(), frequency)


def why_too_deep(record: CellResult, metrics: Mapping[str, Metric]) -> dict[str, str]:
    """Return metric -> why it has no value, of those that read longer lists than were imported.

    Nothing is too deep for a cell that was trained: it can be run again with longer lists.
    """
    if "imported" not in record:
        return {}
    stored = record["imported"]["list_depth"]
    have = f"every imported list has {stored}" if stored else "no such lists were imported for every user"
    return {
        name: f"it reads the {depth(metric)} best items of each user, but {have}"
        for name, metric in metrics.items()
        if depth(metric) > stored
    }
