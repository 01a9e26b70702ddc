"""Drawn data look as they should, and the scripts that measure with them run on tiny sizes."""

import doctest

import growth
import numpy as np
import pytest
from drawn_data import draw


@pytest.fixture(scope="module")
def drawn():
    return draw(n_users=2_000, n_items=1_000, n_interactions=40_000)


def counts(ids):
    return np.array([count["counts"] for count in ids.value_counts().to_pylist()])


def test_the_examples_hold():
    assert doctest.testmod(growth).failed == 0


def test_about_as_many_interactions_are_drawn_as_were_asked_for(drawn):
    assert drawn.num_rows == pytest.approx(40_000, rel=0.05)


def test_each_user_has_four_interactions_and_some_have_many(drawn):
    lengths = counts(drawn["user_id"])
    assert len(lengths) == 2_000
    assert lengths.min() >= 4
    assert lengths.max() > 5 * lengths.mean()


def test_few_items_have_most_of_the_interactions(drawn):
    popular_first = np.sort(counts(drawn["item_id"]))[::-1]
    assert popular_first[:100].sum() > popular_first[100:].sum()


def test_rows_are_in_the_order_of_time_and_the_same_for_a_seed(drawn):
    assert (np.diff(drawn["timestamp"]) >= 0).all()
    again = draw(n_users=2_000, n_items=1_000, n_interactions=40_000)
    assert drawn.equals(again)
    assert not drawn["item_id"][:100].equals(draw(2_000, 1_000, 40_000, seed=1)["item_id"][:100])


def test_one_size_is_measured_in_every_step():
    tiny = growth.Size(60, 40, 600, max_history=8, sasrec_batches=2, lightgcn_batches=2, n_ranked=20)
    cost = growth.in_process(tiny)
    steps = ("read_s", "order_s", "split_s", "sasrec_epoch_s", "lightgcn_epoch_s", "sasrec_rank_s_per_user")
    assert all(cost[step] > 0 for step in steps)
