"""Times how long the command line takes to start, and to make the tables of 100 and of 2,000 stored cells.

    python benchmarks/perf/startup_and_report.py

Prints a line for each command: median seconds of processor time and of wall time, and the highest memory, which is
at least that of this script.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stored_cells import write_cells

CELLS = (100, 2_000)
TINY_CELLS = 12
REPEATS = 3


def measure(tiny: bool) -> dict[str, Any]:
    """Return command -> `cpu_s`, `wall_s` and `peak_memory_bytes`, each the median of several runs.

    Args:
        tiny: whether a handful of cells with few users is enough, to see that the script works.
    """
    found = {
        "corecbench --help": timed(["--help"]),
        "corecbench list": timed(["list"]),
    }
    for n_cells in (TINY_CELLS,) if tiny else CELLS:
        with tempfile.TemporaryDirectory() as folder:
            write_cells(Path(folder), n_cells, shrink=50 if tiny else 1)
            arguments = ["report", folder, "--benchmark", "grid"]
            found[f"corecbench report, {n_cells:,} cells"] = timed(arguments, 1 if tiny else REPEATS)
            if n_cells == CELLS[0] or tiny:
                for option in ("--html", "--plots"):
                    found[f"corecbench report {option}, {n_cells:,} cells"] = timed([*arguments, option], 1)
    return found


def timed(arguments: Sequence[str], repeats: int = REPEATS) -> Mapping[str, float]:
    """Run a command in processes of their own, and return medians of what they took.

    Raises:
        SystemExit: the command failed.
    """
    runs = [_run_once([sys.executable, "-m", "corecbench", *arguments]) for _ in range(repeats + 1)]
    counted = runs[1:] or runs  # the first one fills the caches of the file system
    return {name: statistics.median(run[name] for run in counted) for name in counted[0]}


def _run_once(command: Sequence[str]) -> dict[str, float]:
    start_s = time.perf_counter()
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # compiled once, as in an installed environment
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().decode()
    if process.returncode not in (0, 5):  # 5: rows lack a seed
        sys.exit(f"{' '.join(command)} ended with exit code {process.returncode}: {said}")
    return {
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall_s": time.perf_counter() - start_s,
        "peak_memory_bytes": float(usage.ru_maxrss * resource_unit()),
    }


def resource_unit() -> int:
    """Return the bytes in a unit of `ru_maxrss`: 1,024 on Linux, 1 on macOS."""
    return 1 if sys.platform == "darwin" else 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="time start-up and reports")
    parser.add_argument("--tiny", action="store_true", help="a handful of cells, to see that the script works")
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured")
    options = parser.parse_args()
    found = measure(options.tiny)
    for name, values in found.items():
        memory = values["peak_memory_bytes"] / 2**20
        print(f"{name:<44}{values['cpu_s']:9.2f} CPU s{values['wall_s']:9.2f} s{memory:9,.0f} MiB")
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
