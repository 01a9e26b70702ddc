"""Runs many tiny cells in one run, and records memory, open files and seconds of each: all must stay flat.

Most cells are the popularity model; every tenth is SASRec for two epochs, and some are pairs of SASRec and a tiny
random Llama. One worker process trains all of them, as in `corecbench run --jobs 1`.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.api import CellFacts, CellResult, hookimpl
from corecbench.experiment.session import prepare
from corecbench.plugin.host import Host
from corecbench.settings.config import load
from corecbench.testing.tiny_llama import save_tiny_llama
from corecbench.testing.toys import circle, write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST = 0.2
"""Share of the cells that are left aside: caches fill, and libraries are loaded."""
FEW = {"epochs": 2, "batch_size": 64, "learning_rate": 0.01}
SETTINGS = {
    "sasrec": {"embedding_size": 16, "inner_size": 16, "n_layers": 1, "n_heads": 1, **FEW},
    "llama": {"embedding_size": 16, "lora_layers": 2, "lora_rank": 2, "dtype": "float32", **FEW},
    "bdlm": {"start": "new", "warm_up_epochs": 1, "rounds": 1, "domain_epochs": 1, "llm_epochs": 1},
}


class Watch:
    """Notes after each cell what this process and its worker hold."""

    def __init__(self) -> None:
        self.cells: list[dict[str, Any]] = []
        self.started = 0.0

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        """Note the time."""
        self.started = time.perf_counter()

    @hookimpl
    def corecbench_cell_finished(self, cell: CellFacts, result: CellResult) -> None:
        """Note what both processes hold."""
        own = os.getpid()
        workers = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        note: dict[str, Any] = {"cell": cell["name"], "s": time.perf_counter() - self.started}
        note |= {f"run_{key}": value for key, value in held(own).items()}
        note |= {f"worker_{key}": value for key, value in held(int(workers[-1])).items()}
        self.cells.append({**note, "workers": len(workers), "status": result["status"]})


def held(pid: int) -> dict[str, float]:
    """Return memory, open files and threads of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return {
        "mib": int(status["VmRSS"].split()[0]) / 1024,
        "files": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(status["Threads"]),
    }


def trend(cells: Sequence[dict[str, Any]], key: str) -> dict[str, float]:
    """Return the mean of a number over cells, and by how much it changes over all of them, by least squares."""
    values = np.array([cell[key] for cell in cells])
    slope = np.polyfit(np.arange(len(values)), values, 1)[0]
    return {"mean": float(values.mean()), "change": float(slope * len(values)), "spread": float(values.std())}


def run_all(n_cells: int) -> dict[str, Any]:
    """Run the cells, print the trends and return all of it."""
    watch = Watch()
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        os.environ["CORECBENCH_CACHE"] = str(folder / "cache")
        toy = str(write_atomic(circle(), folder / "toy"))
        llm = f"llama:{save_tiny_llama(folder / 'tiny')}"
        n_sets = n_cells // 20
        fixed = {"datasets": (toy,), "settings": SETTINGS, "jobs": 1, "sharing": ("bdlm",)}
        variants = {f"pop-{number}": {"of": "popularity"} for number in range(17)}
        chosen = {"models": ("sasrec", *variants), "llms": (llm,), "variants": variants}
        config = load(None, {**fixed, **chosen, "seeds": tuple(range(n_sets))}, ())
        host = Host.discover()
        host.register(watch, "watch")
        prepare(config, host, folder / "results").run()
    cells = watch.cells[round(FIRST * len(watch.cells)) :]
    pops = [cell for cell in cells if cell["cell"].startswith("pop")]
    keys = [f"{process}_{key}" for process in ("run", "worker") for key in ("mib", "files", "threads")]
    trends = {key: trend(cells, key) for key in keys} | {"popularity s": trend(pops, "s")}
    failed = sum(cell["status"] != "ok" for cell in watch.cells)
    print(f"{len(watch.cells)} cells, {failed} failed; the first {len(watch.cells) - len(cells)} are left aside")
    for key, numbers in trends.items():
        print(
            f"{key:16} mean {numbers['mean']:9.3f}  change {numbers['change']:+8.3f}  sd {numbers['spread']:7.3f}"
        )
    return {
        "trends": trends,
        "cells": [{**cell, "cell": cell["cell"].replace(llm, "llama")} for cell in watch.cells],
    }
