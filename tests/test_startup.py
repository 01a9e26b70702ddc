"""Listing and help answer in a moment: nothing heavy is imported."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("torch", "recbole", "transformers", "peft", "accelerate", "matplotlib")
LIMIT_S = 0.5
SUPPORT = str(Path(__file__).parent / "support")
COMMAND = Path(sys.executable).parent / "corecbench"

RUN = """
import sys
from corecbench.cli.main import main
try:
    main({args!r})
except SystemExit as stop:
    assert stop.code == 0, stop.code
"""


def heavy_modules_after(code):
    """Return which heavy modules a new process has loaded after some code."""
    code += f"\nimport sys\nprint('LOADED', *[name for name in {HEAVY} if name in sys.modules])"
    own = {**os.environ, "PYTHONPATH": os.pathsep.join([SUPPORT, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=own)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("LOADED")[1].split()


@pytest.mark.parametrize(
    "code",
    [
        "import corecbench.api, corecbench.toolkit",
        "import corecbench\ncorecbench.run, corecbench.load, corecbench.table, corecbench.load_model",
        "import corecbench.testing.pytest_plugin",
        *(
            RUN.format(args=args)
            for args in (
                ["--help"],
                ["run", "--help"],
                ["datasets", "--help"],
                ["datasets", "fetch", "--help"],
                ["check", "--help"],
                ["new-plugin", "--help"],
                ["tune", "--help"],
                ["describe", "sasrec"],
                ["describe", "llama"],
                ["import", "--help"],
                ["split", "--help"],
                ["describe", "--json"],
                ["describe", "models"],
                ["describe", "plugins"],
                ["describe", "benchmarks"],
            )
        ),
    ],
    ids=lambda code: code.split("main(")[1].split(")")[0] if "main(" in code else code,
)
def test_nothing_heavy_is_loaded(code):
    assert heavy_modules_after(code) == []


@pytest.mark.parametrize(
    "verb",
    [[], ["check"], ["new-plugin"], ["datasets"], ["datasets", "fetch"], ["datasets", "info"], ["recommend"]],
)
def test_help_loads_no_library_of_data(verb):
    code = RUN.format(args=[*verb, "--help"]) + "\nassert not {'numpy', 'pandas', 'requests'} & set(sys.modules)"
    assert heavy_modules_after(code) == []


def test_the_probe_sees_a_heavy_module():
    assert heavy_modules_after("import torch") == ["torch"]


STORE = """
from pathlib import Path
from corecbench.results.store import Store
from corecbench.testing.records import toy_record
from stored_cells import store_cell, toy_ranks

store = Store(Path({root!r}), "default")
store_cell(store, toy_record("toy", dataset="toys"), {{"domain": toy_ranks([1, 2])}})
ranks = toy_ranks([2, 1])
store_cell(store, toy_record("toy", "llama", dataset="toys"), {{"domain": ranks, "llm": ranks}})
"""


@pytest.mark.parametrize(
    "verb",
    [
        ["report"],
        ["report", "--format", "latex"],
        ["report", "--effects", "--set", "report.test=bootstrap"],
        ["board"],
        ["compare", "--baseline", "toy"],
        ["compare", "--baseline", "toy", "--set=compare.test=permutation"],
    ],
)
def test_tables_of_stored_results_load_no_torch(tmp_path, verb):
    code = STORE.format(root=str(tmp_path)) + RUN.format(args=[*verb, str(tmp_path)])
    assert heavy_modules_after(code) == []


def test_metrics_of_stored_lists_load_no_torch(tmp_path):
    store = STORE.format(root=str(tmp_path)).replace("})\n", '}, ["ij", "ji"], {"i": 2, "j": 1})\n')
    report = RUN.format(args=["report", "--metrics", "novelty@2,coverage@2,MAP", str(tmp_path)])
    assert heavy_modules_after(store + report) == []


@pytest.mark.parametrize(
    ("option", "written", "modules"),
    [
        ("--plots", "plots/gain.png", ["matplotlib"]),
        ("--html", "report.html", ["matplotlib"]),
        ("--effects", "table.html", []),
    ],
)
def test_only_plots_load_matplotlib(tmp_path, option, written, modules):
    code = STORE.format(root=str(tmp_path)) + RUN.format(args=["report", option, str(tmp_path)])
    assert heavy_modules_after(code) == modules
    assert (tmp_path / "default" / written).exists()


@pytest.mark.timing
def test_help_answers_in_half_a_second():
    durations = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([COMMAND, "--help"], capture_output=True, check=True)
        durations.append(time.perf_counter() - start)
    assert min(durations) < LIMIT_S


def test_a_run_leaves_torch_to_its_workers(tmp_path):
    rows = [f"{user},{item},{10 * user + item}" for user in range(8) for item in range(user % 3, user % 3 + 4)]
    (tmp_path / "bought.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]), encoding="utf-8")
    args = ["run", "--models", "popularity", "--datasets", f"csv:{tmp_path / 'bought.csv'}", "--no-references"]
    assert heavy_modules_after(RUN.format(args=[*args, "--results", str(tmp_path / "results")])) == []
    assert list(tmp_path.glob("results/**/popularity/*/result.json"))
