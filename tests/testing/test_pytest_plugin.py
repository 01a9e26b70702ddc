"""The pytest plugin, in sessions of its own."""

import importlib.metadata
import subprocess
import sys

import pytest

TEST = """
def test_mine(pytestconfig):
    assert not pytestconfig.pluginmanager.has_plugin("corecbench-conformance")
"""
FAULTY = """
from corecbench.api import MetricComponent, hookimpl


class Doubled:
    higher_is_better = True

    def __init__(self, config):
        pass

    def per_user(self, rank, n_candidates):
        return 2 / rank


@hookimpl
def corecbench_metrics():
    return [MetricComponent("doubled", Doubled)]
"""


@pytest.fixture
def session(tmp_path):
    """Run pytest in an empty folder: `session("--corecbench", "MRR")`."""
    if not importlib.metadata.entry_points(group="pytest11", name="corecbench"):
        pytest.fail("the installed corecbench is an older one without a pytest plugin; install it again")

    def run(*args):
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, args)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_it_is_off_until_it_is_asked_for(session, tmp_path):
    (tmp_path / "test_mine.py").write_text(TEST)
    done = session("-v")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "corecbench::" not in done.stdout


def test_it_runs_the_checks_of_a_component_beside_the_tests(session, tmp_path):
    (tmp_path / "test_mine.py").write_text("def test_mine(): pass")
    done = session("-v", "--corecbench", "MRR", "--corecbench", "HR@10", "-k", "bounded or mine or survive")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_mine.py::test_mine PASSED" in done.stdout
    for name in ("MRR", "HR@10"):
        assert f"corecbench::{name}::values are bounded PASSED" in done.stdout
    assert "5 passed" in done.stdout


def test_a_fault_fails_the_session_and_is_said_without_a_traceback(session, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FAULTY)
    done = session("--corecbench", "doubled", "--corecbench-plugin", path)
    assert done.returncode == 1
    assert "[2.] among 1 candidates is not from 0 to 1" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "metric_checks.py" not in done.stdout
    assert "1 failed, 5 passed, 2 skipped" in done.stdout


def test_an_unknown_component_is_a_usage_error(session):
    done = session("--corecbench", "populatrity")
    assert done.returncode == 4
    assert "ERROR: unknown component 'populatrity'; did you mean 'popularity'?" in done.stderr
