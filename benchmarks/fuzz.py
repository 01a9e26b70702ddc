"""Feeds every reader with thousands of changed inputs, and writes what became of them.

    python benchmarks/fuzz.py --inputs 5000

No input may end in anything but a one-line error or a valid reading, within seconds. The inputs follow from the
seed, so a fault is made again by the same command; `--keep DIR` writes the inputs at fault.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from fuzzing.inputs import kinds
from fuzzing.running import run

import corecbench

RESULT = Path(__file__).parent.parent / "results" / "attack" / "fuzz.json"


def main() -> int:
    """Try the inputs and write the counts; return 1 if there are faults."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=5000, help="inputs of all kinds together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="", help="names of kinds, separated by commas; all by default")
    parser.add_argument("--keep", type=Path, help="folder for the inputs at fault")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    chosen = [kind for kind in kinds() if not options.kinds or kind.name in options.kinds.split(",")]
    each, clock, found = -(-options.inputs // len(chosen)), time.perf_counter(), {}
    for kind in chosen:
        started = time.perf_counter()
        count = run(kind, each, options.seed, options.keep)
        found[kind.name] = asdict(count)
        print(
            f"{kind.name:20} {count.inputs:5} inputs, {count.refused:5} refused, {count.equal:5} equal, "
            f"{count.different:5} other, {len(count.faults):3} faults, {time.perf_counter() - started:.0f} s",
            flush=True,
        )
        for fault in count.faults[:20]:
            print(f"    {fault}")
    total = {
        name: sum(count[name] for count in found.values()) for name in ("inputs", "refused", "equal", "different")
    }
    total["faults"] = sum(len(count["faults"]) for count in found.values())
    written = {
        "corecbench": corecbench.__version__,
        "seed": options.seed,
        "seconds": round(time.perf_counter() - clock, 1),
        "total": total,
        "kinds": found,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return int(total["faults"] > 0)


if __name__ == "__main__":
    sys.exit(main())
