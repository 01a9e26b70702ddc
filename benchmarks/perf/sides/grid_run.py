"""Runs a grid by the command line: `grid_run.py FOLDER JOBS ARGUMENTS OF corecbench run ...`.

Results and text caches begin empty. The results of the last run stay in FOLDER/jobs-JOBS.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring.clock import report, timed

from corecbench.toolkit import cache_folder


def main(folder: Path, jobs: str, arguments: list[str]) -> None:
    """Run, and report what it took."""
    results = folder / f"jobs-{jobs}"
    shutil.rmtree(results, ignore_errors=True)
    with tempfile.TemporaryDirectory() as cache:
        models = cache_folder() / "models"
        if models.exists():
            (Path(cache) / "models").symlink_to(models.resolve())  # converted weights are no part of a grid
        command = [sys.executable, "-m", "corecbench", "run", *arguments, "--jobs", jobs, "--results", str(results)]
        environment = {**os.environ, "CORECBENCH_CACHE": cache}
        done, cost = timed(lambda: subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL))
    if done.returncode != 0:
        raise SystemExit(f"corecbench run ended with exit code {done.returncode}")
    report(cost, ("corecbench", "torch"), cells=len(list(results.rglob("result.json"))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
