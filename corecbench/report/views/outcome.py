"""The outcome of a comparison of two rows, in the words of a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corecbench.report.views.captions import CORRECTED
from corecbench.report.wording import p_value, percent, signed

if TYPE_CHECKING:
    from corecbench.report.evidence.contrasts import Comparison, Method
    from corecbench.report.evidence.rows import Row


def change(comparison: Comparison) -> str:
    """Return the change with its sign, relative where the row compared with is not 0."""
    return relative(comparison, comparison.difference)


def amount(comparison: Comparison) -> str:
    """Return the change without its sign."""
    return relative(comparison, abs(comparison.difference)).removeprefix("+")


def relative(comparison: Comparison, difference: float) -> str:
    """Return a difference relative to the row compared with, or as it is where that is 0."""
    return percent(difference / comparison.base) if comparison.base else signed(difference)


def interval(comparison: Comparison) -> str:
    """Return the interval of the relative change, or why there is none."""
    changes = comparison.sizes.changes
    if changes is None:
        return "no interval: too few users differ"
    if not changes.bounded:
        return "no interval: the mean compared with is too close to 0"
    return f"95% interval {percent(changes.low)} to {percent(changes.high)}"


def excludes_zero(comparison: Comparison) -> bool:
    """Return whether the interval of the relative change excludes 0."""
    changes = comparison.sizes.changes
    return changes is not None and changes.bounded and not changes.low <= 0 <= changes.high


def agreement(comparison: Comparison, row: Row, base: Row, metric: str) -> str | None:
    """Return in words the number of seeds under which the difference has the same sign; None for one seed."""
    seeds = comparison.seeds
    if len(seeds) < 2:
        return None
    differences = (row.per_seed(metric, seeds) - base.per_seed(metric, seeds)).mean(axis=0)  # [S]
    agree = int(np.sum(np.sign(differences) == np.sign(comparison.difference)))
    return f"{'up' if comparison.difference > 0 else 'down'} in {agree} of {len(seeds)} seeds"


def probability(p: float, method: Method | None = None) -> str:
    """Return a p value in words, with the name of the correction if a method is given.

    >>> probability(0.0001), probability(0.25)
    ('p < .001', 'p = .250')
    """
    whose = CORRECTED[method.correction] if method else ""
    text = p_value(p)
    return f"{whose} p < {text[1:]}".lstrip() if text.startswith("<") else f"{whose} p = {text}".lstrip()
