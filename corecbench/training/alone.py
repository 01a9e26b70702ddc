"""Lets the domain side of a pair stay what the domain model learnt alone, unless the pair is clearly better."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from corecbench.plugin.guard import guard
from corecbench.training.weights import restore, snapshot

if TYPE_CHECKING:
    from corecbench.training.cell import CellTraining
    from corecbench.training.loop import SideTraining
    from corecbench.training.pair import Solo


def better_of(training: CellTraining, paired: SideTraining, solo: Solo) -> SideTraining:
    """Return the domain side of a pair if it is clearly better on validation, else the domain model alone.

    The model alone keeps the epochs and the time of the pair, which was trained all the same. Its best epoch is 0.

    Args:
        training: of the pair.
        paired: the domain side with its best weights.
        solo: the domain model alone.
    """
    model, _ = training.build_solo("domain", solo.selected)
    restore(model, solo.learnt().state)
    with guard(paired.owner, "states"):
        of_alone = training.values(training.rank(model, "validation"))
        of_pair = paired.values
        if of_pair is None:
            of_pair = training.values(training.rank(paired.model, "validation"))
    if is_clearly_better(of_pair, of_alone):
        return paired
    alone = copy.copy(paired)
    alone.model, alone.layers = model, None
    alone.kept_alone, alone.chosen, alone.values = True, {}, of_alone
    alone.best_epoch, alone.best_value, alone.best_state = 0, float(of_alone.mean()), snapshot(model)
    return alone


def is_clearly_better(values: np.ndarray, base: np.ndarray) -> bool:
    """Return whether the mean of paired values is higher by more than one standard error of the difference.

    One standard error is the margin by which Breiman et al. (Classification and Regression Trees, 1984) let a more
    complex model win. Of one user it is not known, so that one user shows nothing.

    Args:
        values: float [T], of each user.
        base: float [T], of the same users.

    >>> is_clearly_better(np.array([0.5, 0.6, 0.4]), np.array([0.4, 0.4, 0.1]))
    True
    >>> is_clearly_better(np.array([0.5, 0.6, 0.1]), np.array([0.4, 0.4, 0.4]))
    False
    """
    gain = values - base
    return len(gain) > 1 and bool(gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)))
