"""What would fail after hours of training fails when the run is planned: one line, exit code 2, nothing written."""

import shutil
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main

ROWS = ["user_id,item_id,timestamp"]
ROWS += [f"u{user},i{(user + step) % 9},{step}" for user in range(12) for step in range(5)]


@pytest.fixture
def untitled(tmp_path):
    """Write interactions without titles."""
    file = tmp_path / "shop.csv"
    file.write_text("\n".join(ROWS) + "\n")
    return file


@pytest.fixture
def refused(tmp_path):
    """Run a command that is refused, and return its one line."""

    def run(*options, verb=()):
        results = tmp_path / "results"
        done = CliRunner().invoke(main, ["run", "--no-references", *options, "--results", str(results), *verb])
        assert done.exit_code == 2, done.output
        assert not results.exists()
        (line,) = done.stderr.splitlines()
        return line

    return run


def test_a_csv_without_titles_beside_an_llm(refused, untitled, tiny_llama):
    line = refused("--models", "sasrec", "--llm", f"llama:{tiny_llama}", "--datasets", f"csv:{untitled}")
    assert "no item of shop.csv has a text, and llama:" in line
    assert line.endswith("give the items titles (--set csv.title=COLUMN), or run without --llm")


def test_a_csv_without_titles_is_enough_without_an_llm(untitled, tmp_path):
    options = ["--models", "popularity", "--datasets", f"csv:{untitled}", "--results", str(tmp_path / "results")]
    done = CliRunner().invoke(main, ["run", "--no-references", *options, "--plan"])
    assert done.exit_code == 0, done.output


def test_a_metric_of_longer_lists_than_are_stored(refused, toy_folder):
    options = ("--models", "popularity", "--datasets", str(toy_folder), "--set", "run.metrics=coverage@20")
    assert refused(*options).endswith("but 10 are stored; give --set run.top_k=20")


def test_a_disk_that_will_not_suffice(refused, toy_folder, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=20_000))
    line = refused("--models", "sasrec", "--datasets", str(toy_folder), "--jobs", "1")
    assert "results" in line
    assert "has 0.0 MB free, but this run needs about 0.2 MB; free some room" in line


def test_what_is_done_needs_no_room(toy_folder, tmp_path, monkeypatch):
    options = [
        "run",
        "--no-references",
        "--models",
        "popularity",
        "--datasets",
        str(toy_folder),
        "--results",
        str(tmp_path / "results"),
    ]
    assert CliRunner().invoke(main, options).exit_code == 0
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=0))
    assert CliRunner().invoke(main, options).exit_code == 0
