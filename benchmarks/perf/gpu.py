"""Runs on the GPU of this machine what tests, users and a large LLM do, and prints what it took.

    python benchmarks/perf/gpu.py [LLM]      # `make gpu`; LLM as --llm takes it

The tests that need a GPU, README's main job, and one pair with the LLM. Each runs in a process of its own; the pair
needs the LLM's weights, from the hub or from a folder.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LLM = "hf:TinyLlama/TinyLlama-1.1B-Chat-v1.0"


def steps(results: str, llm: str) -> Mapping[str, Sequence[str]]:
    """Return what is measured -> its command."""
    run = [sys.executable, "-m", "corecbench", "run", "--device", "cuda", "--results", results]
    return {
        "tests": [sys.executable, "-m", "pytest", "-q", "-m", "gpu"],
        "main job": [*run, "--models", "sasrec,lightgcn", "--llm", "llama"],
        f"pair with {llm}": [*run, "--benchmark", "large", "--models", "sasrec", "--llm", llm],
    }


def measure(card: str, commands: Mapping[str, Sequence[str]]) -> bool:
    """Run commands, print the seconds of each beside the name of the card, and return whether all succeeded."""
    ok = True
    for what, command in commands.items():
        start_s = time.perf_counter()
        code = subprocess.run(command, check=False).returncode
        ok = ok and code == 0
        print(f"{card}: {what}: {time.perf_counter() - start_s:.0f} s, exit code {code}", flush=True)
    return ok


def main(llm: str = LLM) -> int:
    """Measure where there is a GPU."""
    import torch

    if not torch.cuda.is_available():
        print("there is no GPU here, so nothing is measured")
        return 0
    with tempfile.TemporaryDirectory() as results:
        return 0 if measure(torch.cuda.get_device_name(), steps(results, llm)) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
