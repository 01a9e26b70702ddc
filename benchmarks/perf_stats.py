"""Prints how long the statistics take on one core: 10 comparisons over 100,000 users.

    python benchmarks/perf_stats.py

NDCG@10 is what a table tests: mostly 0, of few values. With --continuous no two users share a value, which is the
worst case for whatever resamples users.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from corecbench.stats.bootstrap import bootstrap_interval
from corecbench.stats.effect import cohens_dz, shares
from corecbench.stats.equivalence import tost
from corecbench.stats.intervals import paired_interval
from corecbench.stats.paired import METHODS, paired_test
from corecbench.stats.relative import bootstrap_change, fieller

Pair = tuple[np.ndarray, np.ndarray]


def main() -> None:
    """Time every statistic on all pairs and print a line for each."""
    parser = argparse.ArgumentParser(description="time the statistics")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=10, help="comparisons")
    parser.add_argument("--seeds", type=int, default=1, help="that NDCG@10 is averaged over; more make more values")
    parser.add_argument("--continuous", action="store_true", help="a value of its own for every user")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    pairs = [
        (values(rng, options, hits=0.11), values(rng, options, hits=0.10))  # float64 [U] each
        for _ in range(options.rows)
    ]
    total_s = sum(timed(name, call, pairs) for name, call in statistics().items())
    print(f"{'all':<24}{total_s:8.2f} s of CPU time ({options.rows} comparisons, {options.users:,} users)")


def values(rng: np.random.Generator, options: argparse.Namespace, hits: float) -> np.ndarray:
    """Return a metric per user, float64 [U]."""
    if options.continuous:
        return rng.random(options.users)
    size = (options.users, options.seeds)
    return np.where(rng.random(size) < hits, 1 / np.log2(rng.integers(2, 12, size)), 0.0).mean(axis=1)


def statistics() -> dict[str, Callable[[np.ndarray, np.ndarray], object]]:
    """Return what is timed."""
    tests = {method: lambda own, base, method=method: paired_test(own, base, method) for method in METHODS}
    return {
        **tests,
        "t interval": paired_interval,
        "BCa interval": bootstrap_interval,
        "Fieller": fieller,
        "BCa, relative change": bootstrap_change,
        "TOST": lambda own, base: tost(own, base, margin=0.01),
        "d_z": cohens_dz,
        "shares": shares,
    }


def timed(name: str, call: Callable[[np.ndarray, np.ndarray], object], pairs: list[Pair]) -> float:
    """Print and return how long a statistic takes on all pairs, in seconds of CPU time."""
    call(*(each[:100] for each in pairs[0]))  # what is loaded on first use
    start_s = time.process_time()
    for own, base in pairs:
        call(own, base)
    duration_s = time.process_time() - start_s
    print(f"{name:<24}{duration_s:8.2f} s")
    return duration_s


if __name__ == "__main__":
    main()
