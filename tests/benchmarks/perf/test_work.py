"""The work that sides share: lists, and what is held out."""

import dataclasses
import doctest
import json

import domain_training
import encoding
import evaluation
import numpy as np
import pytest
from measuring import clock, comparison, table
from measuring.options import Options
from measuring.sides import SideError
from sides import work
from sides.work import RankingWork, TrainingWork, save_places


@pytest.mark.parametrize("module", [clock, comparison, table, work])
def test_examples(module):
    assert doctest.testmod(module).failed == 0


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return the data set of tiny sizes: 60 users, each with 12 of 20 items."""
    folder = tmp_path_factory.mktemp("data")
    options = Options(True, 1, 1, None, folder, False, "", False)
    (found,) = options.data("amazon-beauty", folder)
    return found


def test_work_comes_back_from_its_folder(data, tmp_path):
    for found in (evaluation.work_of(data), domain_training.work_of(data)):
        found.save(tmp_path)
        again = type(found).load(tmp_path)
        assert all(np.array_equal(getattr(again, name), value) for name, value in dataclasses.asdict(found).items())


def test_no_target_is_among_the_seen_items(data):
    ranked = evaluation.work_of(data)
    assert ranked.seen_item.shape == (60 * 11,)
    assert not (ranked.target[ranked.seen_user - 1] == ranked.seen_item).any()


def test_titles_are_taken_from_the_middle_of_the_alphabet(data):
    titles = sorted(data.catalog.item_texts[1:])
    assert encoding.titles_of(data.catalog, 4) == titles[8:12]
    assert encoding.titles_of(data.catalog, 100) == titles


def test_the_first_users_keep_what_they_have_seen():
    ranked = RankingWork(
        np.zeros((4, 2)), np.zeros((3, 2)), np.array([1, 2, 3]), np.array([2, 1, 2]), np.ones(3, int)
    )
    some = ranked.of_first(2)
    assert some.seen_item.tolist() == [2, 1]
    assert [part.tolist() for part in ranked.seen_between(1, 3)] == [[0, 1], [1, 2]]


def test_places_that_differ_are_found(tmp_path):
    save_places(tmp_path, "corecbench-10", np.array([1, 0, 3]))
    save_places(tmp_path, "other", np.array([1, 0, 4]))
    with pytest.raises(SideError, match="other has 1 of 3 held-out items at another place"):
        evaluation.check(tmp_path, {})


def test_states_that_differ_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("CORECBENCH_PRECISION", "float32")  # in bfloat16 this is a rounding
    states = np.ones((3, 2, 4))
    np.save(tmp_path / "ours.npy", states)
    np.save(tmp_path / "plain.npy", states * [[[1.0]], [[1.0]], [[1.002]]])
    with pytest.raises(SideError, match=r"mean states of a title differ by 2\.0e-03"):
        encoding.check(tmp_path, {"one": {}, "other": {}})


def test_everything_is_in_the_order_in_which_it_happened():
    trained = TrainingWork(*(np.array(row) for row in ([1, 1, 2], [5, 6, 7], [1], [8], [9], [2, 9])))
    user, item = trained.before(trained.validation, trained.test)
    assert user.tolist() == [1, 1, 1, 1, 2]
    assert item.tolist() == [5, 6, 8, 9, 7]


def test_a_share_of_the_users_trains_and_is_ranked(data):
    whole = domain_training.work_of(data)
    part = whole.of_share(0.5)
    assert 0 < len(part.users) < len(whole.users)
    assert set(part.user.tolist()) == set(part.users.tolist())
    assert len(part.users) == len(part.test) == len(part.validation)
    assert whole.of_share(1.0).user.tolist() == whole.user.tolist()


def test_what_parts_took_is_added_up_and_the_largest_memory_counts(capsys):
    work.report_parts((), {"ndcg": 0.5, "epochs": 3}, train=clock.Cost(2.0, 3.0, 7), rank=clock.Cost(1.0, 1.0, 5))
    found = json.loads(capsys.readouterr().out.removeprefix(clock.MARK))
    assert (found["cpu_s"], found["wall_s"], found["peak_memory_bytes"]) == (3.0, 4.0, 7)
    assert found["facts"]["train_cpu_s"] == 2.0
    assert found["facts"]["remark"] == "3 epochs, NDCG@10 0.5000"
