"""Summarises a data set before anything is trained on it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.data.structure import structure
from corecbench.data.time_split import in_brief, orders
from corecbench.data.times import date_of
from corecbench.toolkit import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from corecbench.data.dataset import Dataset
    from corecbench.data.loaded import SplitDataset

LAST = 5
"""So many interactions of a user are shown."""
LABELS = {
    "n_users": "users",
    "n_items": "items",
    "n_interactions": "interactions",
    "sparsity": "sparsity",
    "interactions_per_user": "interactions per user",
    "interactions_per_item": "interactions per item",
    "users_too_short": "users that are not tested (fewer than 3 interactions)",
    "users_last_two_tie": "users whose last two interactions tie",
    "tested_users": "tested users",
    "validated_users": "users with a validation item",
    "users_tied": "users who are not ranked, since the file decides their held-out items",
    "users_without_test_history": "users who are not tested, since all has the time of the test item",
    "users_without_validation_history": "tested users without history before the time of the validation item",
    "interactions_beside_held_out": "interactions at the time of a held-out item, which train nothing",
    "items_without_text": "items without a title",
    "items_never_used": "items without an interaction, left out",
    "repeated_pairs": "repeated user-item pairs",
    "k_core": "k-core (0: off)",
    "removed_users": "users that the k-core left out",
    "removed_items": "items that the k-core left out",
    "removed_interactions": "interactions that the k-core left out",
    "training_users": "users that train",
    "training_items": "items in training",
    "training_interactions": "interactions in training",
    "validation_begins": "time at which validation begins",
    "test_begins": "time at which test begins",
    "users_without_history": "users who are not tested, since they have no history before the test",
    "users_drawn": "tested users whose test item is one of several of the same time",
    "targets_new": "tested users whose test item is not in training yet",
    "items_new": "items that are not in training yet",
    "least_candidates": "fewest items that exist at the time of a test item",
    "most_candidates": "most items that exist at the time of a test item",
    "split_by_last_items": "can be split by leave-one-out",
    "split_by_time": "can be split by time",
    "last_two_tie": "share of users whose last two interactions tie",
    "new_targets_refit": "share of test items without training interaction, split by time, trained up to the test",
    "new_targets_stale": "the same, trained up to validation only",
    "branching": "branching, means over items with at least 5 next items",
    "smoothness": "smoothness, TF-IDF cosine of items in a row minus that of any two",
    "dependence": "share of next items that others, too, had next to the last item, or to an earlier one",
    "fingerprint": "fingerprint",
}
"""Fact of `summary` -> its label, in the order of the printed summary."""


def summary(data: SplitDataset) -> dict[str, Any]:
    """Return the facts of a data set, the spread of its interactions over users and items, and its fingerprint."""
    dataset, held = data.dataset, data.split.held
    return {
        "name": dataset.catalog.name,
        **data.facts,
        "tested_users": len(held["test"].users),
        "validated_users": len(held["validation"].users),
        "split_by_last_items": f"yes, with --ties {' or '.join(orders(dataset))}",
        **({} if data.split.by_time else {"split_by_time": in_brief(dataset)}),
        **structure(dataset),
        "interactions_per_user": spread(np.bincount(dataset.user)[1:]),
        "interactions_per_item": spread(np.bincount(dataset.item)[1:]),
        "fingerprint": dataset.fingerprint,
    }


def spread(counts: np.ndarray) -> dict[str, int | float]:
    """Return minimum, median, mean and maximum of counts, int64 [n].

    >>> spread(np.array([1, 2, 2, 7]))
    {'min': 1, 'median': 2.0, 'mean': 3.0, 'max': 7}
    """
    return {
        "min": int(counts.min()),
        "median": float(np.median(counts)),
        "mean": float(counts.mean()),
        "max": int(counts.max()),
    }


def lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield a summary as text, a line for each fact.

    >>> spread = {"min": 3, "mean": 4.5}
    >>> list(lines({"name": "toy", "n_users": 6040, "sparsity": 0.5, "interactions_per_user": spread}))
    ['toy', '  users: 6,040', '  sparsity: 50.000%', '  interactions per user: min 3, mean 4.5']
    """
    yield facts["name"]
    labelled = [name for name in LABELS if name in facts]
    for name in labelled + [name for name in facts if name not in LABELS and name != "name"]:
        yield f"  {LABELS.get(name, name)}: {shown(name, facts[name])}"


def histories(dataset: Dataset) -> Iterator[str]:
    catalog = dataset.catalog
    start = np.searchsorted(dataset.user, np.arange(1, min(3, catalog.n_users) + 2))
    for user, (begin, end) in enumerate(itertools.pairwise(start.tolist()), start=1):
        items = dataset.item[max(begin, end - LAST) : end].tolist()
        named = (printable(catalog.item_texts[item] or catalog.item_ids[item]) for item in items)
        more = f"... {end - begin - LAST:,} more; " if end - begin > LAST else ""
        yield f"  user {printable(catalog.user_ids[user])}: {more}{'; '.join(named)}"


def shown(name: str, value: object) -> str:
    """Return the value of a fact as text."""
    if isinstance(value, dict):
        digits = 3 if name == "dependence" else 1
        return ", ".join(f"{key} {number:,.{digits}f}".removesuffix(".0") for key, number in value.items())
    if name == "sparsity":
        return f"{value:.3%}"
    if name in ("last_two_tie", "new_targets_refit", "new_targets_stale"):
        return f"{value:.1%}"
    if isinstance(value, float) and name == "smoothness":
        return f"{value:.3f}"
    if name.endswith("_begins") and isinstance(value, int | float):
        return f"{value} ({date})" if (date := date_of(value)) else str(value)
    return f"{value:,}" if isinstance(value, int | float) else str(value)
