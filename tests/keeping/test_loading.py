"""A side that was kept recommends what was stored, alone, without data, pickle or the other side."""

import builtins
import json
import pickle
import shutil

import pytest
import torch

import corecbench
from corecbench.api import CorecbenchError, UsageError
from corecbench.data.split import leave_one_out
from corecbench.keeping.loading import load_side
from corecbench.results.store import Store


@pytest.fixture
def folders(tmp_path):
    """Return cell name -> its folder, of the default store."""

    def read():
        return {
            record["cell"]["name"]: folder for folder, record in Store(tmp_path / "results", "default").records()
        }

    return read


def stored_lists(folder, side, tmp_path):
    """Return user id -> the stored best items."""
    top = Store(tmp_path / "results", "default").top(folder, side)
    return {user: list(rows.sort_values("position")["item_id"]) for user, rows in top.groupby("user_id")}


def histories(data):
    """Return user id -> the ids of all items before the test item."""
    catalog, split = data.catalog, leave_one_out(data)
    seen = split.task("test", 1000).seen
    return {
        catalog.user_ids[user]: [catalog.item_ids[item] for item in seen.items[start : start + length]]
        for user, start, length in zip(split.users, seen.start, seen.length, strict=True)
    }


def recommended(loaded, data):
    return {user: [item.item_id for item in loaded.recommend(history)] for user, history in histories(data).items()}


@pytest.mark.parametrize("model", ["sasrec", "gru4rec", "lightgcn", "popularity", "recbole:FPMC", "recbole:BPR"])
def test_a_model_alone_recommends_what_was_stored(bench, folders, host, toy_data, tmp_path, quick, model):
    settings = quick | {"recbole": {"epochs": 1}}
    (record,) = bench(models=(model,), keep_models=True, settings=settings)
    assert record["status"] == "ok", record["error"]
    folder = folders()[model]
    loaded, expected = load_side(host, folder), stored_lists(folder, "domain", tmp_path)
    if loaded.knows_users:
        found = {user: [item.item_id for item in loaded.recommend_user(user)] for user in expected}
        assert found == expected
    if model in ("sasrec", "gru4rec", "popularity"):
        assert not loaded.knows_users
        assert recommended(loaded, toy_data) == expected


@pytest.fixture
def pair(bench, folders, tiny_llama):
    """Train a pair and its models, and return the folders."""
    llm = f"llama:{tiny_llama}"

    def run(**options):
        records = bench(**{"models": ("sasrec",), "llms": (llm,), "keep_models": True} | options)
        assert all(record["status"] == "ok" for record in records), records
        return folders()[f"sasrec+{llm}+bdlm"], folders()[llm]

    return run


def test_both_sides_of_a_pair_recommend_what_was_stored_each_alone(pair, host, toy_data, tmp_path):
    both, alone = pair()
    for folder, side in ((both, "domain"), (both, "llm"), (alone, "llm")):
        copy = tmp_path / "copy"
        shutil.copytree(folder / "model" / side, copy / "model" / side)
        shutil.copy(folder / "model" / "items.json", copy / "model")
        loaded = load_side(host, copy)
        assert loaded.side == side
        assert recommended(loaded, toy_data) == stored_lists(folder, side, tmp_path)
        shutil.rmtree(copy)
