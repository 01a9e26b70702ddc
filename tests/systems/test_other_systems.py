"""What runs on macOS and Windows, as far as Linux can simulate them; see `simulated/sitecustomize.py`."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from corecbench.results.layout import slug
from corecbench.toolkit import system

SIMULATED = Path(__file__).parent / "simulated"
SYSTEMS = ["win32", "darwin"]
IMPORT_ALL = """
import importlib, pkgutil
import corecbench, corecbench_plugins
names = [found.name for package in (corecbench, corecbench_plugins)
         for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
         if not found.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
OF_LLMS = """
from pathlib import Path
from corecbench_plugins.hf_llm import locks, model_cache, trial
with locks.only_one(Path("weights")):
    assert Path("weights.lock").exists()
model_cache.check_owner(Path("."))
print(trial.run({"template": "{{ messages[0].content }}", "names": {}}, 1))
endless = "{% for i in range(99999) %}" * 4 + "x" + "{% endfor %}" * 4
print(trial.run({"template": endless, "names": {}}, 1))
"""


@pytest.fixture
def on(tmp_path):
    """Return a function that runs Python on a system, in an empty folder, and returns what it prints."""

    def run(name, *arguments):
        own = {"SIMULATED": name, "PYTHONPATH": str(SIMULATED), "PYTHONIOENCODING": "cp1252"}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, **own, "CORECBENCH_CACHE": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            encoding="cp1252",
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_module_can_be_imported(on, name):
    assert int(on(name, "-W", "ignore", "-c", IMPORT_ALL)) > 300


def test_the_simulation_is_seen_by_our_code_alone(on):
    ours = "import corecbench.toolkit.system as seen; print(seen.sys.platform, hasattr(seen.os, 'killpg'))"
    assert on("win32", "-c", ours).split() == ["win32", "False"]
    assert on("win32", "-c", "import os, sys; print(sys.platform, hasattr(os, 'killpg'))").split() == [
        sys.platform,
        str(hasattr(os, "killpg")),
    ]


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_data_set_is_run_reported_and_checked(on, tmp_path, name):
    lines = [f"u{user},i{(user + k) % 9},{k},Item {(user + k) % 9}" for user in range(20) for k in range(5)]
    (tmp_path / "toys.csv").write_text("\n".join(["user_id,item_id,timestamp,title", *lines]) + "\n")
    command = ["-m", "corecbench"]
    assert "Usage" in on(name, *command, "--help")
    assert "popularity" in on(name, *command, "describe")
    assert "popularity" in on(
        name, *command, "run", "--no-references", "--models", "popularity", "--datasets", "csv:toys.csv"
    )
    assert "popularity" in on(name, *command, "report", "results", "--html")
    on(name, *command, "results", "verify", "results")
    (record,) = tmp_path.glob("results/default/*/*/*/result.json")
    if name == "win32":
        assert "equal" in on("", *command, "reproduce", str(record))  # the same ranks on this system
    written = [
        path
        for path in tmp_path.rglob("*.*")
        if path.is_file() and path.suffix in (".json", ".md", ".csv", ".html", ".tex")
    ]
    assert len(written) > 3
    assert not [path.name for path in written if b"\r\n" in path.read_bytes()]


def test_llms_have_locks_and_trials_on_windows(on):
    fine, endless = on("win32", "-c", OF_LLMS).splitlines()
    assert fine == ""
    assert endless == "takes more than 3 seconds"


def test_a_process_ends_with_what_it_started_on_windows(monkeypatch):
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform="win32"))
    sleep = "import time; time.sleep(60)"
    start = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleep!r}]); print(flush=True); {sleep}"
    )
    process = subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.PIPE)
    process.stdout.readline()
    (below,) = psutil.Process(process.pid).children()
    system.kill_group(process)
    assert process.wait() != 0
    below.wait(5)
    process.stdout.close()
    system.kill_group(process)  # one that has ended is left alone


def test_a_process_is_found_by_its_number():
    assert system.is_running(os.getpid())
    assert not system.is_running(2**62)


@pytest.mark.parametrize("label", ["aux", "CON", "nul.csv", "com1", "lpt9.a"])
def test_names_that_windows_reserves_are_changed(label):
    assert slug(label).startswith("_")
    assert slug(label) != label


@pytest.mark.parametrize("label", ["console", "auxiliary", "con+llama", "com10"])
def test_names_that_begin_like_reserved_ones_stay(label):
    assert slug(label) == label
