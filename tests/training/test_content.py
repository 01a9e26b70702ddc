"""Texts have as much say in the scores of a trained side as validation tells, and none where they are useless."""

import copy
import dataclasses
import types

import numpy as np
import pytest
import torch

from corecbench.api import Batch, PluginError, States
from corecbench.plugin.wrapped import MADE, Made
from corecbench.testing.bench import make_cell_training
from corecbench.training import weighing
from corecbench.training.content import with_content, with_texts
from corecbench.training.weighing import TermWeight, TextScores, values_under


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
    beside = with_content(training, side, [next_items])
    assert beside.best_value > side.best_value
    assert beside.best_value == pytest.approx(training.validate(beside.model))
    assert beside.chosen["validation_without"] == pytest.approx(side.best_value)
    assert beside.chosen["content_weight"] > 0
    assert beside.train_s > side.train_s
    assert not side.chosen


def test_texts_that_tell_nothing_count_for_little_and_empty_ones_for_nothing(trained, next_items):
    training, side = trained
    noise = torch.randn(next_items.shape, generator=torch.manual_seed(0))
    empty, of_noise, telling = (
        with_content(training, side, [rows]) for rows in (torch.zeros_like(next_items), noise, next_items)
    )
    assert empty.model is side.model
    assert empty.chosen["content_share"] == 0
    assert 0 <= of_noise.chosen["content_share"] < 0.5 < telling.chosen["content_share"]


def test_without_a_say_what_is_kept_of_each_user_is_what_the_side_ranks_by(trained, next_items):
    training, side = trained
    beside = with_content(training, side, [torch.zeros_like(next_items)])
    assert np.array_equal(beside.values, training.values(training.rank(side.model, "validation")))


def test_each_user_s_value_is_under_the_weight_that_is_best_for_the_others(trained, next_items, monkeypatch):
    training, side = trained
    rows = torch.nn.functional.normalize(next_items, dim=1)
    says = [
        TermWeight(share, decay=0.6) for share in (9.0, 3.0, 5.0)
    ]  # of all, of the first half and of the second
    chosen = iter(says)
    monkeypatch.setattr(weighing, "shrunk", lambda *_: next(chosen))
    beside = with_content(training, side, [rows])
    of_all, of_first, of_second = (
        training.values(training.rank(with_texts(side.model, rows, say), "validation")) for say in says
    )
    assert beside.values[::2] == pytest.approx(of_second[::2], abs=1e-6)
    assert beside.values[1::2] == pytest.approx(of_first[1::2], abs=1e-6)
    assert (beside.model.weight.weight, beside.best_value) == (9.0, pytest.approx(of_all.mean()))


def test_a_weight_is_chosen_for_all_users_and_for_either_half(monkeypatch):
    # of users 0, 1 and 2, of whom 0 and 2 are in the first half: without texts, and under shares 1 and 2
    values = {0.0: [0.1, 0.2, 0.3], 1.0: [1.0, 0.0, 0.9], 2.0: [0.0, 0.8, 0.0]}

    def values_under(training, model, terms, tried, each=1):
        return np.array([2, 1, 0]), [np.array([values[each.share] for each in of])[:, ::-1] for of in tried]

    def best(tried, values):
        return tried[int(values.mean(axis=1).argmax())]

    monkeypatch.setattr(weighing, "SHARES", (1.0, 2.0))
    monkeypatch.setattr(weighing, "relative_spreads", lambda *_: [1.0])
    monkeypatch.setattr(weighing, "values_under", values_under)
    monkeypatch.setattr(weighing, "shrunk", best)
    training = types.SimpleNamespace(tasks={"validation": types.SimpleNamespace(users=range(3))})
    ((chosen, worth),) = weighing.weigh(training, None, [TextScores(torch.zeros(1, 1), decays=(0.6,))])
    assert chosen == TermWeight(1.0, 1.0, 0.6)
    assert worth.without.tolist() == values[0.0]
    assert worth.of_all.tolist() == values[1.0]
    # the first half chooses 1, which user 1 is judged by, and the second half chooses 2
    assert worth.of_others.tolist() == [0.0, 0.0, 0.0]


def test_a_weight_is_the_mean_angle_of_the_best_ones_of_samples(monkeypatch):
    tried = [TermWeight(share, 3.0, 0.6) for share in (0.0, 1.0)] + [TermWeight(1.0, 3.0, 0.8)]
    monkeypatch.setattr(weighing, "best_of_samples", lambda values: np.array([0, 1]))  # angles of 0 and 45 degrees
    found = weighing.shrunk(tried, np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]))
    assert found == TermWeight(pytest.approx(np.tan(np.pi / 8), abs=1e-6), 3.0, 0.6)


def test_the_fewer_users_the_more_do_samples_differ():
    random = np.random.default_rng(0)
    better = np.array([0, 0, 0, 0, 0.1])[:, None]
    few, many = (weighing.best_of_samples(random.random((5, n)) + better) for n in (4, 4000))
    assert len(set(few)) > 2
    assert set(many) == {4}


def test_items_that_are_new_have_a_weight_of_their_own(monkeypatch):
    values = {0.0: [0.1, 0.1], 0.5: [0.2, 0.2], 1.0: [0.3, 0.3], 2.0: [0.9, 0.9]}

    def values_under(training, model, terms, tried, each=1):
        return np.arange(2), [np.array([values[each.share * each.new] for each in of]) for of in tried]

    monkeypatch.setattr(weighing, "SHARES", (0.0, 1.0))
    monkeypatch.setattr(weighing, "NEW", (0.5, 1.0, 2.0))
    monkeypatch.setattr(weighing, "relative_spreads", lambda *_: [1.0])
    monkeypatch.setattr(weighing, "values_under", values_under)
    training = types.SimpleNamespace(tasks={"validation": types.SimpleNamespace(users=range(2))})
    term = TextScores(torch.zeros(1, 1), 1, decays=(0.6,))
    ((chosen, worth),) = weighing.weigh(training, None, [term])
    assert chosen == TermWeight(1.0, 1.0, 0.6, 2.0)
    assert worth.of_others.tolist() == [0.9, 0.9]


@torch.no_grad()
def test_versions_are_weighed_together_as_each_would_be_by_itself(trained, next_items, monkeypatch):
    training, side = trained
    noise = torch.randn(next_items.shape, generator=torch.manual_seed(0))
    voices = [TextScores(torch.nn.functional.normalize(rows, dim=1)) for rows in (noise, next_items)]
    one_by_one = [weighing.weigh(training, side.model, [voice])[0] for voice in voices]
    of_model, computed = weighing.own_scores, []
    monkeypatch.setattr(weighing, "own_scores", lambda *given: computed.append(given) or of_model(*given))
    together = weighing.weigh(training, side.model, voices)
    assert [weight for weight, _ in together] == [weight for weight, _ in one_by_one]
    for (_, worth), (_, alone) in zip(together, one_by_one, strict=True):
        assert all(np.array_equal(values, others) for values, others in zip(worth, alone, strict=True))
    n_together, _ = len(computed), weighing.weigh(training, side.model, voices[:1])
    assert n_together == len(computed) - n_together  # the model's own scores, once for all


def test_contents_are_added_one_after_another_and_empty_ones_change_nothing(trained, next_items):
    training, side = trained
    beside = with_content(training, side, [next_items * 0, next_items])
    alone = with_content(training, side, [next_items])
    assert beside.chosen["content_share"] == 0
    assert beside.chosen["content_2_share"] == alone.chosen["content_share"] > 0
    assert beside.best_value == alone.best_value


@pytest.mark.parametrize("best", [0, 1])
def test_of_several_versions_the_one_that_is_best_on_validation_has_a_say(trained, next_items, best):
    training, side = trained
    noise = torch.randn(next_items.shape, generator=torch.manual_seed(0))
    beside = with_content(training, side, [(next_items, noise) if best == 0 else (noise, next_items)])
    alone = with_content(training, side, [next_items])
    assert beside.chosen == {**alone.chosen, "content_version": best}
    assert beside.best_value == alone.best_value
    equal = with_content(training, side, [(next_items, next_items)])
    assert equal.chosen["content_version"] == 0


def test_what_a_second_content_adds_is_chosen_beside_the_first(trained, next_items):
    training, side = trained
    both = with_content(training, side, [next_items, next_items.flip(1)])
    alone = with_content(training, side, [next_items])
    second = with_content(training, alone, [next_items.flip(1)], first=2)
    assert both.chosen.items() > alone.chosen.items()
    assert both.chosen == second.chosen
    assert both.best_value == second.best_value == pytest.approx(training.validate(both.model))


class GivesScores:
    """A model that gives the scores of another one's states; it keeps what it returns, as a table might be kept."""

    examples = "windows"

    def __init__(self, model):
        self.model, self.given = model, []

    def scores(self, batch):
        states = weighing.own_states(self.model, batch)
        self.given.append((scores := states.user @ states.item.T, scores.clone()))
        return scores


def test_texts_stand_in_the_scores_of_a_model_that_gives_scores_as_in_those_of_states(trained, next_items):
    training, side = trained
    giving = copy.copy(side)
    giving.model = GivesScores(side.model)
    states, scores = (with_content(training, each, [next_items, next_items]) for each in (side, giving))
    assert scores.best_value == pytest.approx(states.best_value, rel=0.02)  # float32 may break ties otherwise
    assert scores.chosen == pytest.approx(states.chosen, rel=0.02)
    assert all(torch.equal(now, before) for now, before in giving.model.given)


def test_equal_texts_have_equal_scores_wherever_they_stand():
    class Zero:
        examples = "windows"

        def scores(self, batch):
            return torch.zeros(len(batch.history), 1001)

    texts = torch.randn(1001, 33, generator=torch.manual_seed(0))
    texts[0] = 0
    texts[[7, 400, 1000]] = texts[13].clone()
    found = with_texts(Zero(), texts, TermWeight(1.0, decay=0.6)).scores(
        Batch(torch.tensor([1, 2]), torch.tensor([[1, 2], [3, 0]]))
    )
    expected = torch.stack([(0.6 * texts[1] + texts[2]) / 1.6, texts[3]]) @ texts.T
    assert torch.allclose(found, expected, atol=1e-5)
    assert (found[:, [7, 400, 1000]] == found[:, [13]]).all()


def test_the_length_of_a_row_does_not_matter(trained, next_items):
    training, side = trained
    lengths = torch.linspace(1, 9, len(next_items))[:, None]
    one, other = (with_content(training, side, [rows]) for rows in (next_items, next_items * lengths))
    assert one.best_value == other.best_value


def test_what_weights_are_chosen_by_is_what_they_rank_by(trained, next_items):
    training, side = trained
    rows = torch.nn.functional.normalize(next_items, dim=1)
    weights = [TermWeight(0.5, decay=0.6), TermWeight(3.0, decay=0.6), TermWeight(3.0, decay=0.6, new=0.25)]
    _, (found,) = values_under(training, side.model, [TextScores(rows, 2)], [weights])
    exact = [training.validate(with_texts(side.model, rows, weight, 2)) for weight in weights]
    assert found.mean(axis=1) == pytest.approx(exact, rel=0.02)  # float32 may break ties otherwise


def test_of_many_users_some_are_enough_to_choose_by(trained, next_items, monkeypatch):
    training, side = trained
    monkeypatch.setattr(weighing, "MOST_SCORES", 10 * len(next_items))  # 10 users at a time
    rows = torch.nn.functional.normalize(next_items, dim=1)
    weight = TermWeight(1.0, decay=0.6)
    row, (values,) = values_under(training, side.model, [TextScores(rows)], [[weight]], each=2)
    assert values.shape == (1, len(training.tasks["validation"].users) // 2)
    exact = training.values(training.rank(with_texts(side.model, rows, weight), "validation"))
    assert values[0] == pytest.approx(exact[row], abs=0.05)  # each value stands beside the row of its user


def test_scores_are_those_of_the_model_and_the_weighted_cosine():
    class Model:
        examples = "windows"

        def states(self, batch):
            return States(torch.ones(len(batch.history), batch.history.shape[1], 1), torch.arange(4.0)[:, None])

    texts = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    batch = Batch(torch.tensor([1, 2]), torch.tensor([[1, 2], [3, 0]]))
    weight = TermWeight(5.0, unit=2.0, decay=0.5, new=3.0)
    states = with_texts(Model(), texts, weight, 1).states(batch)
    means = torch.tensor([[1 / 3, 2 / 3], [0.6, 0.8]])  # the older item counts half as much
    expected = torch.arange(4.0) + 10 * means @ texts.T * torch.tensor([1.0, 1.0, 1.0, 3.0])
    assert torch.allclose(states.user @ states.item.T, expected)


def test_one_user_says_nothing_of_texts(host, trained, next_items):
    training, side = make_cell_training(host), trained[1]
    task = training.tasks["validation"]
    one = training.split.held["validation"].of(task.users == task.users[0]).task(5)
    training.__dict__["tasks"] = {"validation": one}
    assert with_content(training, side, [next_items]).model is side.model


def test_a_model_has_its_say_as_it_is_in_evaluation(trained, next_items, monkeypatch):
    class Drops(torch.nn.Module):
        examples = "windows"

        def scores(self, batch):
            assert not self.training
            return weighing.own_scores(side.model, batch)

    training, side = trained
    other = Drops()
    monkeypatch.setitem(MADE, other, Made("drops", {}))
    with_content(training, side, [other])


@pytest.mark.parametrize("damage", ["short", "flat", "nan"])
def test_rows_that_are_not_one_for_each_item_are_refused(trained, next_items, damage):
    wrong = {"short": next_items[1:], "flat": next_items[0], "nan": next_items * float("nan")}[damage]
    with pytest.raises(PluginError, match=r"content is .*; finite numbers \[\d+, k\] are needed"):
        with_content(*trained, [wrong])


def test_a_side_is_not_changed(trained, next_items):
    training, side = trained
    before = dataclasses.replace(side)
    with_content(training, side, [next_items])
    assert (side.model, side.best_value, side.train_s) == (before.model, before.best_value, before.train_s)
