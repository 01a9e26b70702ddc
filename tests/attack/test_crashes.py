"""Runs that are killed, and plugins that end or block their process: nothing is lost but what was under way."""

import subprocess
import sys
from pathlib import Path

import pytest

ATTACKS = Path(__file__).with_name("run.py")


def test_a_run_that_is_killed_at_any_of_a_dozen_points_ends_as_if_undisturbed():
    script = [sys.executable, ATTACKS, "crash", "--short"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 cases, 0 of which were not reached" in done.stdout


ENDS = """
    import ctypes, os, resource, sys, time

    ACTS = {
        "sys-exit": lambda *_: sys.exit(0),
        "os-exit": lambda *_: os._exit(0),
        "segfault": lambda *_: ctypes.string_at(0),
        "no-memory": lambda *_: (resource.setrlimit(resource.RLIMIT_AS, (1, 1)), bytearray(1 << 40)),
        "hang": lambda *_: time.sleep(600),
    }

    @hookimpl
    def corecbench_domain_models():
        models = {name: type(name, (Model,), {"states": act}) for name, act in ACTS.items()}
        return [DomainModelComponent(name, model, Training) for name, model in models.items()]
"""
REASONS = {
    "sys-exit": ("PluginError", "failed in states: SystemExit: 0"),
    "os-exit": ("WorkerLost", "worker process ended with exit code 0"),
    "segfault": ("WorkerLost", "worker process ended with signal 11 (SIGSEGV)"),
    "no-memory": ("PluginError", "failed in states: MemoryError"),
    "hang": ("CellTimeout", "it took longer than 0.05 minutes (cell_timeout)"),
}


@pytest.fixture
def corecbench(tmp_path, toy_folder, monkeypatch):
    """Run a command on toy data in a process of its own: `corecbench(*arguments)`."""
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))

    def run(*arguments):
        fixed = [f"--datasets={toy_folder}", f"--results={tmp_path / 'results'}", "--jobs=2"]
        command = [sys.executable, "-m", "corecbench", "run", "--no-references", *fixed, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    return run


def test_a_plugin_that_ends_or_blocks_its_process_costs_its_cell_only(corecbench, domain_model, tmp_path):
    from corecbench.results.store import Store

    plugin, end = f"--plugin={domain_model(ENDS)}", [name for name in REASONS if name != "hang"]
    first = corecbench(plugin, f"--models={','.join(end)},popularity")
    second = corecbench(plugin, f"--models={','.join(REASONS)},popularity", "--set=run.cell_timeout=0.05")
    assert (first.returncode, second.returncode) == (1, 1)
    stored = {record["cell"]["name"]: record for _, record in Store(tmp_path / "results", "default").records()}
    assert stored.pop("popularity")["status"] == "ok"
    assert stored.keys() == REASONS.keys()
    for name, (kind, message) in REASONS.items():
        assert stored[name]["error"]["type"] == kind
        assert stored[name]["error"]["message"].endswith(message)
    assert second.stdout.count("failed before; --set run.retry_failed=true runs it again") == len(end)
    started = [line for line in second.stderr.splitlines() if line.endswith("started")]
    assert started == ["[1/1] hang, toy, seed 0: started"]
