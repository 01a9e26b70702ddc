"""The run files that come with corecbench are listed, and run by their names."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main


@pytest.fixture
def corecbench(tmp_path, monkeypatch):
    """Run the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(main, args, catch_exceptions=False)


def test_benchmarks_are_listed_with_what_they_show(corecbench):
    result = corecbench("describe", "benchmarks")
    assert result.exit_code == 0
    assert re.search(
        r"^recbole +Models of RecBole by their names, one of each kind, on ml-100k$", result.stdout, re.M
    )


def test_columns_begin_at_the_same_place(corecbench):
    lines = corecbench("describe", "benchmarks").stdout.splitlines()
    width = max(len(line.split("  ")[0]) for line in lines)
    assert all(line[width : width + 2] == "  " and line[width + 2] != " " for line in lines)


def test_benchmarks_as_json_have_their_file_too(corecbench):
    listed = {entry["name"]: entry for entry in json.loads(corecbench("describe", "benchmarks", "--json").stdout)}
    assert listed["ml-100k"]["summary"].startswith("SASRec and LightGCN")
    assert Path(listed["ml-100k"]["file"]).is_file()


def test_a_benchmark_is_run_by_its_name(corecbench):
    result = corecbench("run", "--config", "recbole", "--plan")
    assert result.exit_code == 0
    assert "ml-100k  bert4rec" in result.stdout


def test_an_unknown_benchmark_is_one_line(corecbench):
    result = corecbench("run", "--config", "recbowl", "--plan")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: unknown benchmark 'recbowl'; did you mean 'recbole'? have: ")
    assert result.stderr.count("\n") == 1
