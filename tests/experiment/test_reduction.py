"""Runs in which a share of the users trains, or items are left out of training."""

import numpy as np
import pytest

from corecbench.experiment.plan import make_plan
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig


@pytest.fixture
def plan(host, tmp_path, monkeypatch, toy_folder, quick):
    """Plan a run on the toy data: `plan(models=("sasrec",))`."""
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))

    def make(**options):
        config = RunConfig(**{"datasets": (str(toy_folder),), "settings": quick, "references": False} | options)
        return make_plan(config, host, Store(tmp_path / "results", config.benchmark))

    return make


def test_every_share_gives_every_cell(plan):
    cells = plan(models=("sasrec",), seeds=(0, 1), train_shares=(0.25, 1.0)).cells
    assert [(cell.data.name, cell.seed) for cell in cells] == [
        ("toy (25% of users train)", 0),
        ("toy (25% of users train)", 1),
        ("toy", 0),
        ("toy", 1),
    ]
    assert [cell.facts.get("train_share") for cell in cells] == [0.25, 0.25, None, None]
    assert len({cell.folder for cell in cells}) == len({cell.hash for cell in cells if cell.seed == 0}) * 2 == 4
    assert "25-of-users-train" in str(cells[0].folder)


def test_a_run_on_all_users_has_the_hash_of_a_run_that_knows_no_shares(plan):
    (whole,) = plan(models=("sasrec",)).cells
    (again,) = plan(models=("sasrec",), train_shares=(1.0,), cold_items=0.0).cells
    assert (again.hash, again.folder, again.facts) == (whole.hash, whole.folder, whole.facts)


def test_rules_that_can_change_ranks_give_cells_of_their_own(plan):
    def hashes(**options):
        return [cell.hash for cell in plan(models=("popularity",), train_shares=(0.5, 1.0), **options).cells]

    by_default, of_all, by_file = hashes(), hashes(selection="all-users"), hashes(ties="file")
    assert by_default[0] != of_all[0]
    assert by_default[1] == of_all[1]  # where all users train, both select alike
    assert not set(by_default) & set(by_file)


def test_a_pair_starts_from_its_model_at_the_same_share(plan, tiny_llama):
    planned = plan(models=("sasrec",), llms=(f"llama:{tiny_llama}",), seeds=(0, 1), train_shares=(0.25, 1.0))
    pairs = [cell for cell in planned.cells if cell.sharing]
    assert [(pair.data.name, pair.seed) for pair in pairs] == [
        (planned.solo_of(pair).data.name, planned.solo_of(pair).seed) for pair in pairs
    ]
    assert all(planned.solo_of(pair).data is pair.data for pair in pairs)


def test_settings_of_a_data_set_hold_for_its_parts(plan):
    from corecbench.settings.config import PerDataset

    planned = plan(models=("sasrec",), train_shares=(0.5,), per_dataset={"toy": PerDataset(max_history=7)})
    assert [cell.max_history for cell in planned.cells] == [7]
    assert not any("left aside" in note for note in planned.notes)


def test_popularity_counts_the_share_only_and_ranks_everyone(bench, tmp_path):
    whole, part = bench(models=("popularity",), train_shares=(1.0, 0.25))
    assert [record["cell"]["dataset"] for record in (whole, part)] == ["toy", "toy (25% of users train)"]
    assert (part["cell"]["train_share"], "train_share" in whole["cell"]) == (0.25, False)
    assert (part["data"]["training_users"], part["data"]["training_interactions"]) == (15, 150)
    assert part["data"]["split_fingerprint"] == whole["data"]["split_fingerprint"]
    store = Store(tmp_path / "results", "default")
    folders = {record["cell"]["dataset"]: folder for folder, record in store.records()}
    all_ranks, ranks = (store.ranks(folders[record["cell"]["dataset"]], "domain") for record in (whole, part))
    same = ["user_id", "target_item_id", "n_candidates", "history_length"]
    assert ranks[same].equals(all_ranks[same])
    assert ranks["user_trains"].sum() == 15
    assert "user_trains" not in all_ranks
    frequency = store.items(folders["toy (25% of users train)"]).set_index("item_id")["frequency"]
    assert frequency.sum() == 150
    assert (ranks["target_frequency"] == frequency[ranks["target_item_id"]].to_numpy()).all()
    # the rank of a target is 1 + how many unseen items are at least as popular among those who train
    top = store.top(folders["toy (25% of users train)"], "domain")
    best = top[top["position"] == 1].set_index("user_id")["item_id"]
    seen = {f"u{user}": {f"i{(3 * user + time) % 20}" for time in range(11)} for user in range(60)}
    for user, item in best.items():
        assert frequency[item] == max(frequency[[each for each in frequency.index if each not in seen[user]]])


@pytest.mark.parametrize("model", ["sasrec", "lightgcn"])
def test_a_pair_trains_at_a_small_share_and_ranks_everyone(bench, tiny_llama, model):
    records = bench(models=(model,), llms=(f"llama:{tiny_llama}",), train_shares=(0.1,))
    assert [record["status"] for record in records] == ["ok"] * 3
    assert {side["n_users"] for record in records for side in record["sides"].values()} == {60}


def test_cold_items_are_marked_and_learnt_by_nobody(bench, tmp_path):
    (record,) = bench(models=("sasrec",), cold_items=0.2)
    assert record["cell"]["dataset"] == "toy (20% of items cold)"
    assert (record["cell"]["cold_items"], record["data"]["training_items"]) == (0.2, 16)
    store = Store(tmp_path / "results", "default")
    ((folder, _),) = store.records()
    ranks, frequency = store.ranks(folder, "domain"), store.items(folder).set_index("item_id")["frequency"]
    assert np.count_nonzero(frequency == 0) == 4
    assert (ranks["target_is_cold"] == (frequency[ranks["target_item_id"]] == 0).to_numpy()).all()
    assert (ranks["n_candidates"] == 9).all()
