"""Texts have as much say in the scores of a trained side as validation tells, and none where they are useless."""

import dataclasses

import numpy as np
import pytest
import torch

from corecbench.api import Batch, PluginError, States
from corecbench.testing.bench import make_cell_training
from corecbench.training import content
from corecbench.training.content import WithContent, values_under, with_content


@pytest.fixture(scope="module")
def trained(host):
    """Return the training of a toy cell, and SASRec after one epoch of it."""
    training = make_cell_training(host)
    selected = host.select("models", "sasrec", {"sasrec": {"epochs": 1, "embedding_size": 8}})
    side = training.train_solo("domain", selected, lambda _: None)
    side.finish()
    return training, side


@pytest.fixture(scope="module")
def next_items(trained):
    """Return rows by which an item is near the items that follow it in training histories, float [N+1, N+1]."""
    train, n_items = trained[0].split.train, trained[0].setup.catalog.n_items
    follows = torch.eye(n_items + 1)
    same = train.user[1:] == train.user[:-1]
    np.add.at(follows.numpy(), (train.item[:-1][same], train.item[1:][same]), 1)
    follows[0] = 0
    return follows


def test_texts_that_tell_the_next_item_are_taken(trained, next_items):
    training, side = trained
    beside = with_content(training, side, next_items)
    assert beside.best_value > side.best_value
    assert beside.best_value == pytest.approx(training.validate(beside.model))
    assert beside.chosen["validation_without"] == pytest.approx(side.best_value)
    assert beside.chosen["content_weight"] > 0
    assert beside.train_s > side.train_s
    assert not side.chosen


def test_texts_that_tell_nothing_are_left_out(trained, next_items):
    training, side = trained
    noise = torch.randn(next_items.shape, generator=torch.manual_seed(0))
    for useless in (torch.zeros_like(next_items), noise):
        beside = with_content(training, side, useless)
        assert beside.model is side.model
        assert not beside.chosen


def test_what_is_kept_of_each_user_is_what_the_side_ranks_by(trained, next_items):
    training, side = trained
    for rows in (next_items, torch.zeros_like(next_items)):
        beside = with_content(training, side, rows)
        assert np.array_equal(beside.values, training.values(training.rank(beside.model, "validation")))


def test_the_length_of_a_row_does_not_matter(trained, next_items):
    training, side = trained
    lengths = torch.linspace(1, 9, len(next_items))[:, None]
    one, other = (with_content(training, side, rows) for rows in (next_items, next_items * lengths))
    assert one.best_value == other.best_value


def test_what_weights_are_chosen_by_is_what_they_rank_by(trained, next_items):
    training, side = trained
    rows = torch.nn.functional.normalize(next_items, dim=1)
    weights = [0.5, 3.0]
    found = values_under(training, side.model, rows, [(weight, 0.6) for weight in weights]).mean(axis=1)
    exact = [training.validate(WithContent(side.model, rows, weight, 0.6)) for weight in weights]
    assert found == pytest.approx(exact, rel=0.02)  # float32 may break ties otherwise


def test_of_many_users_some_are_enough_to_choose_by(trained, next_items, monkeypatch):
    training, side = trained
    monkeypatch.setattr(content, "MOST_SCORES", 10 * len(next_items))  # 10 users at a time
    monkeypatch.setattr(content, "MOST_USERS", 100)
    rows = torch.nn.functional.normalize(next_items, dim=1)
    assert values_under(training, side.model, rows, [(1.0, 0.6)]).shape == (
        1,
        len(training.tasks["validation"].users) // 2,
    )


def test_scores_are_those_of_the_model_and_the_weighted_cosine():
    class Model:
        examples = "windows"

        def states(self, batch):
            return States(torch.ones(len(batch.history), batch.history.shape[1], 1), torch.arange(4.0)[:, None])

    texts = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    batch = Batch(torch.tensor([1, 2]), torch.tensor([[1, 2], [3, 0]]))
    states = WithContent(Model(), texts, weight=10.0, decay=0.5).states(batch)
    means = torch.tensor([[1 / 3, 2 / 3], [0.6, 0.8]])  # the older item counts half as much
    expected = torch.arange(4.0) + 10 * means @ texts.T
    assert torch.allclose(states.user @ states.item.T, expected)


@pytest.mark.parametrize("damage", ["short", "flat", "nan"])
def test_rows_that_are_not_one_for_each_item_are_refused(trained, next_items, damage):
    wrong = {"short": next_items[1:], "flat": next_items[0], "nan": next_items * float("nan")}[damage]
    with pytest.raises(PluginError, match=r"content is .*; finite numbers \[\d+, k\] are needed"):
        with_content(*trained, wrong)


def test_a_side_is_not_changed(trained, next_items):
    training, side = trained
    before = dataclasses.replace(side)
    with_content(training, side, next_items)
    assert (side.model, side.best_value, side.train_s) == (before.model, before.best_value, before.train_s)
