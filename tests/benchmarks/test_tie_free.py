"""Gains of pairs among users whose last two interactions have different times."""

import dataclasses
import doctest

import numpy as np
import publish
import pytest
import tie_free

from corecbench.api import DataError
from corecbench.data.dataset import load_dataset
from corecbench.data.split import leave_one_out
from corecbench.results.store import Store


def test_the_examples_hold():
    assert doctest.testmod(tie_free).failed == 0


def test_each_pair_is_set_beside_its_model_over_the_seeds_of_both():
    tied = np.array([False, False, True])
    values = {
        ("a", "domain", "a"): {0: np.array([0.2, 0.2, 0.5]), 2: np.array([0.4, 0.4, 0.5])},
        ("a+llm+bdlm", "domain", "a"): {0: np.array([0.6, 0.3, 0.5]), 1: np.ones(3), 2: np.array([0.6, 0.3, 0.4])},
        ("b+llm+bdlm", "domain", "b"): {0: np.ones(3)},
        ("llm", "llm", "llm"): {0: np.ones(3)},
    }
    assert list(tie_free.rows(values, tied)) == [
        "| a+llm+bdlm | domain | 0,2 | all | 3 | .3667 | .4500 | +22.7% | - |",
        "| a+llm+bdlm | domain | 0,2 | in order | 2 | .3000 | .4500 | +50.0% | - |",
        "| a+llm+bdlm | domain | 0,2 | at the same time | 1 | .5000 | .4500 | -10.0% | - |",
    ]


@pytest.fixture
def published(bench, tmp_path, toy_folder):
    """Return a store of published results, of users whose histories differ in length."""
    rows = toy_folder.joinpath("toy.inter").read_text().splitlines(keepends=True)
    folder = tmp_path / "uneven"
    folder.mkdir()
    for file in toy_folder.iterdir():
        (folder / file.name.replace("toy", "uneven")).write_bytes(file.read_bytes())
    (folder / "uneven.inter").write_text("".join(rows[:-3]))
    bench(models=("popularity",), datasets=(str(folder),), ties="file")
    publish.publish(Store(tmp_path / "results", "default"), Store(tmp_path / "published", "default"))
    return Store(tmp_path / "published", "default"), folder


def test_the_order_of_users_is_that_in_which_they_are_published(host, published):
    store, folder = published
    data = load_dataset("uneven", host.build(host.select("datasets", str(folder), {})))
    split, metric = leave_one_out(data, "file"), host.build(host.select("metrics", "NDCG@10", {}))
    order = tie_free.by_id(data.catalog.user_ids, split.held["test"].users)
    ((key, of_seed),) = tie_free.values_of(store, split, order, None, metric).items()
    assert key == ("popularity", "domain", "popularity")
    assert len(of_seed[0]) == len(split.held["test"].users)
    with pytest.raises(DataError, match="has its users in another order"):
        tie_free.values_of(store, split, order[::-1], None, metric)
    other = dataclasses.replace(split, fingerprint="another")
    with pytest.raises(DataError, match="is not a result of this split"):
        tie_free.values_of(store, other, order, None, metric)
