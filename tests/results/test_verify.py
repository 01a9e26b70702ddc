import json

import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.results.store import Store
from corecbench.results.verify import rank_metric, verify
from corecbench.testing.records import toy_record


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results", "default")


def write(store, seed, **metrics):
    """Store a cell whose two users have the ranks 1 and 50."""
    record = toy_record(seed=seed, side={"metrics": metrics})
    return store_cell(store, record, {"domain": toy_ranks([1, 50])})


def states(store, host):
    return [verdict.state for verdict in verify(store, lambda name: rank_metric(host, name))]


def test_every_cell_has_a_state_and_a_damaged_one_a_reason(store, host):
    folders = [write(store, seed) for seed in range(3)]
    (folders[1] / "ranks.parquet").write_bytes(b"")
    record = json.loads((folders[2] / "result.json").read_text())
    (folders[2] / "result.json").write_text(json.dumps(record | {"schema": 4}))
    verdicts = list(verify(store, lambda name: None))
    assert [verdict.state for verdict in verdicts] == ["ok", "damaged", "newer"]
    assert [bool(verdict.reason) for verdict in verdicts] == [False, True, True]


def test_metrics_of_ranks_must_follow_from_the_ranks(store, host):
    write(store, 0, **{"HR@10": 1 / 2, "coverage@10": 0.9, "MRR": 0.9, "unknown@3": 0.9})
    write(store, 1, **{"HR@10": 2 / 3})
    assert states(store, host) == ["ok", "damaged"]


@pytest.mark.parametrize(
    ("name", "known"), [("NDCG@10", True), ("MRR", False), ("coverage@10", False), ("unknown@3", False)]
)
def test_only_metrics_that_their_names_and_ranks_decide_are_computed(host, name, known):
    assert (rank_metric(host, name) is not None) == known
