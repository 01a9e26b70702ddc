"""The work that sides share: lists, and what is held out."""

import doctest

import encoding
import numpy as np
import pytest
from domain_training import circle_work
from evaluation import check, random_work
from measuring import clock, comparison, table
from measuring.sides import SideError
from sides import ranking_work
from sides.ranking_work import RankingWork, save_places
from sides.training_work import TrainingWork


@pytest.mark.parametrize("module", [clock, comparison, ranking_work, table])
def test_examples(module):
    assert doctest.testmod(module).failed == 0


def test_work_comes_back_from_its_folder(tmp_path):
    for work in (random_work(20, 30, 60), circle_work()):
        work.save(tmp_path)
        again = type(work).load(tmp_path)
        assert all(np.array_equal(getattr(again, name), value) for name, value in vars(work).items())


def test_no_target_is_among_the_seen_items():
    work = random_work(50, 20, 300)
    assert not (work.target[work.seen_user - 1] == work.seen_item).any()


def test_the_first_users_keep_what_they_have_seen():
    work = RankingWork(
        np.zeros((4, 2)), np.zeros((3, 2)), np.array([1, 2, 3]), np.array([2, 1, 2]), np.ones(3, int)
    )
    some = work.of_first(2)
    assert some.seen_item.tolist() == [2, 1]
    assert [part.tolist() for part in work.seen_between(1, 3)] == [[0, 1], [1, 2]]


def test_places_that_differ_are_found(tmp_path):
    save_places(tmp_path, "corecbench-10", np.array([1, 0, 3]))
    save_places(tmp_path, "other", np.array([1, 0, 4]))
    with pytest.raises(SideError, match="other has 1 of 3 held-out items at another place"):
        check(tmp_path, {})


def test_states_that_differ_are_found(tmp_path):
    states = np.ones((3, 2, 4))
    np.save(tmp_path / "ours.npy", states)
    np.save(tmp_path / "plain.npy", states * [[[1.0]], [[1.0]], [[1.002]]])
    with pytest.raises(SideError, match=r"mean states of a title differ by 2\.0e-03"):
        encoding.check(tmp_path, {"one": {}, "other": {}})


def test_everything_is_in_the_order_in_which_it_happened():
    work = TrainingWork(*(np.array(row) for row in ([1, 1, 2], [5, 6, 7], [1], [8], [9], [2, 9])))
    user, item = work.everything()
    assert user.tolist() == [1, 1, 1, 1, 2]
    assert item.tolist() == [5, 6, 8, 9, 7]
