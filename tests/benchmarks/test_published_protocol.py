"""Training on the validation items of most users, as published tables do."""

import doctest

import numpy as np
import published_protocol
import pytest

from corecbench.api import Interactions
from corecbench.data.split import HeldItems, Split


@pytest.fixture
def split():
    """Three tested users with two training items each."""
    train = Interactions(np.array([1, 1, 2, 2, 3, 3]), np.array([1, 2, 3, 4, 5, 6]))
    users, validation, test = np.array([1, 2, 3]), np.array([11, 12, 13]), np.array([21, 22, 23])
    before_test = Interactions(
        np.insert(train.user, [2, 4, 6], users), np.insert(train.item, [2, 4, 6], validation)
    )
    held = {
        "validation": HeldItems.after(train, users, validation),
        "test": HeldItems.after(before_test, users, test),
    }
    return Split(train, held, "fingerprint")


def test_the_examples_hold():
    assert doctest.testmod(published_protocol).failed == 0


def test_a_validation_user_keeps_the_item_out_and_all_others_train_on_theirs(split):
    training, _ = published_protocol.published_splits(split, n_validation=1, seed=0)
    (user,) = training.held["validation"].users
    others = {1: 11, 2: 12, 3: 13}
    assert training.held["validation"].target.tolist() == [others.pop(user)]
    assert sorted(set(training.train.item) - set(split.train.item)) == sorted(others.values())


def test_no_test_item_is_trained_on(split):
    training, test = published_protocol.published_splits(split, n_validation=1, seed=0)
    tested = split.held["test"].target
    assert not set(tested) & (set(training.train.item) | set(training.held["validation"].target))
    assert test.held["test"].target.tolist() == tested.tolist()


def test_every_user_is_tested_with_the_validation_item_in_the_history(split):
    _, test = published_protocol.published_splits(split, n_validation=1, seed=0)
    task = test.task("test", max_history=5)
    assert task.target.tolist() == [21, 22, 23]
    assert np.asarray(task.history)[:, :3].tolist() == [[1, 2, 11], [3, 4, 12], [5, 6, 13]]


def test_the_script_measures_a_model(toy_folder, tmp_path):
    config = tmp_path / "some.toml"
    config.write_text('models = ["sasrec"]\n[settings.sasrec]\nepochs = 1\n')
    found = published_protocol.measure(config, str(toy_folder), "sasrec", seed=0, n_validation=5)
    assert found["best epoch"] == 1
    assert 0 < found["NDCG@10"] < found["HR@10"] <= 1


def test_random_items_stay_with_their_users(toy_data):
    shuffled = published_protocol.in_random_order(toy_data, seed=0)
    assert not np.array_equal(shuffled.item, toy_data.item)
    pairs = [set(zip(of.user, of.item, strict=True)) for of in (shuffled, toy_data)]
    assert pairs[0] == pairs[1]
