"""The baseline that counts words ranks by them alone."""

import pytest
import torch

from corecbench.api import Batch, Catalog, Setup

TEXTS = ("", "red fox", "red wolf", "grey seal", "grey whale", "")


@pytest.fixture
def knn(host, tmp_path):
    """Build the baseline over texts: `knn(decay)`."""

    def build(decay=0.8):
        ids = tuple("" if row == 0 else str(row) for row in range(len(TEXTS)))
        setup = Setup(Catalog("toy", ("", "1"), ids, TEXTS), max_history=5, seed=0, cache=tmp_path)
        return host.build(
            host.select("models", "text-knn", {"text-knn": {"decay": decay, "dimensions": 2, "phrases": False}}),
            setup,
            None,
        )

    return build


def scores(model, *history):
    states = model.states(Batch(torch.tensor([1]), torch.tensor([history])))
    return (states.user @ states.item.T).squeeze(0)


def test_an_item_with_the_words_of_the_history_is_first(knn):
    found = scores(knn(), 1)
    assert found[2] > max(found[3], found[4])
    assert found[5] == 0  # it has no text


def test_the_latest_item_counts_most(knn):
    assert scores(knn(0.1), 3, 1)[2] > scores(knn(0.1), 3, 1)[4]
    assert scores(knn(0.1), 1, 3)[2] < scores(knn(0.1), 1, 3)[4]
