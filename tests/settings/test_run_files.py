"""A run file is found by its path, or by its name where it comes with corecbench."""

from pathlib import Path

import pytest

from corecbench.api import UsageError
from corecbench.settings.config import load
from corecbench.settings.run_files import find, packaged, summary


def test_a_name_is_that_of_a_packaged_file_in_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find("three-datasets") == packaged()["three-datasets"]
    assert load("three-datasets", {}, []).datasets == ("amazon-beauty", "amazon-toys-games", "ml-1m")


def test_what_a_packaged_file_includes_lies_beside_it():
    assert load("three-datasets", {}, []).settings_on("ml-1m")["llama"]["max_examples"] == 2000


def test_a_file_of_the_same_name_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quick").write_text('benchmark = "mine"\n')
    assert load("quick", {}, []).benchmark == "mine"


def test_a_folder_of_the_same_name_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quick").mkdir()
    assert find("quick") == packaged()["quick"]


@pytest.mark.parametrize("path", ["quick.toml", "./quick", "folder/quick"])
def test_what_looks_like_a_path_is_no_name(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    assert find(path) == Path(path)
    with pytest.raises(UsageError, match="cannot read"):
        load(path, {}, [])


def test_an_unknown_name_is_an_error_with_close_matches():
    with pytest.raises(UsageError, match=r"^unknown benchmark 'three-dataset'; did you mean 'three-datasets'\?"):
        load("three-dataset", {}, [])


@pytest.mark.parametrize("path", packaged().values(), ids=packaged())
def test_a_packaged_file_says_in_its_first_line_what_it_shows(path):
    assert path.read_text(encoding="utf-8").startswith(f"# {summary(path)}\n")
    assert len(summary(path)) > 20
