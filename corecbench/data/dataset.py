"""Interactions as numbered rows in the order in which they happened.

Shapes: M interactions, U users, N items; users and items are numbered from 1.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from corecbench.api import Catalog, DataError, PluginError, UsageError
from corecbench.data.item_text import make_texts, parse
from corecbench.data.numbering import counting_up, in_time_order, numbered, repeats_of, stable_order
from corecbench.settings.configure import unknown
from corecbench.toolkit.id_texts import alike_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import DatasetSource

Repeats = Literal["first", "last", "all"]
"""Which interactions of a repeated user-item pair are kept, by time and, for equal times, by order in the file."""

FEWEST_INTERACTIONS = 3
"""Fewest interactions of a user who is tested: one for training, one for validation, one for test."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """The interactions of a data set, sorted by user, then time, then order in the file."""

    catalog: Catalog
    """The users and items that have interactions, numbered by their first row in the file."""
    user: np.ndarray
    """int64 [M], user indices, ascending."""
    item: np.ndarray
    """int64 [M], item indices."""
    timestamp: np.ndarray
    """int64 or float64 [M], ascending within a user."""
    facts: dict[str, int | float]
    """Counts that a reader of results must know; `load_dataset` lists them."""
    fingerprint: str
    """sha256, in hex, of ids, texts and order."""
    notes: Sequence[str] = ()
    """What a user must know of the data, a line each: rows that were left out, and ids written in several ways."""
    positions: str = ""
    """Whose times are positions, in words, before or after anything was left out; "" where times may be real."""


def load_dataset(
    name: str, source: DatasetSource, repeats: Repeats = "first", k_core: int = 0, item_text: str = ""
) -> Dataset:
    """Read a source, number its users and items, and put its interactions in order.

    With `k_core`, users and items with fewer interactions are left out, repeatedly until none are left. A source
    can ask for a k-core too, by an attribute `k_core`. The larger of the two numbers counts.

    Items without an interaction are not in the catalog. `facts` holds these counts:
    `n_users`, `n_items`, `n_interactions`, `items_without_text`, `items_never_used`;
    `sparsity`, the share of all user-item pairs without an interaction;
    `repeated_pairs`, the interactions that repeat a pair, which are left out unless `repeats` is "all";
    `users_too_short`, the users with fewer than 3 interactions, who train and are not tested;
    `users_last_two_tie`, the tested users whose test item is decided by the order of the file;
    `k_core`, and `removed_users`, `removed_items` and `removed_interactions`, which the k-core left out.

    Args:
        name: The name of the data set.
        source: The source of interactions and texts.
        repeats: Which interactions of a repeated pair are kept.
        k_core: The fewest interactions of a user and of an item, counted without repeated pairs; 0 for any number.
        item_text: What the text of an item is made of, such as "{title}; {categories}"; "" for its title.

    Raises:
        DataError: The data cannot be used.
        PluginError: The source gave tables of another form.
        UsageError: `repeats` is unknown, `k_core` is below 0, or `item_text` names a field that items do not have.

    >>> from types import SimpleNamespace
    >>> rows = pd.DataFrame({"user_id": list("bbbba"), "item_id": list("zyxzx"), "timestamp": [9, 5, 7, 9, 1]})
    >>> source = SimpleNamespace(
    ...     interactions=lambda: rows, items=lambda: pd.DataFrame({"item_id": ["y", "w"], "title": ["Why", "Who"]})
    ... )
    >>> toy = load_dataset("toy", source)
    >>> toy.catalog.user_ids, toy.catalog.item_ids, toy.catalog.item_texts
    (('', 'b', 'a'), ('', 'z', 'y', 'x'), ('', '', 'Why', ''))
    >>> toy.user.tolist(), toy.item.tolist(), toy.timestamp.tolist()
    ([1, 1, 1, 2], [2, 3, 1, 3], [5, 7, 9, 1])
    >>> toy.facts["repeated_pairs"], toy.facts["users_too_short"], toy.facts["items_without_text"]
    (1, 1, 2)
    """
    if repeats not in get_args(Repeats):
        raise UsageError(f"unknown repeats {repeats!r}; have: {', '.join(get_args(Repeats))}")
    if k_core < 0:
        raise UsageError(f"k_core is {k_core}, must be at least 0")
    k_core = max(k_core, getattr(source, "k_core", 0))
    rows = _checked(name, "interactions", source.interactions(), ("user_id", "item_id"))
    texts = _item_texts(name, source, item_text)
    user, user_ids = numbered(rows["user_id"])
    item, item_ids = numbered(rows["item_id"])
    timestamp = _timestamps(name, rows)
    del rows  # the texts take more memory than all numbers together
    n_users, n_items, n_never_used = len(user_ids), len(item_ids), len(texts.keys() - set(item_ids))

    row = in_time_order(user, timestamp)  # int64 [M]
    ordered = user[row], item[row]
    positions = counting_up(ordered[0], timestamp[row])
    repeated = repeats_of(*ordered, "last" if repeats == "last" else "first")
    if repeats != "all" and repeated.any():
        row = row[~repeated]
        ordered = user[row], item[row]
    n_before = len(row)
    if k_core > 1:
        row = row[in_core(*ordered, k_core)]
        user, user_ids = _renumbered(user, user_ids, row)
        item, item_ids = _renumbered(item, item_ids, row)
        row = row[stable_order(user[row])]
        ordered = user[row], item[row]
    (user, item), timestamp = ordered, timestamp[row]
    _check_testable(name, user, repeats, k_core)
    alike = [
        alike_in_words(f"{what} ids of {name}", ids, getattr(source, "id_remedy", ""))
        for what, ids in (("user", user_ids), ("item", item_ids))
    ]
    of_users = _user_texts(name, source)
    catalog = Catalog(
        name,
        user_ids,
        item_ids,
        tuple(texts.get(item_id, "") for item_id in item_ids),
        user_texts=tuple(of_users.get(user_id, "") for user_id in user_ids) if of_users else (),
    )
    facts = {
        **_facts(catalog, user, timestamp),
        "repeated_pairs": int(repeated.sum()),
        "items_never_used": n_never_used,
        "k_core": k_core,
        "removed_users": n_users - len(user_ids),
        "removed_items": n_items - len(item_ids),
        "removed_interactions": n_before - len(row),
    }
    further = [catalog.user_texts] if catalog.user_texts else []
    digest = fingerprint(user_ids, item_ids, catalog.item_texts, user, item, *further)
    notes = [*getattr(source, "notes", ()), *filter(None, alike)]
    if len(user) < len(repeated):
        positions = positions or counting_up(user, timestamp)
    return Dataset(catalog, user, item, timestamp, facts, digest, notes, positions)


def in_core(user: np.ndarray, item: np.ndarray, k: int) -> np.ndarray:
    """Return whether each interaction is in the k-core, in which users and items have at least k each, bool [M].

    Users and items with fewer interactions are removed until there are none. The order of removal does not change
    the result, which is the largest such set.

    The interactions are 1-1, 1-2, 2-1, 2-2, 3-2 and 3-3. Item 3 has only one; without it user 3 has only one.

    >>> in_core(np.array([1, 1, 2, 2, 3, 3]), np.array([1, 2, 1, 2, 2, 3]), 2).tolist()
    [True, True, True, True, False, False]

    Args:
        user: int64 [M].
        item: int64 [M].
        k: The fewest interactions.
    """
    kept = np.ones(len(user), dtype=bool)
    while True:
        enough = kept.copy()
        for owner in (user, item):
            enough &= np.bincount(owner[kept], minlength=int(owner.max(initial=0)) + 1)[owner] >= k
        if (enough == kept).all():
            return kept
        kept = enough


def fingerprint(*parts: Sequence[str] | np.ndarray) -> str:
    """Return the sha256 in hex of texts and of integer arrays: the same on every platform.

    >>> fingerprint(["a", "b"], np.array([1, 2], dtype=np.int32)) == fingerprint(("a", "b"), np.array([1, 2]))
    True
    >>> fingerprint(["ab"]) == fingerprint(["a", "b"])
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(b"%d:" % len(part))
            digest.update(np.ascontiguousarray(part, dtype="<i8").data)
        else:
            digest.update(json.dumps(list(part)).encode())
    return digest.hexdigest()


def _checked(name: str, method: str, table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table of a source, if it has these columns and they hold nothing but text."""
    for column in columns:
        if column not in table:
            have = ", ".join(map(str, table.columns))
            raise PluginError(f"data set {name!r}: {method}() has no column {column}; have: {have}")
        missing = table[column].isna().any()
        kind = "missing value" if missing else pd.api.types.infer_dtype(table[column])
        if kind != "string" and len(table):
            raise PluginError(f"data set {name!r}: {method}() gives {kind} as {column}, only str is allowed")
    return table


def _item_texts(name: str, source: DatasetSource, template: str) -> dict[str, str]:
    """Return item_id -> text for the items that the source lists."""
    parts = parse(template) if template else ()
    items = _checked(name, "items", source.items(), ("item_id", "title"))
    _check_listed_once(name, "items", items["item_id"])
    if not parts:
        return dict(zip(items["item_id"].tolist(), items["title"].tolist(), strict=True))
    for part in parts:
        if part.field not in items:
            fields = [str(column) for column in items if column != "item_id"]
            raise unknown(f"item field of data set '{name}'", part.field, fields)
    fields = _checked(name, "items", items, [part.field for part in parts])
    made = make_texts(parts, {part.field: fields[part.field].tolist() for part in parts})
    return dict(zip(items["item_id"].tolist(), made, strict=True))


def _user_texts(name: str, source: DatasetSource) -> dict[str, str]:
    if not hasattr(source, "users"):
        return {}
    users = _checked(name, "users", source.users(), ("user_id", "text"))
    _check_listed_once(name, "users", users["user_id"])
    return dict(zip(users["user_id"].tolist(), users["text"].tolist(), strict=True))


def _check_listed_once(name: str, method: str, ids: pd.Series) -> None:
    repeated = ids[ids.duplicated()]
    if len(repeated):
        what = {"items": "an item", "users": "a user"}[method]
        raise DataError(f"data set {name!r}: {method}() lists {repeated.iloc[0]!r} twice, {what} is allowed once")


def _renumbered(number: np.ndarray, ids: tuple[str, ...], rows: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    kept = pd.unique(number[np.sort(rows)])  # old numbers, in order of first appearance
    new_number = np.zeros(len(ids), dtype=np.int64)
    new_number[kept] = np.arange(1, len(kept) + 1)
    return new_number[number], ("", *(ids[old] for old in kept))


def _timestamps(name: str, rows: pd.DataFrame) -> np.ndarray:
    dtype = rows["timestamp"].dtype if "timestamp" in rows else "nothing"
    if dtype not in (np.int64, np.float64):
        raise PluginError(f"data set {name!r}: interactions() gives {dtype} as timestamp; allowed: int64, float64")
    timestamp: np.ndarray = rows["timestamp"].to_numpy()
    if not np.isfinite(timestamp).all():
        row = int(np.argmin(np.isfinite(timestamp)))
        raise DataError(f"data set {name!r}: timestamp {timestamp[row]} in row {row}, a finite number is needed")
    return timestamp


def _check_testable(name: str, user: np.ndarray, repeats: Repeats, k_core: int) -> None:
    most = int(np.bincount(user).max(initial=0))
    if most < FEWEST_INTERACTIONS:
        core = f"; k_core: {k_core}" if k_core else ""
        fault = f"no user has {FEWEST_INTERACTIONS} interactions (most: {most}; repeated pairs: {repeats}{core})"
        raise DataError(f"data set {name!r}: {fault}, at least one is needed to train, validate and test")


def _facts(catalog: Catalog, user: np.ndarray, timestamp: np.ndarray) -> dict[str, int | float]:
    counts = np.bincount(user, minlength=catalog.n_users + 1)[1:]  # [U]
    tested = counts >= FEWEST_INTERACTIONS
    last = np.cumsum(counts)[tested] - 1
    return {
        "n_users": catalog.n_users,
        "n_items": catalog.n_items,
        "n_interactions": len(user),
        "sparsity": 1 - len(user) / (catalog.n_users * catalog.n_items),
        "items_without_text": catalog.item_texts[1:].count(""),
        "users_too_short": int((~tested).sum()),
        "users_last_two_tie": int((timestamp[last] == timestamp[last - 1]).sum()),
    }
