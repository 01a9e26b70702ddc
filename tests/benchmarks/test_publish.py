"""Publishing: the same tables, no ids of users or held-out items, no checkpoints."""

import doctest
import importlib.util
from pathlib import Path

import pandas
import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.results.checksums import unsealed
from corecbench.results.folders import stores as stores_in
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "publish.py"


@pytest.fixture(scope="module")
def script():
    """Import the script as a module."""
    spec = importlib.util.spec_from_file_location("publish_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def stores(bench, tmp_path):
    """Results of two seeds of popularity, and an empty place for what is published."""
    bench(models=("popularity",), seeds=(0, 1))
    return Store(tmp_path / "results", "default"), Store(tmp_path / "published", "default")


def ranks_of(store):
    return [store.ranks(folder, side) for folder, record in store.records() for side in record["sides"]]


def test_ranks_stay_and_ids_do_not(script, stores):
    source, target = stores
    assert script.publish(source, target) == 2
    for before, after in zip(ranks_of(source), ranks_of(target), strict=True):
        before = before.sort_values("user_id")
        for column in ("rank", "n_candidates", "history_length", "target_frequency"):
            assert after[column].tolist() == before[column].tolist()
        assert after["user_id"].tolist() == [str(number) for number in range(1, len(before) + 1)]
        assert set(after["target_item_id"]) == {script.LEFT_OUT}


def test_the_record_is_the_same_and_checkpoints_stay_behind(script, stores):
    source, target = stores
    script.publish(source, target)
    published, run = ([unsealed(record) for _, record in store.records()] for store in (target, source))
    assert published == run
    assert all(target.is_done(folder) for folder in target.folders())
    assert not list(target.root.rglob("*.safetensors"))


def test_the_best_items_of_users_stay_behind(script, stores):
    source, target = stores
    script.publish(source, target)
    assert len(list(source.root.rglob("top.parquet"))) == 2
    names = {path.name.partition("-")[0] for path in target.root.rglob("*") if path.is_file()}
    assert names == {"result.json", "ranks.parquet", "users", "training"}


def test_a_user_who_returns_in_a_window_has_one_number(script, tmp_path):
    source, target = Store(tmp_path / "run", "default"), Store(tmp_path / "published", "default")
    for window, users in ((1, ["a", "c", "d"]), (2, ["b", "d"])):
        protocol = {"split": "time", "window": f"{window} of 2"}
        data = {"fingerprint": "f", "split_fingerprint": f"s{window}"}
        side = {"n_users": len(users)}
        record = toy_record("popularity", window=(window, 2), protocol=protocol, data=data, side=side)
        store_cell(source, record, {"domain": toy_ranks([1] * len(users), users)})
    script.publish(source, target)
    assert [ranks["user_id"].tolist() for ranks in ranks_of(target)] == [["1", "3", "4"], ["2", "4"]]


def test_what_is_published_already_is_not_copied_again(script, stores):
    script.publish(*stores)
    assert script.publish(*stores) == 0


def test_what_is_published_can_be_published_elsewhere(script, stores, tmp_path):
    source, target = stores
    script.publish(source, target)
    again = Store(tmp_path / "again", "default")
    script.publish(target, again)
    assert len(ranks_of(again)[0]) > 9  # of which "10" would come before "2"
    for before, after in zip(ranks_of(target), ranks_of(again), strict=True):
        assert after.equals(before)


def test_a_bundle_is_published_and_takes_new_cells(script, stores, bench):
    source, target = stores
    bundle = target.root / "default.zip"
    assert script.publish_bundle(source, bundle) == 2
    bench(models=("popularity",), seeds=(0, 1, 2))
    assert script.publish_bundle(source, bundle) == 1
    (packed,) = stores_in(target.root)
    assert packed.root == bundle
    assert [path.name for path in target.root.iterdir()] == ["default.zip"]
    for before, after in zip(ranks_of(source), ranks_of(packed), strict=True):
        assert after["rank"].tolist() == before.sort_values("user_id")["rank"].tolist()
        assert set(after["target_item_id"]) == {script.LEFT_OUT}


def test_a_published_folder_becomes_a_bundle_with_the_same_ranks(script, stores):
    source, target = stores
    script.publish(source, target)
    script.publish_bundle(target, target.root / "default.zip")
    before = ranks_of(target)
    target.own_folder.rename(target.root.parent / "moved")
    (packed,) = stores_in(target.own_folder)  # its name stands for the bundle
    assert all(after.equals(known) for known, after in zip(before, ranks_of(packed), strict=True))
    assert all(packed.is_done(folder) for folder in packed.folders())


def test_nothing_to_publish_is_an_error(script, tmp_path):
    with pytest.raises(ResultsError, match="no cell that succeeded"):
        script.publish(Store(tmp_path, "default"), Store(tmp_path / "published", "default"))


def test_examples(script):
    assert doctest.testmod(script, extraglobs={"pd": pandas}).failed == 0
