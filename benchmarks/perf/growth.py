"""Measures how time and memory grow with users, items, interactions and the length of histories.

    python benchmarks/perf/growth.py --out growth.json           # each size in a process of its own
    python benchmarks/perf/growth.py --only middle               # 200,000 users and items; large: a million

Each size is drawn by `drawn_data`, written to a Parquet file, read, put in order and split. Then an epoch of SASRec
and one of LightGCN begin, under the defaults of large data: some batches are trained, and the epoch is taken to
cost as many times as much as it has batches. At last some users are ranked among all items, as the sample that is
validated after an epoch is. Seconds are those of the processor, on one thread.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from drawn_data import draw
from measuring.clock import peak_memory_bytes
from pyarrow.parquet import write_table

from corecbench.api import Setup
from corecbench.api.fields import MANY_ITEMS
from corecbench.data.dataset import Dataset, load_dataset
from corecbench.data.split import Split, leave_one_out
from corecbench.evaluation.protocol import sampled_users
from corecbench.experiment.process import keep_freed_memory
from corecbench.plugin.host import Host
from corecbench.settings.config import RunConfig
from corecbench.training.cell import CellTraining

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True)
class Size:
    """What is measured at a time."""

    n_users: int
    n_items: int
    n_interactions: int
    max_history: int = 50
    sasrec_batches: int = 10
    lightgcn_batches: int = 3
    n_ranked: int = 1_024


BASE = Size(n_users=20_000, n_items=20_000, n_interactions=400_000)
NAMED = {
    "middle": Size(200_000, 200_000, 4_000_000, lightgcn_batches=2),
    "large": Size(1_000_000, 1_000_000, 20_000_000, lightgcn_batches=1),
}
FILE = "drawn.parquet"
GROWN = {
    "users, each with as many interactions": ("n_users", "n_interactions"),
    "items": ("n_items",),
    "interactions of each user": ("n_interactions",),
    "max_history": ("max_history",),
    "all of these but max_history": ("n_users", "n_items", "n_interactions"),
}
"""What grows -> the fields of a size that are multiplied; all else stays as it is."""


def sizes(base: Size) -> dict[str, list[tuple[int, Size]]]:
    """Return what grows -> pairs of the factor and the size."""
    return {
        name: [(by, replace(base, **{field: by * getattr(base, field) for field in fields})) for by in (1, 2, 4)]
        for name, fields in GROWN.items()
    }


def measure(only: str | None) -> dict[str, Any]:
    """Return what each size took, and the exponents; or what `only` the size of this name took."""
    series = {} if only else sizes(BASE)
    costs: dict[Size, dict[str, float]] = {}
    wanted = [NAMED[only]] if only else [size for points in series.values() for _, size in points]
    for size in dict.fromkeys(wanted):
        print(f"measuring {asdict(size)}", file=sys.stderr, flush=True)
        costs[size] = in_process(size)
    return {
        "sizes": [{"size": asdict(size), "cost": cost} for size, cost in costs.items()],
        "exponents": {
            name: exponents([(by, costs[size]) for by, size in points]) for name, points in series.items()
        },
    }


def exponents(points: Sequence[tuple[int, Mapping[str, float]]]) -> dict[str, float]:
    """Return for each cost the exponent b of cost = a factor^b, by least squares on logarithms.

    >>> round(exponents([(1, {"read_s": 2.0}), (2, {"read_s": 8.0})])["read_s"], 6)
    2.0
    """
    factors = np.log([by for by, _ in points])
    centred = factors - factors.mean()
    names = [name for name in points[0][1] if all(cost[name] > 0 for _, cost in points)]
    return {
        name: float(centred @ np.log([cost[name] for _, cost in points]) / (centred @ centred)) for name in names
    }


def in_process(size: Size) -> dict[str, float]:
    """Measure a size in a process of its own, whose largest memory is that of this size."""
    with tempfile.TemporaryDirectory() as folder:
        write_table(draw(size.n_users, size.n_items, size.n_interactions), Path(folder) / FILE)
        command = [sys.executable, __file__, "--one", json.dumps(asdict(size)), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{size} failed with exit code {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_one(size: Size, folder: Path) -> dict[str, float]:
    """Return the seconds of each step and the largest memory so far, in bytes, for one size."""
    keep_freed_memory()  # as every cell does
    cost: dict[str, float] = {}
    data, split = load(folder / FILE, cost)
    cost |= {name: float(data.facts[name]) for name in ("n_users", "n_items", "n_interactions")}
    setup = Setup(data.catalog, size.max_history, seed=0, cache=folder)
    for name, n_batches in (("sasrec", size.sasrec_batches), ("lightgcn", size.lightgcn_batches)):
        train_and_rank(name, n_batches, size.n_ranked, setup, split, cost)
    return cost


def load(file: Path, cost: dict[str, float]) -> tuple[Dataset, Split]:
    """Read, order and split the interactions of a file."""
    host = Host.discover()
    source = host.build(host.select("datasets", f"parquet:{file}", {}))
    rows = timed("read_s", cost, source.interactions)
    titles = source.items()
    given = iter([rows])
    del rows
    read = SimpleNamespace(interactions=lambda: next(given), items=lambda: titles)  # rows are let go when taken
    data = timed("order_s", cost, lambda: load_dataset("drawn", read))
    del source
    return data, timed("split_s", cost, lambda: leave_one_out(data))


def train_and_rank(
    name: str, n_batches: int, n_ranked: int, setup: Setup, split: Split, cost: dict[str, float]
) -> None:
    """Train some batches of a model alone, and rank some users by it."""
    host = Host.discover()
    metric = host.build(host.select("metrics", "NDCG@10", {}))
    cell = CellTraining(host, setup, split, name, metric, sampled_users=n_ranked)
    selected = host.select("models", name, {}, n_items=max(setup.catalog.n_items, MANY_ITEMS + 1))
    batch_size = selected.config.batch_size
    selected = replace(selected, config=replace(selected.config, max_examples=n_batches * batch_size))

    def build() -> Any:
        model, _ = cell.build_solo("domain", selected)
        return cell.side_training("domain", selected, model, 1)

    training = timed(f"{name}_build_s", cost, build)
    cell.seed("training")
    timed(f"{name}_first_batches_s", cost, lambda: training.train_epoch(None, None))  # sorts pairs, fills caches
    timed(f"{name}_batches_s", cost, lambda: training.train_epoch(None, None))
    epoch = math.ceil(len(training.examples) / batch_size)
    cost[f"{name}_batch_s"] = cost[f"{name}_batches_s"] / min(n_batches, epoch)
    cost[f"{name}_epoch_s"] = cost[f"{name}_batch_s"] * epoch
    task, model = cell.epoch_task, training.model
    cell.validate(model, task)  # what is kept from batch to batch is computed here
    start_s = time.process_time()
    cell.validate(model, task)
    ranked_s = cost[f"{name}_rank_s_per_user"] = (time.process_time() - start_s) / len(task.users)
    n_validated = sampled_users(split, RunConfig()) or len(split.held["validation"].users)
    cost[f"{name}_validation_s"] = ranked_s * n_validated
    cost[f"{name}_peak_bytes"] = float(peak_memory_bytes())


def timed(name: str, cost: dict[str, float], step: Callable[[], Any]) -> Any:
    """Run a step, note its seconds and the largest memory so far, and return what it returns."""
    start_s = time.process_time()
    value = step()
    cost[name] = time.process_time() - start_s
    cost[name.replace("_s", "_peak_bytes")] = float(peak_memory_bytes())
    return value


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="measure growth")
    parser.add_argument("--only", choices=NAMED, help="only this size, and no exponents")
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        torch.set_num_threads(1)
        print(json.dumps(measure_one(Size(**json.loads(options.one[0])), Path(options.one[1]))))
        return
    found = measure(options.only)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for each in found["sizes"] if options.only else ():
        print(json.dumps(each, indent=1))
    for name, of in found["exponents"].items():
        print(name)
        for what, exponent in of.items():
            print(f"  {what:<32}{exponent:6.2f}")


if __name__ == "__main__":
    main()
