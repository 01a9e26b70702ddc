"""Checks of metrics, of ranks, of lists and of all lists together. U users, N items, k places of a list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np

from corecbench.api import Lists, RankMetric
from corecbench.evaluation.measuring import METHODS, depth, is_overall, measure, method_of
from corecbench.testing import kit
from corecbench.testing.kit import NotApplicableError, require, settings_survive_json

N_CANDIDATES = 300
RANKS = np.arange(1, N_CANDIDATES + 1)
"""One user for each rank."""
EVERYONE = np.arange(len(RANKS))
TOLERANCE = 1e-12


class Bench(kit.Bench):
    """A metric to be checked, on toy users."""

    def values(self, users: np.ndarray = EVERYONE, lists: Lists | None = None) -> Any:
        """Return what the metric gives for some toy users, int64 [U]: a value for each, or one for all lists."""
        of = toy_lists(depth(self.built)) if lists is None else lists
        chosen = Lists(of.items[users], of.target[users], of.rank[users], of.frequency.copy())
        return measure(self.built, RANKS[users], np.full(len(users), N_CANDIDATES), chosen)

    def of_ranks(self, rank: np.ndarray, n_candidates: int = N_CANDIDATES) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U] of a metric that reads ranks."""
        if method_of(self.built) != "per_user":
            raise NotApplicableError("it reads lists")
        return cast("RankMetric", self.built).per_user(rank.copy(), np.full(len(rank), n_candidates))


def toy_lists(k: int) -> Lists:
    """Return lists of the toy users over items that occur in training never, once, twice, ...

    The held-out item stands where its rank says, unless the user is one of a third who have one item only.
    """
    random = np.random.default_rng(0)
    items = random.permuted(np.tile(np.arange(1, N_CANDIDATES + 1), (len(RANKS), 1)), axis=1)  # [U, N]
    target = items[EVERYONE, RANKS - 1]
    items = items[:, :k]
    items[::3, 1:] = 0
    return Lists(items, target, RANKS.copy(), np.maximum(np.arange(N_CANDIDATES + 1) - 1, 0))


def it_has_one_method(bench: Bench) -> None:
    """One of `per_user`, `per_list` and `overall`; for lists also `k`, and always which direction is better."""
    better = bench.built.higher_is_better
    require(isinstance(better, bool), f"higher_is_better is {better!r}, must be True or False")
    have = [name for name in METHODS if hasattr(bench.built, name)]
    require(len(have) == 1, f"it has {' and '.join(have) or 'none'} of {', '.join(METHODS)}; must have one")
    if have != ["per_user"]:
        k = getattr(bench.built, "k", None)
        whole = isinstance(k, int | np.integer) and not isinstance(k, bool) and k >= 1
        require(whole, f"k is {k!r}, must be the number of items that it reads of a list")


def there_is_a_value_for_each_user(bench: Bench) -> None:
    """Finite, float64 [U]; of a metric of all lists together one finite number."""
    for users in (EVERYONE, EVERYONE[:1], EVERYONE[1:2], EVERYONE[:0]):
        if is_overall(bench.built):
            if len(users):
                value = bench.values(users)
                require(isinstance(value, float), f"it gives {type(value).__name__}, must be a float")
                require(np.isfinite(value), f"it gives {value}, which is not finite")
            continue
        values = bench.values(users)
        require(isinstance(values, np.ndarray), f"it gives {type(values).__name__}, must be a numpy array")
        fits = values.dtype == np.float64 and values.shape == users.shape
        require(fits, f"it gives {values.dtype} {list(values.shape)}, must be float64 {list(users.shape)}")
        require(np.isfinite(values).all(), f"{int((~np.isfinite(values)).sum())} values are not finite")


def a_better_rank_is_never_worse(bench: Bench) -> None:
    """Values are monotone in the rank, in the direction that `higher_is_better` states."""
    steps = np.diff(bench.of_ranks(RANKS)) * (1 if bench.built.higher_is_better else -1)
    if (steps > TOLERANCE).any():
        rank = int(np.argmax(steps > TOLERANCE)) + 1
        values = bench.of_ranks(np.array([rank, rank + 1]))
        require(False, f"rank {rank} has {values[0]:.4g} and rank {rank + 1}, which is worse, {values[1]:.4g}")


def values_are_bounded(bench: Bench) -> None:
    """From 0 to 1 where higher is better; where lower is better, from 0 to the number of candidates."""
    for n_candidates in (1, N_CANDIDATES, 10**6):
        rank = np.unique(np.clip([1, 2, 10, n_candidates // 2, n_candidates], 1, n_candidates))
        values = bench.of_ranks(rank, n_candidates)
        most = 1 if bench.built.higher_is_better else n_candidates
        outside = values[(values < -TOLERANCE) | (values > most + TOLERANCE)]
        require(not len(outside), f"{outside[:1]} among {n_candidates} candidates is not from 0 to {most}")


def a_user_does_not_depend_on_the_others(bench: Bench) -> None:
    """The value of a user is the same alone, among others and in any order; that of all lists in any order."""
    together = bench.values()
    order = np.random.default_rng(0).permutation(EVERYONE)
    shuffled = bench.values(order)
    if is_overall(bench.built):
        require(abs(shuffled - together) <= TOLERANCE, "the value changes with the order of the users")
        return
    require(np.array_equal(shuffled, together[order]), "a user's value changes with the order of the users")
    alone = np.concatenate([bench.values(EVERYONE[[row]]) for row in range(0, len(EVERYONE), 7)])
    require(np.array_equal(alone, together[::7]), "a user's value changes with the users around")


def nothing_that_is_given_is_changed(bench: Bench) -> None:
    """Ranks, counts and lists are the same afterwards."""
    lists = toy_lists(depth(bench.built))
    rank, n_candidates = RANKS.copy(), np.full(len(RANKS), N_CANDIDATES)
    measure(bench.built, rank, n_candidates, lists)
    given = (rank, n_candidates, lists.items, lists.target, lists.rank, lists.frequency)
    fresh = toy_lists(depth(bench.built))
    same = (RANKS, np.full(len(RANKS), N_CANDIDATES), fresh.items, fresh.target, fresh.rank, fresh.frequency)
    require(all(map(np.array_equal, given, same)), "it changes the ranks, counts or lists that it is given")


def an_empty_place_is_no_item(bench: Bench) -> None:
    """The value of lists with one item each is the same with and without the empty places behind it."""
    if method_of(bench.built) == "per_user":
        raise NotApplicableError("it reads ranks")
    lists = toy_lists(max(2, depth(bench.built)))
    lists.items[:, 1:] = 0
    long, short = bench.values(lists=lists), bench.values(lists=replace(lists, items=lists.items[:, :1]))
    same = np.allclose(long, short, rtol=0, atol=TOLERANCE)
    require(same, "an empty place on a list, which is 0, counts as an item")


CHECKS = (
    it_has_one_method,
    there_is_a_value_for_each_user,
    a_better_rank_is_never_worse,
    values_are_bounded,
    a_user_does_not_depend_on_the_others,
    nothing_that_is_given_is_changed,
    an_empty_place_is_no_item,
    settings_survive_json,
)
