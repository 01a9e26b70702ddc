"""What a plan says of time and memory: as stored cells of the same kind took."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.experiment import estimates
from corecbench.experiment.estimates import Estimate
from corecbench.results.store import Store
from corecbench.testing.records import toy_record


@pytest.fixture
def store(tmp_path):
    """SASRec took 10 and 30 s, GRU4Rec 100 s."""
    store = Store(tmp_path, "default")
    cells = (("sasrec", 0, 10.0, 5), ("sasrec", 1, 30.0, 9), ("gru4rec", 0, 100.0, 7))
    for domain, seed, seconds, memory in cells:
        took = {"duration_s": seconds, "peak_memory_bytes": memory}
        store_cell(store, toy_record(domain=domain, seed=seed, **took), {"domain": toy_ranks([1])})
    return store


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ({"domain": "sasrec"}, Estimate(20, 9)),
        ({"domain": "lightgcn"}, Estimate((10 + 30 + 100) / 3, 9)),
        ({"domain": "lightgcn", "dataset": "other"}, None),
        ({"domain": "sasrec", "llm": "llama", "sharing": "bdlm"}, None),
    ],
)
def test_a_cell_takes_what_cells_like_it_took(store, monkeypatch, cell, expected):
    monkeypatch.setattr(estimates, "record_of", lambda cell: cell.record)
    record = toy_record(**cell)["cell"]
    plan = SimpleNamespace(to_do=[SimpleNamespace(folder=Path("new"), record=record)])
    assert estimates.estimates(plan, store).get(Path("new")) == expected
