"""Corrections for making several tests at once."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from corecbench.api import DataError, UsageError


def adjust(p: Sequence[float] | np.ndarray, method: str = "holm") -> np.ndarray:
    """Adjust p values for having made several tests, by the named method.

    "holm" and "hochberg" bound the chance of any false alarm, "bh" the expected share of false alarms among the
    alarms; "none" leaves the values as they are.

    >>> adjust([0.25, 0.125, 0.2], "none").tolist()
    [0.25, 0.125, 0.2]

    Args:
        p: float [m], in any order.
        method: one of CORRECTIONS.

    Returns:
        float64 [m], in the same order.

    Raises:
        UsageError: there is no such method.
        DataError: a value is not between 0 and 1.
    """
    if method not in CORRECTIONS:
        raise UsageError(f"unknown correction {method!r}; have: {', '.join(CORRECTIONS)}")
    return CORRECTIONS[method](p)


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Adjust p values so that calling those below a level significant errs at most that often, in any of them.

    The i-th smallest of m values becomes the largest of (m - j + 1) p_(j) over j <= i, at most 1 (Holm, 1979,
    Scandinavian Journal of Statistics 6, 65-70). The tests may depend on each other.

    Three tests; the smallest is tripled, the next doubled, and the last keeps its place behind it:

    >>> holm([0.25, 0.125, 0.2]).tolist()
    [0.4, 0.375, 0.4]
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def hochberg(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Adjust p values as `holm` does, with more power but only for tests that are independent or depend positively.

    The i-th smallest of m values becomes the smallest of (m - j + 1) p_(j) over j >= i (Hochberg, 1988,
    doi:10.1093/biomet/75.4.800; for which dependence: Sarkar, 1998, doi:10.1214/aos/1028144846).

    Three tests; the largest keeps its value, and the others need no more than it:

    >>> hochberg([0.25, 0.125, 0.2]).tolist()
    [0.25, 0.25, 0.25]
    """
    values = _checked(p)
    order = np.argsort(-values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum.accumulate(values[order] * np.arange(1, len(values) + 1))
    return adjusted


def benjamini_hochberg(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Adjust p values so that of those below a level at most that share is false, on average.

    The i-th smallest of m values becomes the smallest of m p_(j) / j over j >= i (Benjamini and Hochberg, 1995,
    doi:10.1111/j.2517-6161.1995.tb02031.x), for tests that are independent or depend positively.

    Four tests: 4/1, 4/2, 4/3 and 4/4 times their values:

    >>> benjamini_hochberg([1 / 16, 1 / 4, 3 / 8, 3 / 4]) == [1 / 4, 1 / 2, 1 / 2, 3 / 4]
    array([ True,  True,  True,  True])
    """
    from scipy import stats

    values = _checked(p)
    return stats.false_discovery_control(values, method="bh") if values.size else values


def _checked(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return p values as a new float64 [m].

    Raises:
        DataError: a value is not between 0 and 1.
    """
    values = np.array(p, dtype=np.float64)
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise DataError(f"a p value lies between 0 and 1, got {wrong[0]}")
    return values


CORRECTIONS: Mapping[str, Callable[[Sequence[float] | np.ndarray], np.ndarray]] = {
    "holm": holm,
    "hochberg": hochberg,
    "bh": benjamini_hochberg,
    "none": _checked,
}
