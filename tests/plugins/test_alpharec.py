"""AlphaRec: vectors of items and their means over users, propagated over the graph."""

import numpy as np
import pandas as pd
import pytest
import torch

from corecbench.api import Batch, Catalog, Interactions, Setup, UsageError
from corecbench_plugins.vectors.alpharec import AlphaRec
from corecbench_plugins.vectors.settings import AlphaRecConfig

USER, ITEM = np.array([1, 1, 2, 2, 2, 4]), np.array([1, 2, 2, 3, 2, 3])  # user 2 has item 2 twice, user 3 nothing
HISTORIES = torch.tensor([[1, 2, 0], [2, 3, 0], [3, 0, 0]])
CATALOG = Catalog("toy", ("", *"uvwx"), ("", *"abc"), ("",) * 4)


@pytest.fixture
def model(tmp_path):
    """Return a model over three items with drawn vectors."""
    rows = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    path = tmp_path / "v.parquet"
    pd.DataFrame({"item_id": list("abc"), "vector": list(rows)}).to_parquet(path)

    def build(**settings):
        torch.manual_seed(0)
        config = AlphaRecConfig(file=str(path), hidden_size=6, embedding_size=4, **settings)
        built = AlphaRec(config, Setup(CATALOG, 3, seed=0, cache=tmp_path), None)
        built.fit(Interactions(USER, ITEM))
        return built

    return build


def batch(history=HISTORIES, user=(1, 2, 4)):
    return Batch(user=torch.tensor(user), history=history)


@pytest.mark.parametrize("n_layers", [0, 1, 2])
def test_states_are_means_of_layers_of_the_graph(model, n_layers):
    built = model(n_layers=n_layers, temperature=0.5)
    with torch.no_grad():
        z = built.text[1:]
        mean = torch.stack([(z[0] + z[1]) / 2, (z[1] + z[2]) / 2, z[2]])
        layer = torch.cat([built.network(mean), built.network(z)])
        edges = torch.zeros(6, 6)
        for user, item in ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2)):
            edges[user, 3 + item] = edges[3 + item, user] = 1
        graph = edges / (edges.sum(0, keepdim=True) * edges.sum(1, keepdim=True)).sqrt()
        total = layer.clone()
        for _ in range(n_layers):
            layer = graph @ layer
            total += layer
        expected = torch.nn.functional.normalize(total, dim=1)
    states = built.train().states(batch())
    assert torch.allclose(states.user, expected[:3] / 0.5, atol=1e-5)
    assert torch.allclose(states.item[1:], expected[3:], atol=1e-5)


def test_a_history_with_the_items_of_training_gives_the_state_of_training(model):
    built = model()
    trained = built.train().states(batch())
    with torch.no_grad():
        found = built.eval().states(batch())
    assert torch.allclose(found.user, trained.user, atol=1e-5)
    assert torch.allclose(found.item, trained.item, atol=1e-6)


def test_an_item_after_training_changes_its_user_alone_and_one_without_training_has_a_state(model):
    built = model().eval()
    with torch.no_grad():
        before = built.states(batch(user=(1, 2, 3)))
        after = built.states(batch(torch.tensor([[1, 2, 3], [2, 3, 0], [3, 0, 0]]), user=(1, 2, 3)))
    assert not torch.allclose(before.user[0], after.user[0])
    assert torch.equal(before.user[1:], after.user[1:])
    assert before.user[2].norm() > 0


def test_what_is_kept_in_evaluation_ends_with_a_change_of_weights(model):
    built = model().eval()
    with torch.no_grad():
        before = built.states(batch()).item.clone()
        built.network[0].weight.mul_(2)
        assert not torch.allclose(built.states(batch()).item, before)


def test_it_needs_a_file():
    with pytest.raises(UsageError, match="alpharec needs a file; write alpharec:FILE"):
        AlphaRec(AlphaRecConfig(), Setup(CATALOG, 3, seed=0, cache=None), None)
