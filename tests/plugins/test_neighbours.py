"""Neighbours rank by counts, which blocks give as a dense table does, and EASE solves its regressions."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from corecbench.api import Batch, Catalog, Interactions, Setup, UsageError
from corecbench.testing.toys import camps
from corecbench_plugins.neighbours import counts
from corecbench_plugins.neighbours.ease import check_memory

NAMES = ("item-knn", "sequence-knn", "sequence-knn-words", "ease")
TOY = Interactions(user=np.array([1, 1, 1, 2, 2, 3, 3]), item=np.array([1, 2, 3, 1, 2, 2, 3]))
"""Users with the items 1, 2, 3, then 1, 2, then 2, 3; so the items have 2, 3 and 2 users, and item 4 has none."""
ROOT = 6**0.5
"""Of the numbers of users of items 1 and 2, as of items 2 and 3."""


@pytest.fixture
def fitted(host, tmp_path):
    """Build a model and fit it: `fitted(name, train, n_items, **settings)`."""

    def build(name, train=TOY, n_items=4, **settings):
        ids = ("", *map(str, range(1, n_items + 1)))
        texts = ("", "red fox", "red wolf", *([""] * (n_items - 2)))
        setup = Setup(Catalog("toy", ("", "1"), ids, texts), max_history=5, seed=0, cache=tmp_path)
        model = host.build(host.select("models", name, {name: settings}), setup, None)
        model.fit(train)
        return model

    return build


def scores(model, *history):
    """Return the scores of one history, float32 [N+1]."""
    return model.scores(Batch(torch.tensor([1]), torch.tensor([history])))[0]


def drawn(n_users=40, n_items=30):
    """Return users with 12 items each, of which some are repeated."""
    random = np.random.default_rng(0)
    return Interactions(np.repeat(np.arange(1, n_users + 1), 12), random.integers(1, n_items + 1, 12 * n_users))


def test_items_are_near_by_the_users_that_they_share(fitted):
    found = scores(fitted("item-knn", shrinkage=1, user_power=0), 1)
    assert found[2] == pytest.approx(2 / (ROOT + 1), abs=1e-5)
    assert found[3] == pytest.approx(1 / (2 + 1), abs=1e-5)


def test_a_user_with_many_items_says_less(fitted):
    found = scores(fitted("item-knn", shrinkage=1, user_power=1), 1)
    assert found[2] == pytest.approx((1 / 3 + 1 / 2) / (ROOT + 1), abs=1e-5)
    assert found[3] == pytest.approx(1 / 3 / (2 + 1), abs=1e-5)


def test_the_latest_item_counts_most(fitted):
    found = scores(fitted("item-knn", shrinkage=0, user_power=0, decay=0.25), 1, 2)
    assert found[3] == pytest.approx(0.25 * 1 / 2 + 2 / ROOT, abs=1e-5)


def test_an_item_that_follows_is_nearer_than_one_that_comes_before(fitted):
    found = scores(fitted("sequence-knn", shrinkage=0, user_power=0, next_weight=0.5, steps=2), 2)
    assert found[3] == pytest.approx((2 + 0.5 * 2) / ROOT, abs=1e-5)
    assert found[1] == pytest.approx(2 / ROOT, abs=1e-5)


@pytest.mark.parametrize(("steps", "weight"), [(1, 0), (2, 1 / 2)])
def test_an_item_k_steps_later_counts_one_kth_and_none_after_the_last_step(fitted, steps, weight):
    found = scores(fitted("sequence-knn", shrinkage=0, user_power=0, next_weight=1, steps=steps), 1)
    assert found[3] == pytest.approx((1 + weight) / 2, abs=1e-5)


def test_what_has_no_neighbour_is_ordered_by_popularity(fitted):
    found = scores(fitted("item-knn"), 4)
    assert found[2] > found[1] == found[3] > found[4]


@pytest.mark.parametrize("name", NAMES)
def test_camps_of_taste_are_separated(fitted, name):
    rows = [(int(user[1:]) + 1, int(item[1:]) + 1) for user, item, _ in camps().rows]
    model = fitted(name, Interactions(*np.array(rows).T), n_items=20)
    red, blue = range(1, 21, 2), range(2, 21, 2)
    for own, other in ((red, blue), (blue, red)):
        found = scores(model, own[0], own[3])
        assert min(found[item] for item in own if item not in (own[0], own[3])) > max(found[[*other]])


@pytest.mark.parametrize("neighbours", [3, 100])
@pytest.mark.parametrize("products", [1, 500, 2**24])
def test_blocks_of_rows_give_what_a_dense_table_gives(fitted, monkeypatch, neighbours, products):
    monkeypatch.setattr(counts, "PRODUCTS", products)
    train, n_items = drawn(), 30
    has, follows = np.zeros((41, 31)), np.zeros((31, 31))
    has[train.user, train.item] = 1
    for user in range(1, 41):
        items = train.item[train.user == user]
        for first in range(len(items)):
            for k, later in enumerate(items[first + 1 : first + 4], start=1):
                follows[items[first], later] += 1 / k
    weight = 1 / np.sqrt(has.sum(axis=1, keepdims=True).clip(min=1))
    users = has.sum(axis=0)
    similarity = (has.T @ (weight * has) + 2 * follows) / (np.sqrt(np.outer(users, users)) + 5)
    np.fill_diagonal(similarity, 0)
    for row in similarity:
        row[row < np.sort(row)[-neighbours:][0]] = 0
    settings = {"shrinkage": 5, "next_weight": 2, "steps": 3, "neighbours": neighbours, "decay": 0.5}
    found = scores(fitted("sequence-knn", train, n_items, **settings), 7, 9)
    assert found[1:].numpy() == pytest.approx((0.5 * similarity[7] + similarity[9])[1:], abs=1e-5)


def test_of_equally_near_items_the_lower_ones_are_kept():
    block = csr_array(np.array([[0, 1, 2, 1, 1], [0, 0, 3, 0, 1]], dtype=np.float32))
    counts.keep_nearest(block, 2)
    assert block.toarray().tolist() == [[0, 1, 2, 0, 0], [0, 0, 3, 0, 1]]


def test_each_item_has_at_most_so_many_neighbours(fitted):
    model = fitted("sequence-knn", drawn(), 30, neighbours=4)
    assert np.diff(model.similarity.indptr).tolist() == [0, *[4] * 30]


def test_of_a_user_only_the_latest_interactions_count(fitted):
    train = drawn()
    of_one = np.flatnonzero(train.user == train.user[0])
    kept = np.delete(np.arange(len(train.user)), of_one[:-3])
    cut = Interactions(train.user[kept], train.item[kept])
    most = max(np.bincount(cut.user))
    bounded, expected = (
        fitted("sequence-knn", each, 30, **settings).similarity.toarray()
        for each, settings in ((cut, {}), (cut, {"latest_interactions": int(most)}))
    )
    assert np.array_equal(bounded, expected)
    three = fitted("sequence-knn", train, 30, latest_interactions=3).similarity.toarray()
    assert not np.array_equal(three, fitted("sequence-knn", train, 30).similarity.toarray())


def test_users_are_ranked_alike_whatever_the_items_are_called(fitted):
    train, n_items = drawn(), 30
    swapped = Interactions(train.user, n_items + 1 - train.item)
    settings = {"neighbours": n_items}
    one = scores(fitted("sequence-knn", train, n_items, **settings), 7, 9)
    other = scores(fitted("sequence-knn", swapped, n_items, **settings), 24, 22)
    assert one[1:].tolist() == pytest.approx(other[1:].flip(0).tolist(), abs=1e-6)


def test_the_words_of_the_texts_are_offered_and_change_no_rank(fitted):
    model = fitted("sequence-knn-words", dimensions=8)
    assert model.content.shape[0] == 5
    assert not model.content[[0, 3, 4]].any()  # padding, and items without a text
    assert model.content[1] @ model.content[1] > 0
    assert torch.equal(scores(model, 1, 2), scores(fitted("sequence-knn"), 1, 2))


def test_ease_predicts_each_item_by_a_ridge_regression_on_all_others(fitted):
    train, n_items = drawn(), 30
    has = np.zeros((41, 31))
    has[train.user, train.item] = 1
    model = fitted("ease", train, n_items, regularisation=10)
    for item in (1, 13, 30):
        others = [other for other in range(31) if other != item]
        design = has[:, others]
        weights = np.linalg.solve(design.T @ design + 10 * np.eye(30), design.T @ has[:, item])
        assert model.weights[others, item] == pytest.approx(weights, abs=1e-5)
        assert model.weights[item, item] == 0


def test_ease_counts_the_items_of_a_history_alike_by_default(fitted):
    model = fitted("ease", drawn(), 30)
    assert scores(model, 7, 9)[1:].tolist() == pytest.approx((model.weights[7] + model.weights[9])[1:].tolist())
    assert torch.equal(scores(fitted("ease", drawn(), 30, decay=0.0), 7, 9), torch.from_numpy(model.weights[9]))


def test_ease_refuses_a_catalogue_that_does_not_fit_into_memory():
    check_memory(9_999, free_bytes=12 * 10_000**2)
    message = "ease needs 1.1 GiB for 10,000 items, but 1.1 GiB of memory are free, enough for 9,999 items"
    with pytest.raises(UsageError, match=message):
        check_memory(10_000, free_bytes=12 * 10_000**2)
