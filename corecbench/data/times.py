"""What the times of a data set are, and where a split by time cuts them. M interactions, N items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corecbench.api import DataError, UsageError
from corecbench.settings.values import share_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.data.dataset import Dataset

PER_SECOND = {1: 1e11, 10**3: 1e14, 10**6: 1e17, 10**9: np.inf}
"""Units of a time in a second -> the largest number that is read as a time in this unit since 1970."""

SMALLEST, LARGEST = 1e8, 2.0**63
"""Smaller numbers would be times of the first years after 1970; they count. Larger ones are none in int64."""

DECADE_S = 10 * 365.25 * 24 * 3600


def not_times(dataset: Dataset) -> str:
    """Return what the times of a data set are, where they are none; "" where they may be real."""
    different = np.unique(dataset.timestamp)
    n = len(different)
    if n == 1:
        return f"all {len(dataset.user):,} interactions have the time {different[0]}"
    if dataset.positions:
        return f"{dataset.positions}: positions"
    if n == len(dataset.user) and different[-1] - different[0] == n - 1:
        return f"the times count up by one from {different[0]} to {different[-1]}: numbers of rows"
    if are_years(different):
        return f"the {n} different times are whole years"
    return ""


def real_times(dataset: Dataset) -> np.ndarray | None:
    return None if not_times(dataset) else dataset.timestamp


def are_years(times: np.ndarray) -> bool:
    """Return whether different times, ascending [n], are numbers of years, or the first moments of years.

    >>> are_years(np.array([1998, 2004])), are_years(np.array([883612800, 1072915200]))
    (True, True)
    >>> are_years(np.array([883612800, 1072915260]))
    False
    """
    if times[0] >= 1900 and times[-1] < 2200 and not (times % 1).any():
        return True
    if not SMALLEST <= abs(times).max() < LARGEST:
        return False
    moments = (times / per_second(times)).astype("datetime64[s]")
    return bool((moments == moments.astype("datetime64[Y]")).all() and (times % per_second(times) == 0).all())


def per_second(times: np.ndarray) -> int:
    return next(unit for unit, most in PER_SECOND.items() if abs(times).max() < most)


def span_of(times: np.ndarray) -> tuple[float, float]:
    """Return the first and the last time of the data [M], without those that are 0, -1 or a decade from the rest.

    All belong to it where they are no times since 1970.
    """
    ordered = np.sort(times[(times != 0) & (times != -1)])
    middle = len(ordered) // 2
    if not len(ordered) or not SMALLEST <= ordered[middle] < LARGEST:
        return -np.inf, np.inf
    decade = DECADE_S * per_second(ordered[[middle]])
    gaps = np.flatnonzero(np.diff(ordered.astype(np.float64)) > decade)
    before, behind = gaps[gaps < middle], gaps[gaps >= middle]
    first, last = (before[-1] + 1 if len(before) else 0), (behind[0] if len(behind) else len(ordered) - 1)
    return ordered[first].item(), ordered[last].item()


def far_off(times: np.ndarray) -> str:
    """Return how many times are outside of the span of the data, and the most frequent of them; "" if none is.

    >>> far_off(np.array([0, 0, 883612800, 883699200, 253402214400]))
    '3 of 5 times are far from the rest (1998-01-01 to 1998-01-02): 0 (2), 253402214400 (1)'
    """
    first, last = span_of(times)
    values, counts = np.unique(times[(times < first) | (times > last)], return_counts=True)
    if not len(values):
        return ""
    common = np.argsort(-counts, kind="stable")[:3]
    shown = ", ".join(f"{values[each]} ({counts[each]:,})" for each in common)
    more = f", and {len(values) - 3:,} other times" if len(values) > 3 else ""
    rest = f"{date_of(first)} to {date_of(last)}"
    return f"{counts.sum():,} of {len(times):,} times are far from the rest ({rest}): {shown}{more}"


def date_of(time: float) -> str:
    """Return a time as a date, "" where it is too small or too large to be one.

    >>> date_of(1394150400), date_of(1394150400000), date_of(28), date_of(1e30)
    ('2014-03-07', '2014-03-07', '', '')
    """
    if not SMALLEST <= abs(time) < LARGEST:
        return ""
    return str(np.datetime64(int(time // per_second(np.array([time]))), "s").astype("datetime64[D]"))


def shown(time: float) -> str:
    if not np.isfinite(time):
        return "never"
    date = date_of(time)
    return f"at {time}{f' ({date})' if date else ''}"


def moments(dataset: Dataset, cut: Sequence[str], window: int = 1, windows: int = 1) -> tuple[float, float, float]:
    """Return the times at which validation and test of a window begin, and at which its test ends.

    What lies behind the second cut is tested in windows of equally many interactions. Each begins where the one
    before it ends, and its validation is as much later.

    Raises:
        DataError: two of them are the same time, nothing is before, between or behind them, or one is among times
            that are far from the rest.
    """
    ordered = np.sort(dataset.timestamp)
    earliest, latest = span_of(ordered)
    first, second = (share_before(part, ordered) for part in cut)
    step = (1 - second) / windows
    shares = first + (window - 1) * step, second + (window - 1) * step, second + window * step
    places = [round(share * len(ordered)) for share in shares]
    begins, tests, ends = (ordered[place].item() if place < len(ordered) else np.inf for place in places)
    if (far := far_off(ordered)) and (begins <= earliest or latest < tests < np.inf):
        raise DataError(
            f"data set {dataset.catalog.name!r}: cut {','.join(cut)} is decided by times that are none, so leave "
            f"these interactions out: {far}"
        )
    if not ordered[0] < begins < tests < ends:
        known = {"the data begin": ordered[0], "validation": begins, "test": tests, "the data end": ordered[-1]}
        found = ", ".join(f"{what} {shown(time)}" for what, time in known.items())
        where = f" in window {window} of {windows}" if windows > 1 else ""
        raise DataError(
            f"data set {dataset.catalog.name!r}: cut {','.join(cut)} leaves nothing to train on, to validate or to "
            f"test{where} ({found})"
        )
    return begins, tests, ends


def share_before(part: str, ordered: np.ndarray) -> float:
    """Return the share of interactions before a part of a cut, of times in order [M]."""
    share = share_of(part)
    if share is not None:
        return share
    try:
        date = np.datetime64(part.removesuffix("Z"), "s").astype(np.int64)
    except ValueError:
        raise UsageError(f"cut {part!r} is no date, such as 2014-01-01 or 2014-01-01T12:00:00") from None
    first, last = span_of(ordered)
    unit = per_second(ordered[(ordered >= first) & (ordered <= last)])
    return float(np.searchsorted(ordered, date * unit) / len(ordered))
