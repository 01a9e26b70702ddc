"""Changes the code a little, one place at a time, and looks whether the tests of that module notice.

    python benchmarks/mutation.py --seconds 3600
    python benchmarks/mutation.py --modules corecbench/data/split.py --most 100
    python benchmarks/mutation.py --again          # only what survived, once there are more tests

Each change is tried in a process that is forked when the heavy libraries are loaded already, so most take seconds.
Doctests of the module and the tests named below are run. Changes that all tests accept survive: either a test is
missing, or the change makes no difference. The seed draws which changes of a module are tried, and in which order.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from mutating.changes import Change, changes
from mutating.trial import Outcome, load_libraries, tried

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "results" / "attack" / "mutation.json"
STATS = ("bootstrap", "components", "correction", "effect", "equivalence", "friedman", "intervals", "paired")
STATS += ("permutation", "power", "relative", "resampling", "student")
METRICS, RESULTS = "plugins/corecbench_plugins/metrics", "corecbench/results"
TESTS: dict[str, tuple[str, ...]] = {
    "corecbench/data/split.py": ("tests/data/test_split.py",),
    "corecbench/evaluation/ranking.py": ("tests/evaluation/test_ranking.py",),
    "corecbench/evaluation/counting.py": ("tests/evaluation/test_ranking.py", "tests/evaluation/test_counting.py"),
    "corecbench/evaluation/selection.py": ("tests/evaluation/test_counting.py",),
    f"{METRICS}/rank_metrics.py": ("tests/plugins/test_metrics.py",),
    f"{METRICS}/list_metrics.py": ("tests/plugins/test_list_metrics.py",),
    **{f"corecbench/stats/{name}.py": (f"tests/stats/test_{name}.py",) for name in STATS},
    "corecbench/stats/differences.py": ("tests/stats/test_paired.py", "tests/stats/test_effect.py"),
    f"{RESULTS}/user_ranks.py": ("tests/results/test_user_ranks.py",),
    f"{RESULTS}/rows.py": ("tests/results/test_rows.py",),
    f"{RESULTS}/record.py": ("tests/results/test_store.py", "tests/results/test_rows.py"),
    f"{RESULTS}/folders.py": ("tests/results/test_folders.py",),
    f"{RESULTS}/store.py": ("tests/results/test_store.py",),
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
        "k > 0  ->  k >= 0": SPEED,
        "False  ->  True": "the best of a part are put in order at the end",
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
    "list_metrics.py": {"3  ->  4": "of a doctest's lists; any rank beyond the list is no hit"},
    "bootstrap.py": {
        "0  ->  1": DEFAULT,
        "9999  ->  10000": DEFAULT,
        "replicates < estimate  ->  replicates <= estimate": TIES,
        "slack > 0  ->  slack >= 0": "no floating-point number lies on the pole of the formula",
    },
    "friedman.py": {
        "2 ** 20  ->  2 * 20": SPEED,
        "rest > 1e-09  ->  rest >= 1e-09": "no statistic leaves just this rest",
    },
    "permutation.py": {
        "1  ->  2": "numpy takes any length below 0 for the unknown one; without a difference p is 1",
        "2  ->  3": "rows beyond the first 256 are never picked",
    },
    "power.py": {
        "0.0  ->  1.0": "only that it is allowed matters",
        "2  ->  3": LARGE,
        "_power(high, n_users - 1, alpha) < power  ->  _power(high, n_users - 1, alpha) <= power": LARGE,
        "10000  ->  10001": DEFAULT,
    },
    "relative.py": {"a > 0  ->  a >= 0": "a is not 0 there", "0  ->  1": DEFAULT},
    "resampling.py": {
        "17  ->  18": SPEED,
        "2  ->  3": SPEED,
        "2 ** 17  ->  2 * 17": SPEED,
    },
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


def main() -> int:
    """Try changes until the time is over, and write what survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modules", nargs="*", default=list(TESTS), help="paths; all that are known by default")
    parser.add_argument("--seconds", type=float, default=900, help="time in which changes are begun")
    parser.add_argument("--most", type=int, default=25, help="changes of each module that are tried")
    parser.add_argument("--again", action="store_true", help="try what survived earlier, of the same changes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    os.chdir(ROOT)
    load_libraries()
    earlier = json.loads(options.out.read_text(encoding="utf-8"))["modules"] if options.again else {}
    deadline = time.monotonic() + options.seconds
    waiting: dict[str, list[Change]] = {}
    limits: dict[str, float] = {}
    found: dict[str, dict[str, Any]] = {}
    for module in options.modules:
        started = time.monotonic()
        if tried(module, None, TESTS[module], 300) is not Outcome.SURVIVED:
            print(f"{module}: its tests fail without any change, so it is left out", flush=True)
            continue
        limits[module] = 10 + 4 * (time.monotonic() - started)
        possible = changes(Path(module).read_text(encoding="utf-8"))
        draw = random.Random(f"{options.seed} {module}")  # noqa: S311, no secret
        waiting[module] = draw.sample(possible, min(options.most, len(possible)))
        counts = {"changes": len(possible), "tried": 0, "killed": 0}
        if options.again:
            survivors = [line.partition("  (")[0] for line in earlier[module]["survivors"]]
            n_drawn = len(waiting[module])
            waiting[module] = [change for change in waiting[module] if str(change) in survivors]
            counts |= dict.fromkeys(("tried", "killed"), n_drawn - len(waiting[module]))
        found[module] = {"seed": options.seed, "most": options.most, **counts, "survivors": []}
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
    for module, left in waiting.items() if options.again else ():
        found[module]["tried"] += len(left)
        found[module]["survivors"] += [f"{change}  (survived earlier; no time was left for it)" for change in left]
    write(found, options.out)
    return 0


def write(found: dict[str, dict[str, Any]], path: Path) -> None:
    """Print the shares that were killed and write all counts, beside those of other modules from earlier."""
    if path.exists():
        earlier = json.loads(path.read_text(encoding="utf-8"))["modules"]
        found = {**earlier, **{module: count for module, count in found.items() if count["tried"]}}
    total = {name: sum(count[name] for count in found.values()) for name in ("changes", "tried", "killed")}
    for module, count in found.items():
        print(f"{module:45} {count['killed']:4} of {count['tried']:4} tried, of {count['changes']:4} changes")
    score = total["killed"] / max(total["tried"], 1)
    print(f"{'together':45} {total['killed']:4} of {total['tried']:4} tried: {score:.1%}")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"score": round(score, 4), "total": total, "modules": found}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
