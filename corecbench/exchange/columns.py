"""The columns of imported files, by the names that libraries give them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from corecbench.api import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMES: Mapping[str, tuple[str, ...]] = {
    "user_id": ("user_id", "user", "user_idx", "uid", "query_id", "qid"),
    "item_id": ("item_id", "item", "item_idx", "iid", "doc_id", "docno"),
    "score": ("score", "rating", "relevance", "prediction"),
    "rank": ("rank", "position"),
    "n_candidates": ("n_candidates",),
    "target_item_id": ("target_item_id", "target"),
}
"""What a column holds -> the names by which it is known. Upper case, "_" and what follows ":" are left aside."""


def plain(name: str) -> str:
    """Return a name of a column without what makes no difference.

    >>> plain("userId"), plain("user_id:token")
    ('userid', 'userid')
    """
    return re.sub(r"[^a-z0-9]", "", name.partition(":")[0].casefold())


KNOWN = {plain(name): column for column, names in NAMES.items() for name in names}


def known_columns(names: Sequence[str], file: str) -> dict[str, str]:
    """Return what a column holds -> its name in the file, of the columns that are known; others are left aside.

    Args:
        names: the names of all columns.
        file: the name of the file, for errors.

    Raises:
        DataError: two columns hold the same, or those that are needed are missing.
    """
    found: dict[str, str] = {}
    for name in names:
        column = KNOWN.get(plain(name))
        if column is None:
            continue
        if column in found:
            raise DataError(f"{file}: columns {found[column]!r} and {name!r} both mean {column}; leave one out")
        found[column] = name
    have = ", ".join(names[:10]) or "none"
    if "user_id" not in found:
        raise DataError(f"{file}: no column of users; have: {have}; accepted: {', '.join(NAMES['user_id'])}")
    if "rank" not in found and not {"item_id", "score"} <= found.keys():
        raise DataError(
            f"{file}: neither ranks (user_id, rank) nor lists (user_id, item_id, score or position); have: {have}"
        )
    return found
