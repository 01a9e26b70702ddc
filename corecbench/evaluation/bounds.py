"""Metrics of held-out items whose rank is only known to lie between two bounds. U users."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from corecbench.evaluation.measuring import measure_checked

if TYPE_CHECKING:
    from corecbench.api import Lists, Metric


class BoundedRanks(Protocol):
    """Ranks, and the best ones that they can be."""

    @property
    def rank(self) -> np.ndarray: ...

    @property
    def n_candidates(self) -> np.ndarray: ...

    @property
    def best(self) -> np.ndarray | None: ...


def why_unknown(
    name: str, metric: Metric, measured: np.ndarray, ranks: BoundedRanks, lists: Lists | None = None
) -> str | None:
    """Return why the value of a metric is not known, since some ranks are not; None if it is known.

    It is known if it is the same at the worst and at the best ranks. HR@10 is the same for all ranks beyond 10.

    Args:
        name: the name of the metric, for errors.
        metric: what was computed.
        measured: its values at `ranks.rank`.
        ranks: of all users.
        lists: as for `measure_checked`.

    Raises:
        PluginError: from `measure_checked`.
    """
    if ranks.best is None:
        return None
    best_lists = None if lists is None else replace(lists, rank=ranks.best)
    at_best = measure_checked(name, metric, ranks.best, ranks.n_candidates, best_lists)
    if np.array_equal(at_best, measured):
        return None
    is_unknown = ranks.best != ranks.rank if measured.ndim == 0 else at_best != measured
    low, high = sorted((float(measured.mean()), float(at_best.mean())))
    n_unknown, n_users = int(is_unknown.sum()), len(ranks.best)
    return (
        f"the imported lists of {n_unknown:,} of {n_users:,} users end before the rank of the held-out "
        f"item is known; the value lies from {low:.4f} to {high:.4f}"
    )
