"""The verb `tune`: its plan, its output and its faults."""

import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main

SMALL = ("epochs=1", "embedding_size=16", "batch_size=32", "negatives=0", "n_layers=1")


@pytest.fixture
def tune(tmp_path, monkeypatch, cache, toy_folder):
    """Run the verb in an empty folder, on the toy data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    sets = [f"--set=gru4rec.{each}" for each in SMALL]
    return lambda *args: CliRunner().invoke(main, ["tune", "--datasets", str(toy_folder), *sets, *args])


def test_the_plan_shows_the_spaces_and_the_budget_and_writes_nothing(tune, tmp_path):
    result = tune(
        "--models", "gru4rec", "--llm", "llama", "--minutes", "9", "--trials", "20", "--jobs", "2", "--plan"
    )
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "plan: 2 searches of 9 minutes or 20 finished trials each, 2 jobs; 18 minutes in all"
    assert "    gru4rec.learning_rate  0.0005 to 0.005, by factors" in lines
    assert "    bdlm.neighbours     0, 3, 5, 10" in lines
    assert "    settings of llama are kept" in lines
    assert any(line.startswith("    kept: gru4rec.epochs = 1, ") for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_it_prints_each_trial_and_what_was_found_and_where_it_stands(tune, tmp_path):
    result = tune("--models", "gru4rec", "--trials", "2")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "trial 1: complete, validation 0." in result.stdout
    assert "toy  gru4rec: validation NDCG@10 0." in result.stdout
    assert "of 2 trials that finished" in result.stdout
    assert result.stdout.endswith(
        "written to tuned.toml; every trial and the plots of each search are in results/tuning\n"
    )
    assert (tmp_path / "tuned.toml").exists()


def test_an_edge_is_said(tune):
    small = ("epochs=1", "embedding_size=16", "inner_size=16", "n_layers=1")
    result = tune("--models", "sasrec", "--trials", "1", *(f"--set=sasrec.{each}" for each in small))
    edge = "sasrec.batch_size = 64 is the lowest value that was searched"
    assert f"  on the edge: {edge}; a wider space may hold better ones\n" in result.stdout
    assert edge in tomllib.loads(Path("tuned.toml").read_text())["tuning"]["toy"]["sasrec"]["alone"]["on_edge"]


def test_a_run_takes_what_was_found(tune):
    tune("--models", "gru4rec", "--trials", "1")
    result = CliRunner().invoke(main, ["run", "--config", "tuned.toml", "--models", "gru4rec", "--plan"])
    assert result.exit_code == 0
    assert "note: settings of data sets that are not in this run are left aside: toy" in result.stdout


def test_a_missing_extra_is_one_line_with_the_command(tune, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    result = tune("--models", "gru4rec")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(
        "error: corecbench tune needs Optuna; install it by `pip install 'corecbench[tune]'`"
    )


@pytest.mark.parametrize("option", [("--trials", "0"), ("--jobs", "0"), ("--minutes", "-1")])
def test_a_budget_out_of_range_is_wrong_usage(tune, option):
    result = tune("--models", "gru4rec", *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr


def test_nothing_to_tune_is_wrong_usage(tune):
    result = tune()
    assert (result.exit_code, result.stderr) == (
        2,
        "error: nothing to tune; give --models (`corecbench describe models` shows some)\n",
    )


@pytest.mark.parametrize("minutes", ["nan", "-1", "inf"])
def test_minutes_that_are_no_number_are_refused(minutes):
    result = CliRunner().invoke(main, ["tune", "--models", "sasrec", "--minutes", minutes])
    assert result.exit_code == 2
    assert "minutes" in result.stderr
    assert result.stderr.count("\n") == 1
