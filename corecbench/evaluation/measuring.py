"""What a metric makes of the ranks and the lists of a side. U users, k places of a list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from corecbench.api import Lists, Metric

METHODS = ("per_user", "per_list", "overall")
"""Of which a metric has one."""


def method_of(metric: Metric) -> str:
    """Return which of METHODS a metric has; the first where it has none, which then is what is missing."""
    return next((name for name in METHODS if hasattr(metric, name)), METHODS[0])


def is_overall(metric: Metric) -> bool:
    """Return whether a metric has one value of all lists together and none of a user."""
    return method_of(metric) == "overall"


def depth(metric: Metric) -> int:
    """Return how many of each user's best items a metric reads; 0 for one of ranks."""
    return 0 if method_of(metric) == "per_user" else metric.k


def measure(
    metric: Metric, rank: np.ndarray, n_candidates: np.ndarray, lists: Lists | None = None
) -> np.ndarray | float:
    """Return a metric of each user, float64 [U], or its one value.

    Args:
        metric: what is computed.
        rank: int64 [U], from 1.
        n_candidates: int64 [U], items that each held-out item was ranked among.
        lists: of the same users, as long as the metric needs them or longer; only metrics of ranks do without.
    """
    method = method_of(metric)
    if method == "per_user":
        return metric.per_user(rank, n_candidates)
    return getattr(metric, method)(replace(lists, items=lists.items[:, : metric.k]))
