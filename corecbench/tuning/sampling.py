"""Which settings come next, and which trials are stopped early."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna

START_TRIALS = 6
"""The default settings and then random ones, before the sampler learns from what there is."""
INTERRUPTED = "interrupted"
"""How a trial ends that the user stopped."""


def sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """Return what suggests the settings of a trial.

    It is seeded by the trial's number, so that neither a resumed search nor a second process repeats suggestions.
    """
    from optuna.samplers import TPESampler

    return TPESampler(n_startup_trials=START_TRIALS, seed=1_000_003 * seed + number)


def pruner() -> optuna.pruners.BasePruner:
    """Return what stops trials: those that at their best are below two thirds of the finished ones at that epoch.

    Half, the median, would stop much that wins in the end: strong dropout and low learning rates start slowly.
    """
    from optuna.pruners import PercentilePruner

    return PercentilePruner(100 * 2 / 3, n_startup_trials=4, n_warmup_steps=8, n_min_trials=4)
