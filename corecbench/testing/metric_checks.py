"""Checks of metrics. U users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corecbench.testing.kit import require
from corecbench.testing.settings_check import settings_survive_json

if TYPE_CHECKING:
    from corecbench.api import Metric
    from corecbench.host import Host, Selected

N_CANDIDATES = 300
RANKS = np.arange(1, N_CANDIDATES + 1)
"""One user for each rank."""
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Bench:
    """A metric to be checked."""

    selected: Selected
    metric: Metric

    def values(self, rank: np.ndarray, n_candidates: int = N_CANDIDATES) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U]."""
        return self.metric.per_user(rank.copy(), np.full(len(rank), n_candidates))


def there_is_a_value_for_each_user(bench: Bench) -> None:
    """Finite, float64 [U], and the metric says which direction is better."""
    better = bench.metric.higher_is_better
    require(isinstance(better, bool), f"higher_is_better is {better!r}, must be True or False")
    for rank in (RANKS, RANKS[:1], RANKS[:0]):
        values = bench.values(rank)
        require(isinstance(values, np.ndarray), f"it gives {type(values).__name__}, must be a numpy array")
        fits = values.dtype == np.float64 and values.shape == rank.shape
        require(fits, f"it gives {values.dtype} {list(values.shape)}, must be float64 {list(rank.shape)}")
        require(np.isfinite(values).all(), f"{int((~np.isfinite(values)).sum())} values are not finite")


def a_better_rank_is_never_worse(bench: Bench) -> None:
    """Values are monotone in the rank, in the direction that `higher_is_better` states."""
    steps = np.diff(bench.values(RANKS)) * (1 if bench.metric.higher_is_better else -1)
    if (steps > TOLERANCE).any():
        rank = int(np.argmax(steps > TOLERANCE)) + 1
        values = bench.values(np.array([rank, rank + 1]))
        require(False, f"rank {rank} has {values[0]:.4g} and rank {rank + 1}, which is worse, {values[1]:.4g}")


def values_are_bounded(bench: Bench) -> None:
    """From 0 to 1 where higher is better; where lower is better, from 0 to the number of candidates."""
    for n_candidates in (1, N_CANDIDATES, 10**6):
        rank = np.unique(np.clip([1, 2, 10, n_candidates // 2, n_candidates], 1, n_candidates))
        values = bench.values(rank, n_candidates)
        most = 1 if bench.metric.higher_is_better else n_candidates
        outside = values[(values < -TOLERANCE) | (values > most + TOLERANCE)]
        require(not len(outside), f"{outside[:1]} among {n_candidates} candidates is not from 0 to {most}")


def a_user_does_not_depend_on_the_others(bench: Bench) -> None:
    """The value of a user is the same alone, among others and in any order; nothing that is given is changed."""
    together = bench.values(RANKS)
    order = np.random.default_rng(0).permutation(len(RANKS))
    shuffled = bench.values(RANKS[order])
    require(np.array_equal(shuffled, together[order]), "a user's value changes with the order of the users")
    alone = np.concatenate([bench.values(RANKS[[row]]) for row in range(0, len(RANKS), 7)])
    require(np.array_equal(alone, together[::7]), "a user's value changes with the users around")
    rank, n_candidates = RANKS.copy(), np.full(len(RANKS), N_CANDIDATES)
    bench.metric.per_user(rank, n_candidates)
    same = np.array_equal(rank, RANKS) and (n_candidates == N_CANDIDATES).all()
    require(same, "it changes the ranks or counts that it is given")


CHECKS = (
    there_is_a_value_for_each_user,
    a_better_rank_is_never_worse,
    values_are_bounded,
    a_user_does_not_depend_on_the_others,
    settings_survive_json,
)


def make_bench(host: Host, selected: Selected) -> Bench:
    """Build the metric."""
    return Bench(selected, host.build(selected))
