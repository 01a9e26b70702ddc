"""The record of a script: what was measured, on which machine, with which versions. One JSON file per script."""

from __future__ import annotations

import datetime
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring.comparison import measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measuring.comparison import Comparison
    from measuring.options import Options

RESULTS = Path(__file__).parents[3] / "results" / "perf"
"""Where records of whole measurements are kept."""
BUSY = 0.3
"""A machine whose load is higher before the first measurement is called busy."""


def measure_all(name: str, comparisons: Sequence[Comparison], options: Options) -> dict[str, Any]:
    """Measure every comparison, write the record after each of them, and print it as a table.

    Args:
        name: of the script.
        comparisons: what is measured.
        options: those of the command line.
    """
    from measuring.table import table

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a side does not outlive its script
    record = head(name, options)
    for comparison in comparisons:
        record["comparisons"].append(measure(comparison, options))
        if options.out is not None:
            write(record, options.out)
    print(table([record]))
    return record


def head(name: str, options: Options) -> dict[str, Any]:
    """Return the part of a record that says how, where and when it was measured."""
    from corecbench.experiment.process import commit, machine, versions

    load = os.getloadavg()[0]
    return {
        "name": name,
        "command": f"python benchmarks/perf/{name}.py --rounds {options.rounds} --threads {options.threads}",
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine("cpu").rpartition(", ")[0],
        "cores": os.cpu_count(),
        "threads": options.threads,
        "load_before": load,
        "busy": options.busy or load > BUSY,
        "tiny": options.tiny,
        "rounds": options.rounds,
        "versions": versions(),
        "comparisons": [],
    }


def write(record: dict[str, Any], folder: Path) -> None:
    """Write a record to its place, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record['name']}.json"
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the records in a folder, by name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
