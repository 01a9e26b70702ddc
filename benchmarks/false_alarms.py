"""Prints how often each test errs on simulated models, as Markdown tables; docs/statistics.md shows them.

    python benchmarks/false_alarms.py > docs/tables/false_alarms.md

The data are what the tests are for: NDCG@10 per user, mostly 0 and full of ties. Both models of a pair are drawn
independently, which real ones are not; that makes differences larger than they are and changes no rate of false
alarms. tests/stats/test_false_alarms.py bounds the same rates. Models are trained
once here; benchmarks/aa.py is about seeds.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from corecbench.stats.bootstrap import bootstrap_p
from corecbench.stats.correction import CORRECTIONS, adjust
from corecbench.stats.equivalence import tost
from corecbench.stats.paired import METHODS, USERS_AND_SEEDS, paired_test, sign_flip_p

ALPHA = 0.05
PLACES = 1 / np.log2(np.arange(2, 12))
"""NDCG@10 of a target at a place from 1 to 10."""
FIRST, LAST = PLACES[:1], PLACES[5:]
SETTINGS = ((100, 0.05), (200, 0.1), (943, 0.2))
"""Users, and the share of them whose target is among the first 10."""
SIZES = (943, 6_040, 22_363)
"""Users of ml-100k, ml-1m and amazon-beauty."""
CHANGES = (0.05, 0.1, 0.2)
FAMILY = 10
MARGIN = 0.05
RESAMPLES = 999

Pair = tuple[np.ndarray, np.ndarray]
"""A metric per user of two models, float64 [U] each."""


def ndcg(rng: np.random.Generator, n_users: int, hits: float, places: np.ndarray = PLACES) -> np.ndarray:
    """Return NDCG@10 of users of whom a share `hits` has the target at one of the places, each as likely."""
    return np.where(rng.random(n_users) < hits, places[rng.integers(len(places), size=n_users)], 0.0)


def p_value_of(method: str) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return a test as a function of own and base, quick enough to be run thousands of times."""
    if method == "bootstrap":
        return lambda own, base: bootstrap_p(own - base, n_resamples=RESAMPLES)
    if method == "permutation":
        return lambda own, base: sign_flip_p(own - base, n_draws=RESAMPLES)
    return lambda own, base: paired_test(own, base, method).p


def alarms(method: str, pairs: Iterable[Pair]) -> float:
    """Return the share of pairs that the test calls different at .05."""
    p_value = p_value_of(method)
    return float(np.mean([p_value(own, base) < ALPHA for own, base in pairs]))


def alike(rng: np.random.Generator, n_users: int, hits: float, n: int, change: float = 0.0) -> Iterator[Pair]:
    """Yield n pairs of models that differ in their mean by this relative change only."""
    return ((ndcg(rng, n_users, hits * (1 + change)), ndcg(rng, n_users, hits)) for _ in range(n))


def other_shape(rng: np.random.Generator, n_users: int, n: int) -> Iterator[Pair]:
    """Yield n pairs with the mean .05: one right for few users at place 1, the other for more at places 6 to 10."""
    share = 0.05 / LAST.mean()
    return ((ndcg(rng, n_users, 0.05, FIRST), ndcg(rng, n_users, share, LAST)) for _ in range(n))


def family_alarms(rng: np.random.Generator, n: int) -> dict[str, float]:
    """Return, for each correction, the share of families of 10 pairs of identical models with any alarm."""
    p_value = p_value_of("t")
    families = [[p_value(*pair) for pair in alike(rng, 943, 0.2, FAMILY)] for _ in range(n)]
    return {name: float(np.mean([adjust(p, name).min() < ALPHA for p in families])) for name in CORRECTIONS}


def called_alike(rng: np.random.Generator, n_users: int, n: int, change: float) -> float:
    """Return the share of pairs that differ by a relative change and are called alike up to the margin by TOST."""
    limit = MARGIN * 0.2 * PLACES.mean()
    found = (tost(own, base, limit) for own, base in alike(rng, n_users, 0.2, n, change))
    return float(np.mean([outcome is not None and outcome.p < ALPHA for outcome in found]))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a Markdown table; floats are shares, in percent."""
    head = list(head)
    print("|", " | ".join(head), "|")
    print("|", " | ".join(["---", *["---:"] * (len(head) - 1)]), "|")
    for row in rows:
        print("|", " | ".join(f"{100 * cell:.1f} %" if isinstance(cell, float) else str(cell) for cell in row), "|")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="how often the tests err")
    parser.add_argument("--comparisons", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    n, make = options.comparisons, partial(np.random.default_rng, options.seed)
    error = 100 * (ALPHA * (1 - ALPHA) / n) ** 0.5
    print(
        f"{n:,} simulated comparisons a figure, seed {options.seed}; standard error at .05: {error:.1f} points.\n"
    )
    print_false_alarms(n, make)
    print_families(n, make)
    print_power(n, make)


def print_false_alarms(n: int, make: Callable[[], np.random.Generator]) -> None:
    """Print how often models of the same mean are called different."""
    print("**False alarms: models that are alike, called different.**\n")
    heads = [f"{n_users} users, {100 * hits:.0f} % hits" for n_users, hits in SETTINGS]
    rows = []
    for method in (name for name in METHODS if name != USERS_AND_SEEDS):
        found = [alarms(method, alike(make(), *each, n)) for each in SETTINGS]
        rows.append([method, *found, alarms(method, other_shape(make(), 943, n))])
    table(["test", *heads, "same mean, other shape (943 users)"], rows)


def print_families(n: int, make: Callable[[], np.random.Generator]) -> None:
    """Print how often any of several comparisons of identical models is called different."""
    print(f"\n**Any false alarm among {FAMILY} comparisons of identical models (t test, 943 users, 20 % hits).**\n")
    table(["correction", "families with an alarm"], family_alarms(make(), n).items())


def print_power(n: int, make: Callable[[], np.random.Generator]) -> None:
    """Print how often models that differ are called different, and models that are alike, alike."""
    print("\n**Power: models that differ, called different (t test, 20 % hits).**\n")
    heads = (f"true change +{100 * change:.0f} %" for change in CHANGES)
    found = ([alarms("t", alike(make(), size, 0.2, n, change)) for change in CHANGES] for size in SIZES)
    table(["users", *heads], ([f"{size:,}", *shares] for size, shares in zip(SIZES, found, strict=True)))
    print(f"\n**TOST: called alike up to a margin of {100 * MARGIN:.0f} % (20 % hits).**\n")
    found = ([called_alike(make(), size, n, change) for change in (MARGIN, 0.0)] for size in SIZES)
    heads = ("true change +5 % (a false alarm)", "no true change (power)")
    table(["users", *heads], ([f"{size:,}", *shares] for size, shares in zip(SIZES, found, strict=True)))


if __name__ == "__main__":
    main()
