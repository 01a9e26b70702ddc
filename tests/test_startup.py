"""Listing and help answer in a moment: nothing heavy is imported."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("torch", "recbole", "transformers", "peft", "accelerate")
LIMIT_S = 0.5
COMMAND = Path(sys.executable).parent / "corecbench"

RUN = """
import sys
from corecbench.cli import main
try:
    main({args!r})
except SystemExit as stop:
    assert stop.code == 0, stop.code
"""


def heavy_modules_after(code):
    """Return which heavy modules a new process has loaded after some code."""
    code += f"\nimport sys\nprint('LOADED', *[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("LOADED")[1].split()


@pytest.mark.parametrize(
    "code",
    [
        "import corecbench.api",
        *(
            RUN.format(args=args)
            for args in (
                ["--help"],
                ["run", "--help"],
                ["datasets", "--help"],
                ["datasets", "fetch", "--help"],
                ["list", "models"],
                ["list", "plugins"],
            )
        ),
    ],
    ids=["api", "help", "run help", "datasets help", "fetch help", "list models", "list plugins"],
)
def test_nothing_heavy_is_loaded(code):
    assert heavy_modules_after(code) == []


@pytest.mark.parametrize("verb", [[], ["datasets"], ["datasets", "fetch"], ["datasets", "info"]])
def test_help_loads_neither_pandas_nor_requests(verb):
    code = RUN.format(args=[*verb, "--help"]) + "\nassert not {'pandas', 'requests'} & set(sys.modules)"
    assert heavy_modules_after(code) == []


def test_the_probe_sees_a_heavy_module():
    assert heavy_modules_after("import torch") == ["torch"]


def test_report_does_not_load_torch(tmp_path):
    code = RUN.format(args=["report", "--results", str(tmp_path)]).replace("== 0", "== 5")
    assert heavy_modules_after(code) == []


def test_help_answers_in_half_a_second():
    durations = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([COMMAND, "--help"], capture_output=True, check=True)
        durations.append(time.perf_counter() - start)
    assert min(durations) < LIMIT_S
