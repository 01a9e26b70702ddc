"""Which benchmarks lie in a folder, and which one is meant."""

from pathlib import Path

import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.api import UsageError
from corecbench.results.choice import Choice
from corecbench.results.folders import cell_at, choose, place_of, stores
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

CELL = toy_record("sasrec"), {"domain": toy_ranks([1, 2])}


@pytest.fixture
def store(tmp_path):
    """The default benchmark of an empty folder."""
    return Store(tmp_path, "default")


def test_stores_are_the_benchmarks_of_a_folder_or_the_one_whose_folder_it_is(store):
    for benchmark in ("b", "a"):
        store_cell(Store(store.root, benchmark), *CELL)
    assert stores(store.root) == [Store(store.root, "a"), Store(store.root, "b")]
    assert stores(store.root / "b") == [Store(store.root, "b")]


def test_the_current_folder_may_be_that_of_a_benchmark(store, monkeypatch):
    store_cell(store, *CELL)
    monkeypatch.chdir(store.root / "default")
    assert [found.benchmark for found in stores(Path())] == ["default"]


def test_a_folder_of_a_benchmark_under_another_name_is_refused(store):
    store_cell(store, *CELL)
    other = (store.root / "default").rename(store.root / "my results")
    with pytest.raises(ResultsError, match="no name of a benchmark; rename the folder to my-results-"):
        stores(other)


def test_a_folder_without_results_is_an_error(tmp_path):
    with pytest.raises(ResultsError, match="no results here"):
        stores(tmp_path / "absent")


def test_a_benchmark_is_chosen_by_name_or_is_the_default_or_the_only_one(store):
    default, other, third = (Store(store.root, name) for name in ("default", "other", "third"))
    assert choose([default, other], "other") == other
    assert choose([default, other], None) == default
    assert choose([other], None) == other
    with pytest.raises(UsageError, match=r"several benchmarks in .*; choose one by --benchmark: other, third"):
        choose([other, third], None)
    with pytest.raises(ResultsError, match="no results of benchmark 'x'; have: other"):
        choose([other], "x")


@pytest.fixture
def several(store):
    """Return the folders of two settings of a cell, the earlier one with two seeds: "old", "old-1" and "new"."""

    def add(seed, hash8, day):
        record = toy_record("sasrec", seed=seed, hash=hash8, started=f"2026-01-0{day}T00:00:00+00:00")
        return store_cell(store, record, {"domain": toy_ranks([1, 2])})

    return {"old": add(0, "a" * 8, 1), "old-1": add(1, "a" * 8, 1), "new": add(1, "b" * 8, 2)}


def test_a_path_names_one_cell(several):
    for path in (several["old-1"], several["old-1"] / "result.json"):
        assert cell_at(path) == several["old-1"]


def test_the_folder_above_needs_to_be_told_which_settings(several):
    above = several["old"].parent
    with pytest.raises(
        UsageError, match=r"several settings of sasrec .* --latest, or one by --pick sasrec=bbbbbbbb"
    ):
        cell_at(above)
    assert cell_at(above, Choice(latest=True)) == several["new"]
    picked = Choice(picks=(("sasrec", "a" * 8),))
    assert [cell_at(above, picked, seed) for seed in (None, 1)] == [several["old"], several["old-1"]]
    with pytest.raises(UsageError, match="no cell with seed 7; have: 0, 1"):
        cell_at(above, picked, 7)
    with pytest.raises(UsageError, match="unknown hash of cell sasrec 'cccccccc'"):
        cell_at(above, Choice(picks=(("sasrec", "c" * 8),)))


def test_a_place_is_made_and_is_the_benchmark_of_its_name(tmp_path):
    folder = tmp_path / "new" / "tables"
    assert place_of(folder) == Store(tmp_path / "new", "tables")
    assert folder.is_dir()
    assert place_of(folder) == Store(tmp_path / "new", "tables")


def test_the_current_folder_may_be_a_place(tmp_path, monkeypatch):
    (tmp_path / "tables").mkdir()
    monkeypatch.chdir(tmp_path / "tables")
    assert place_of(Path()) == Store(tmp_path, "tables")
    monkeypatch.chdir(tmp_path)
    assert place_of(Path("tables")) == Store(Path(), "tables")


@pytest.mark.parametrize(("folder", "name"), [(Path("/"), "tables"), (Path("my tables"), "my-tables-")])
def test_a_place_whose_name_no_benchmark_can_have_is_refused_and_not_made(tmp_path, monkeypatch, folder, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"^{folder}: no name of a benchmark; choose one such as {name}"):
        place_of(folder)
    assert list(tmp_path.iterdir()) == []
