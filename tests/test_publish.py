from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from corecbench.host import Host
from corecbench.publish import publish
from corecbench.results import Store


def make_record(domain, llm, seed=0):
    sharing = "bdlm" if llm else None
    side = {
        "metrics": {},
        "n_users": 6,
        "epochs": 3,
        "best_epoch": 1,
        "validation": 0.5,
        "stopped_by": "patience",
        "train_s": 1.0,
        "trainable_parameters": 4,
    }
    return {
        "schema": 1,
        "status": "ok",
        "error": None,
        "cell": {
            "name": "+".join(filter(None, (domain, llm, sharing))),
            "dataset": "toys",
            "domain": domain,
            "llm": llm,
            "sharing": sharing,
            "seed": seed,
        },
        "hash": "0a1b2c3d",
        "settings": {},
        "protocol": {"split": "leave-one-out"},
        "data": {"fingerprint": "f", "split_fingerprint": "s"},
        "versions": {},
        "plugins": {},
        "commit": None,
        "device": "cpu",
        "started": "2026-01-01T00:00:00+00:00",
        "duration_s": 2.0,
        "peak_memory_bytes": 1,
        "sides": dict.fromkeys(("domain", "llm") if llm else ("domain",), side),
        "epochs": [],
    }


def save(store, record, rank):
    ranks = pd.DataFrame(
        {
            "user_id": [f"u{user}" for user in range(6)],
            "target_item_id": "i",
            "rank": np.full(6, rank),
            "n_candidates": 60,
            "history_length": np.arange(1, 7),
            "target_frequency": np.arange(6),
        }
    )
    cell = record["cell"]
    folder = store.folder(cell["name"], cell["dataset"], cell["seed"], record["hash"])
    store.write(folder, record, dict.fromkeys(record["sides"], ranks))


@pytest.fixture
def published(tmp_path):
    """Publish a model that ranks all items third, and second when it is trained with an LLM."""
    store, host = Store(tmp_path, "default"), Host.discover()
    save(store, make_record("sasrec", None), rank=3)
    save(store, make_record("sasrec", "llama"), rank=2)
    found = publish(host, store, list(store.records()), ["NDCG@10", "MRR"])
    return SimpleNamespace(found=found, folder=tmp_path / "default")


def test_both_tables_are_written_once_for_each_reporter(published):
    assert [path.relative_to(published.folder).name for path in published.found.paths] == [
        "table.txt",
        "table.md",
        "slices.txt",
        "slices.md",
    ]
    assert (published.folder / "table.txt").read_text() == published.found.texts["text"]
    assert (published.folder / "slices.md").read_text() == published.found.slices["markdown"]


def test_the_slices_show_the_metric_that_the_table_tests(published):
    # third: NDCG 1 / log2(4) = .5; second: 1 / log2(3) = .6309
    text = published.found.slices["text"]
    assert "NDCG@10 solo" in text
    rows = [line for line in text.splitlines() if "0 (never in training)" in line]
    assert len(rows) == 1  # the domain side; the LLM has no solo row
    assert ".5000" in rows[0]
    assert ".6309" in rows[0]
    assert "+26.2%" in rows[0]


def test_slices_of_several_data_sets_are_tables_below_each_other(published):
    store, host = Store(published.folder.parent, "default"), Host.discover()
    for record, rank in ((make_record("sasrec", None), 3), (make_record("sasrec", "llama"), 2)):
        save(store, record | {"cell": record["cell"] | {"dataset": "other"}}, rank)
    text = publish(host, store, list(store.records()), ["NDCG@10"]).slices["text"]
    captions = [line for line in text.splitlines() if line.startswith(("other, 6 users", "toys, 6 users"))]
    assert [line[:5] for line in captions] == ["other", "toys,"]
    assert text.count("95% interval  ") == 2


def test_another_metric_is_sliced_where_ndcg_is_not_shown(published):
    store = Store(published.folder.parent, "default")
    text = publish(Host.discover(), store, list(store.records()), ["MRR"]).slices["text"]
    assert "MRR solo" in text
    assert "NDCG" not in text
