"""Changes the code a little, one place at a time, and looks whether the tests of that module notice.

Each change is tried in a process that is forked when the heavy libraries are loaded already, so most take seconds.
Doctests of the module and the tests named below are run. Changes that all tests accept survive: either a test is
missing, or the change makes no difference. The seed draws which changes of a module are tried, and in which order.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mutating.changes import Change, changes
from mutating.trial import Outcome, load_libraries, tried

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[3]
STATS = ("correction", "equivalence", "friedman", "power", "relative")
METRICS, RESULTS = "plugins/corecbench_plugins/metrics", "corecbench/results"
TESTS: dict[str, tuple[str, ...]] = {
    "corecbench/data/split.py": (
        "tests/data/test_split.py",
        "tests/data/test_ties.py",
        "tests/data/test_time_split.py",
    ),
    "corecbench/evaluation/ranking.py": (
        "tests/evaluation/test_ranking.py",
        "tests/training/test_another_device.py",
    ),
    "corecbench/evaluation/counting.py": ("tests/evaluation/test_ranking.py", "tests/evaluation/test_counting.py"),
    "corecbench/evaluation/selection.py": ("tests/evaluation/test_counting.py",),
    f"{METRICS}/rank_metrics.py": ("tests/plugins/test_metrics.py",),
    f"{METRICS}/list_metrics.py": ("tests/plugins/test_list_metrics.py",),
    **{f"corecbench/stats/{name}.py": (f"tests/stats/test_{name}.py",) for name in STATS},
    "corecbench/stats/bootstrap.py": ("tests/stats/test_bootstrap.py", "tests/stats/test_resampling.py"),
    "corecbench/stats/components.py": ("tests/stats/test_components.py", "tests/stats/test_mean.py"),
    "corecbench/stats/differences.py": ("tests/stats/test_paired.py", "tests/stats/test_differences.py"),
    "corecbench/stats/paired.py": ("tests/stats/test_paired.py", "tests/stats/test_permutation.py"),
    "corecbench/stats/student.py": ("tests/stats/test_student.py", "tests/stats/test_intervals.py"),
    f"{RESULTS}/user_ranks.py": ("tests/results/test_user_ranks.py",),
    f"{RESULTS}/rows.py": (
        "tests/results/test_rows.py",
        "tests/report/test_windows.py",
        "tests/report/test_table.py",
    ),
    f"{RESULTS}/record.py": ("tests/results/test_store.py", "tests/results/test_rows.py"),
    f"{RESULTS}/folders.py": ("tests/results/test_folders.py", "tests/results/test_bundle.py"),
    f"{RESULTS}/store.py": ("tests/results/test_store.py", "tests/report/test_lists.py"),
}
"""Module -> the tests that belong to it."""
SPEED = "it changes memory and speed, never a number"
PADDING = "a further column of padding, or a count of 0, changes nothing"
QUICK = "the slow reader is asked instead, and gives the same"
TIES = "what ties is left out of this count"
DEFAULT = "any seed, and any large number of resamples or seeds, serves as well"
LARGE = "it only has to be large enough, and is made larger until it is"
REASONS = {
    "split.py": {
        "0  ->  1": PADDING,
        "1  ->  2": PADDING,
        "dataset.catalog.n_users + 1  ->  dataset.catalog.n_users - 1": "the last user has an interaction",
        "False  ->  True": "a further copy of the rows holds the same",
    },
    "ranking.py": {"0  ->  1": PADDING, "1  ->  2": PADDING, "256  ->  257": SPEED},
    "counting.py": {
        "2  ->  3": SPEED,
        "22  ->  23": SPEED,
        "64  ->  65": SPEED,
        "1024  ->  1025": SPEED,
        "k > 0  ->  k >= 0": SPEED,
        "False  ->  True": "the best of a part are put in order at the end",
        "0  ->  1": "whatever item is missing has a score of -inf",
    },
    "selection.py": {
        "block.device.type != 'cpu'  ->  block.device.type == 'cpu'": SPEED,
        "mask.device.type != 'cpu'  ->  mask.device.type == 'cpu'": SPEED,
        "3  ->  4": SPEED,
        "1 / 4  ->  1 * 4": SPEED,
        "1  ->  2": SPEED,
        "4  ->  5": SPEED,
        "MOST * top.numel()  ->  MOST / top.numel()": SPEED,
        "len(row) > MOST * top.numel()  ->  len(row) >= MOST * top.numel()": SPEED,
        "top.shape[1] < n_sets  ->  top.shape[1] <= n_sets": SPEED,
        "top > floor  ->  top >= floor": "what ties with the worst that is kept changes places with it at most",
        "True  ->  False": "both have as many parts",
        "False  ->  True": "the best of a part are put in order at the end",
        "0  ->  1": "counts of rows without a candidate are not read",
    },
    "bootstrap.py": {
        "0  ->  1": DEFAULT,
        "1.0  ->  2.0": "where the other branch is taken this number is not read",
        "9999  ->  10000": DEFAULT,
        "replicates < estimate  ->  replicates <= estimate": TIES,
        "slack > 0  ->  slack >= 0": "no floating-point number lies on the pole of the formula",
        "17  ->  18": SPEED,
        "2  ->  3": SPEED,
        "2 ** 17  ->  2 * 17": SPEED,
    },
    "friedman.py": {
        "2 ** 20  ->  2 * 20": SPEED,
        "20  ->  21": SPEED,
        "rest > 1e-09  ->  rest >= 1e-09": "no statistic leaves just this rest",
    },
    "paired.py": {
        "1  ->  2": "numpy takes any length below 0 for the unknown one; without a difference p is 1",
        "2  ->  3": "rows beyond the first 256 are never picked",
        "0  ->  1": DEFAULT,
        "19999  ->  20000": DEFAULT,
    },
    "power.py": {
        "0.0  ->  1.0": "only that it is allowed matters",
        "2  ->  3": LARGE,
        "_power(high, n_users - 1, alpha) < power  ->  _power(high, n_users - 1, alpha) <= power": LARGE,
        "10000  ->  10001": DEFAULT,
        "ALPHA / 2  ->  ALPHA * 2": LARGE,
    },
    "differences.py": {"0  ->  1": "one column is its own sum"},
    "relative.py": {"a > 0  ->  a >= 0": "a is not 0 there", "0  ->  1": DEFAULT},
    "user_ranks.py": {
        "1  ->  2": QUICK,
        "in_place <= n_candidates  ->  in_place < n_candidates": QUICK,
        "in_place >= 1  ->  in_place > 1": QUICK,
        "False  ->  True": "whether several threads read a file changes no content",
    },
    "store.py": {"True  ->  False": "what is removed there exists"},
    "record.py": {"False  ->  True": "the address of an explanation is not part of the message"},
}
"""File and change of survivors that were looked at -> why they make no difference. Others may want a test."""


def run_all(
    modules: Sequence[str], seconds: float, most: int, seed: int, earlier: Mapping[str, Any]
) -> dict[str, Any]:
    """Try changes until the time is over, and return what survived, beside what is known of other modules."""
    os.chdir(ROOT)
    load_libraries()
    deadline = time.monotonic() + seconds
    waiting: dict[str, list[Change]] = {}
    limits: dict[str, float] = {}
    found: dict[str, dict[str, Any]] = {}
    for module in modules or TESTS:
        started = time.monotonic()
        if tried(module, None, TESTS[module], 300) is not Outcome.SURVIVED:
            print(f"{module}: its tests fail without any change, so it is left out", flush=True)
            continue
        limits[module] = 10 + 4 * (time.monotonic() - started)
        possible = changes(Path(module).read_text(encoding="utf-8"))
        waiting[module] = random.Random(f"{seed} {module}").sample(possible, min(most, len(possible)))
        counts = {"changes": len(possible), "tried": 0, "killed": 0, "survivors": []}
        found[module] = {"seed": seed, "most": most, **counts}
    while any(waiting.values()) and time.monotonic() < deadline:
        for module in [module for module, drawn in waiting.items() if drawn]:
            if time.monotonic() >= deadline:
                break
            change = waiting[module].pop()
            outcome, count = tried(module, change, TESTS[module], limits[module]), found[module]
            count["tried"] += 1
            count["killed"] += outcome is not Outcome.SURVIVED
            if outcome is Outcome.SURVIVED:
                reasons = REASONS.get(Path(module).name, {})
                reason = reasons.get(str(change).partition(": ")[2], "no reason known")
                count["survivors"].append(f"{change}  ({reason})")
                print(f"{module}:{change}", flush=True)
    return summary({**earlier, **{module: count for module, count in found.items() if count["tried"]}})


def summary(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Print the shares that were killed, and return them with all counts."""
    total = {name: sum(count[name] for count in found.values()) for name in ("changes", "tried", "killed")}
    for module, count in {**found, "together": total}.items():
        print(f"{module:45} {count['killed']:4} of {count['tried']:4} tried, of {count['changes']:4} changes")
    return {"score": round(total["killed"] / max(total["tried"], 1), 4), "total": total, "modules": found}
