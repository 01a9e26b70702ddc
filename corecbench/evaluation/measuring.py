"""The values that a metric gives for the ranks and the lists of a row. U users, k places of a list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from corecbench.api import PluginError
from corecbench.plugin.discovery import reason
from corecbench.plugin.guard import Guarded, named_fault, owner_of

if TYPE_CHECKING:
    from corecbench.api import Lists, Metric

METHODS = ("per_user", "per_list", "overall")
"""A metric has one of these methods."""

NUMBERS = "biuf"
"""Kinds of numpy's dtypes that are real numbers; true and false count as 1 and 0."""


@dataclass
class UnusableMetric:
    """A metric that raises why it cannot be used, instead of giving values."""

    error: PluginError
    higher_is_better: bool = True

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> NoReturn:
        raise self.error


def method_of(metric: Metric) -> str:
    return next((name for name in METHODS if hasattr(metric, name)), METHODS[0])


def is_overall(metric: Metric) -> bool:
    return method_of(metric) == "overall"


def depth(metric: Metric) -> int:
    return 0 if method_of(metric) == "per_user" else metric.k  # type: ignore[union-attr]


def check_metric(name: str, metric: Metric) -> None:
    """Make sure that a metric has the attributes of its kind.

    Raises:
        PluginError: it has no method, no direction, or no depth, in one line that names metric and plugin.
    """
    owner = _owner(name, metric)
    try:
        method = method_of(metric)
        lacks = [needed for needed in (method, "higher_is_better") if not hasattr(metric, needed)]
        k = 1 if lacks or method == "per_user" else depth(metric)
    except Exception as error:
        raise named_fault(f"{owner} cannot be used: {reason(error)}") from error
    if lacks:
        needed = f"one of {', '.join(METHODS)}" if lacks[0] in METHODS else lacks[0]
        raise named_fault(f"{owner} cannot be used: it needs {needed}")
    if not isinstance(k, int | np.integer) or k < 1:
        raise named_fault(f"{owner} cannot be used: its k is a whole number from 1 on, got {k!r}")


def measure(
    metric: Metric, rank: np.ndarray, n_candidates: np.ndarray, lists: Lists | None = None
) -> np.ndarray | float:
    """Return what a metric gives: a value per user, float64 [U], or its one value.

    Args:
        metric: what is computed.
        rank: int64 [U], from 1.
        n_candidates: int64 [U], the number of items that each held-out item was ranked among.
        lists: the best items of the same users, at least as many as the metric reads. Metrics of ranks need none.
    """
    method = method_of(metric)
    if method == "per_user":
        return metric.per_user(rank, n_candidates)  # type: ignore[union-attr]
    if lists is None:
        raise ValueError("a metric that reads the best items of each user needs lists")
    shortened = replace(lists, items=lists.items[:, : depth(metric)])
    values: np.ndarray | float = getattr(metric, method)(shortened)
    return values


def measure_checked(
    name: str, metric: Metric, rank: np.ndarray, n_candidates: np.ndarray, lists: Lists | None = None
) -> np.ndarray:
    """Return the values of a metric, float64 [U], or float64 [] for a metric of all lists together.

    The metric reads copies that cannot be written to, so that it changes neither the ranks nor its own input.

    Args:
        name: the name of the metric, for errors.
        metric: as in `measure`.
        rank: as in `measure`.
        n_candidates: as in `measure`.
        lists: as in `measure`.

    Raises:
        PluginError: the metric raised, or gave anything but finite numbers, one for each user or one for all. The
            message is one line that names metric and plugin.
    """
    owner = _owner(name, metric)
    try:
        overall = is_overall(metric)
        if lists is not None and method_of(metric) != "per_user":
            arrays = ("items", "target", "rank", "frequency")
            lists = replace(lists, **{array: read_only(getattr(lists, array)) for array in arrays})
        measured = measure(metric, read_only(rank), read_only(n_candidates), lists)
        if np.asarray(measured).dtype.kind not in NUMBERS or np.ma.isMaskedArray(measured):
            raise TypeError(f"it returned {type(measured).__name__} of {np.asarray(measured).dtype}, no numbers")
        values = np.asarray(measured, np.float64)
    except PluginError as error:
        raise named_fault(" ".join(str(error).split())) from error
    except Exception as error:
        raise named_fault(f"{owner} failed: {reason(error)}") from error
    shape, users = ((), "all users") if overall else ((len(rank),), f"each of {len(rank)} users")
    if values.shape != shape or not np.isfinite(values).all():
        got = "NaN or infinity" if values.shape == shape else f"shape {values.shape}"
        raise named_fault(f"{owner} must give a finite number for {users}, got {got}")
    return values


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _owner(name: str, metric: Metric) -> str:
    return owner_of(metric) if isinstance(metric, Guarded) else f"metric '{name}'"
