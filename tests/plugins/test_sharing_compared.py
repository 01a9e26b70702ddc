import torch

from corecbench.api import Batch, States
from corecbench_plugins.sharing.compared import EXCLUDED, comparable_scores

ITEM = torch.tensor([[9.0], [1.0], [2.0], [3.0]])
BATCH = Batch(torch.tensor([1, 2]), torch.tensor([[1, 2], [3, 0]]), torch.tensor([[2, 3], [1, 0]]))


def per_position(*rows):
    return States(torch.tensor(rows)[..., None], ITEM)


def test_scores_come_with_the_item_that_is_next_at_their_place():
    own, other = per_position([1.0, 2.0], [3.0, 9.0]), per_position([0.0, 0.0], [0.0, 0.0])
    scores = comparable_scores(own, other, BATCH, most=9)
    assert scores.own.tolist() == [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 6.0, 9.0]]
    assert scores.target.tolist() == [2, 3, 1]


def test_where_a_side_knows_the_whole_history_the_next_item_is_the_last_one():
    own, other = States(torch.tensor([[1.0], [2.0]]), ITEM), per_position([0.0, 1.0], [1.0, 9.0])
    scores = comparable_scores(own, other, BATCH, most=9)
    assert scores.own.tolist() == [[EXCLUDED, EXCLUDED, 3.0], [2.0, 4.0, EXCLUDED]]
    assert scores.other.tolist() == [[EXCLUDED, EXCLUDED, 3.0], [1.0, 2.0, EXCLUDED]]
    assert scores.target.tolist() == [3, 1]


def test_the_next_item_of_a_pair_is_its_item():
    side = States(torch.tensor([[1.0], [2.0]]), ITEM)
    pairs = Batch(BATCH.user, BATCH.history, torch.tensor([2, 3]))
    assert comparable_scores(side, side, pairs, most=9).target.tolist() == [2, 3]


def test_a_batch_without_targets_has_none():
    side = per_position([1.0, 2.0], [3.0, 9.0])
    assert comparable_scores(side, side, Batch(BATCH.user, BATCH.history), most=9).target is None
