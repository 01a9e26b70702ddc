"""The models of the size of the published results, trained for a moment on the real ml-100k, kept and loaded."""

import pytest

from corecbench.data.split import leave_one_out
from corecbench.keeping.loading import load_side
from corecbench.results.store import Store

pytestmark = pytest.mark.real


@pytest.mark.parametrize("model", ["sasrec", "gru4rec", "lightgcn"])
def test_every_user_of_ml_100k_has_the_stored_list_again(bench, host, tmp_path, model):
    bench(models=(model,), datasets=("ml-100k",), ties="file", keep_models=True, settings={model: {"epochs": 1}})
    store = Store(tmp_path / "results", "default")
    ((folder, record),) = store.records()
    loaded = load_side(host, folder)
    top = store.top(folder, "domain").sort_values(["user_id", "position"])
    expected = {user: list(rows["item_id"]) for user, rows in top.groupby("user_id")}
    assert len(expected) == record["sides"]["domain"]["n_users"] == 943
    if model == "lightgcn":
        found = {user: [item.item_id for item in loaded.recommend_user(user)] for user in expected}
    else:
        histories = histories_of(host)
        found = {user: [item.item_id for item in loaded.recommend(histories[user])] for user in expected}
    assert found == expected
    assert loaded.recommend(["Toy Story", "heat"], k=3)


def histories_of(host):
    """Return user id -> the ids of all items before the test item."""
    from corecbench.data.dataset import load_dataset

    data = load_dataset("ml-100k", host.build(host.select("datasets", "ml-100k", {})))
    held = leave_one_out(data, "file").held["test"]
    known, item_ids = held.known, data.catalog.item_ids
    return {
        data.catalog.user_ids[user]: [item_ids[item] for item in known.items[start : start + length]]
        for user, start, length in zip(held.users, known.start, known.length, strict=True)
    }
