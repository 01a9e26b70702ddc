"""How much a run prints: the plan, progress and the table; each epoch under -v; the table alone under -q."""

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main

SMALL = ("epochs=2", "embedding_size=16", "hidden_size=16", "batch_size=32")


@pytest.fixture
def run(tmp_path, monkeypatch, cache, toy_folder):
    """Run a small model on the toy data: `run("-q")`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    sets = [f"--set=gru4rec.{each}" for each in SMALL]
    base = ["run", "--no-references", "--models", "gru4rec", "--datasets", str(toy_folder), "--jobs", "1", *sets]
    return lambda *args: CliRunner().invoke(main, [*base, *args])


@pytest.fixture
def log(tmp_path):
    """Read the log of the only run."""
    return lambda: next((tmp_path / "results" / "default").glob("run-*.log")).read_text(encoding="utf-8")


def test_quiet_prints_the_table_alone_and_logs_all(run, log):
    result = run("-q")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "gru4rec" in result.stdout
    assert "plan:" not in result.stdout
    assert "written to" not in result.stdout
    assert log().count("validation NDCG@10") == 2


def test_verbose_prints_each_epoch(run, log):
    result = run("-v")
    assert result.exit_code == 0
    assert result.stdout.startswith("plan: 1 cells")
    assert [f"epoch {n} of at most 2" in result.stderr for n in (1, 2)] == [True, True]
    assert "done in" in log()


def test_quiet_still_prints_an_error(run):
    result = run("-q", "--seeds", "x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: seeds 'x'")


def test_quiet_prints_a_plan_that_is_asked_for(run):
    assert run("-q", "--plan").stdout.startswith("plan: 1 cells")


def test_of_both_the_last_counts(run):
    assert run("-v", "-q", "--plan").exit_code == 0
    assert run("-v", "-q").stderr == ""
