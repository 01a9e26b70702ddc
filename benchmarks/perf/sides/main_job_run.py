"""Runs a job by the command line from an empty cache: `main_job_run.py RESULTS ARGUMENTS OF corecbench run ...`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring.clock import report, timed


def main(results: str, *arguments: str) -> None:
    """Run, and report what it took, in all and for each cell. Former results are removed."""
    shutil.rmtree(results, ignore_errors=True)
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "corecbench", "run", *arguments, "--results", results]
        environment = {**os.environ, "CORECBENCH_CACHE": cache}
        done, cost = timed(lambda: subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL))
        if done.returncode != 0:
            raise SystemExit(f"corecbench run ended with exit code {done.returncode}")
        cells = [json.loads(file.read_text(encoding="utf-8")) for file in Path(results).rglob("result.json")]
    peaks = sorted((cell["peak_memory_bytes"] for cell in cells), reverse=True)
    seconds = {f"{cell['cell']['name']}, seed {cell['cell']['seed']}": cell["duration_s"] for cell in cells}
    report(
        cost, ("corecbench", "torch", "transformers"), two_largest_bytes=sum(peaks[:2]), seconds_of_cells=seconds
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
