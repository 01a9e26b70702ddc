from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corecbench.data.ranking_task import SeenItems
from corecbench.training.contexts import Contexts, latest, windows
from corecbench.training.examples import make_examples

items_of_users = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=14), min_size=1, max_size=5)
lengths = st.integers(1, 5)
no_deadline = settings(deadline=None)  # a busy machine is no failure


def steps_of(batch):
    """Count (user, item, next item) over all positions with a target."""
    chosen = batch.target != 0
    user = batch.user[:, None].expand_as(batch.target)
    return Counter(zip(*(tensor[chosen].tolist() for tensor in (user, batch.history, batch.target)), strict=True))


def all_of(examples, batch_size=4, seed=0):
    return list(examples.batches(batch_size, np.random.default_rng(seed)))


def pairs_of(batches):
    return Counter(
        pair for _, batch in batches for pair in zip(batch.user.tolist(), batch.target.tolist(), strict=True)
    )


# --- windows ------------------------------------------------------------------------------------------------------


@no_deadline
@given(items_of_users, lengths)
def test_every_step_of_a_user_is_in_exactly_one_window_and_nothing_else_is(train, items, max_history):
    expected = Counter((user, *step) for user, of_user in enumerate(items, start=1) for step in pairwise(of_user))
    assert steps_of(windows(train(*items), max_history).whole()) == expected


@no_deadline
@given(items_of_users, lengths)
def test_a_window_is_an_unbroken_stretch_padded_on_the_right(train, items, max_history):
    batch = windows(train(*items), max_history).whole()
    assert batch.history.shape == batch.target.shape == (len(batch.user), max_history)
    for history, target in zip(batch.history.tolist(), batch.target.tolist(), strict=True):
        length = sum(item != 0 for item in history)
        assert 0 not in history[:length]
        assert target[: length - 1] == history[1:length]
        assert target[length - 1] != 0
        assert not any(history[length:] + target[length:])


@no_deadline
@given(items_of_users, lengths)
def test_the_windows_of_a_user_stand_in_order(train, items, max_history):
    batch = windows(train(*items), max_history).whole()
    for user, of_user in enumerate(items, start=1):
        targets = batch.target[batch.user == user]
        assert targets[targets != 0].tolist() == of_user[1:]


@no_deadline
@given(items_of_users, lengths)
def test_all_windows_but_the_first_of_a_user_are_full(train, items, max_history):
    batch = windows(train(*items), max_history).whole()
    for user, of_user in enumerate(items, start=1):
        length = (batch.history[batch.user == user] != 0).sum(dim=1).tolist()
        assert length[1:] == [max_history] * len(length[1:])
        assert not length or length[-1] == min(len(of_user) - 1, max_history)


def test_a_user_with_one_item_gives_no_window(train):
    batch = windows(train([5], [6, 7], [8]), max_history=3).whole()
    assert (batch.user.tolist(), batch.history.tolist()) == ([2], [[6, 0, 0]])


def test_a_training_part_without_steps_gives_no_windows(train):
    assert windows(train([5], [6]), max_history=3).whole().history.shape == (0, 3)


# --- the latest items ---------------------------------------------------------------------------------------------


def test_the_latest_items_stand_oldest_first_and_are_padded_on_the_right(train):
    batch = latest(train([1, 2, 3, 4], [5]), n_users=2, max_history=3).whole()
    assert batch.user.tolist() == [1, 2]
    assert batch.history.tolist() == [[2, 3, 4], [5, 0, 0]]


def test_a_user_without_training_items_has_an_empty_row(train):
    assert latest(train([], [5]), n_users=3, max_history=2).whole().history.tolist() == [[0, 0], [5, 0], [0, 0]]


def test_contexts_of_some_users_keep_their_histories(train):
    contexts = latest(train([1, 2], [], [5]), n_users=3, max_history=2)
    kept = contexts.of_users(np.array([3, 1]))
    assert kept.users.tolist() == [1, 3]
    assert kept.whole().history.tolist() == [[1, 2], [5, 0]]
    assert contexts.of_users(np.array([1, 2, 3])) is contexts


def test_pairs_of_users_between_whom_others_do_not_train_have_their_own_histories(train, catalog):
    examples = make_examples("pairs", train([1, 2], [], [5]), catalog(3, 6), max_history=2)
    histories = {1: [1, 2], 3: [5, 0]}
    for rows, batch in all_of(examples):
        assert batch.history.tolist() == [histories[user][: batch.history.shape[1]] for user in batch.user.tolist()]
        assert examples.contexts.take(rows).user.tolist() == batch.user.tolist()


# --- taking rows --------------------------------------------------------------------------------------------------

TABLE = Contexts(
    users=np.array([1, 2, 3]),
    histories=SeenItems(np.array([4, 5, 6, 7, 8, 9]), np.array([0, 1, 3]), np.array([1, 2, 3])),
    targets=SeenItems(np.array([1, 1, 2, 1, 2, 3]), np.array([0, 1, 3]), np.array([1, 2, 3])),
    max_history=4,
)


def test_taken_rows_are_cut_to_the_longest_history_among_them():
    batch = TABLE.take(torch.tensor([1, 0]))
    assert batch.user.tolist() == [2, 1]
    assert batch.history.tolist() == [[5, 6], [4, 0]]
    assert batch.target.tolist() == [[1, 2], [1, 0]]


def test_one_column_stays_where_all_histories_are_empty(train):
    assert latest(train([], [5]), n_users=2, max_history=3).take(torch.tensor([0])).history.tolist() == [[0]]


def test_all_rows_are_as_wide_as_a_history_may_be():
    assert TABLE.whole().history.tolist() == [[4, 0, 0, 0], [5, 6, 0, 0], [7, 8, 9, 0]]


# --- batches ------------------------------------------------------------------------------------------------------


@pytest.fixture
def window_examples(train, catalog):
    """41 users with 2 to 8 items, so windows of many lengths."""
    items = [[1 + (user + step) % 9 for step in range(2 + user % 7)] for user in range(41)]
    return make_examples("windows", train(*items), catalog(41, 9), max_history=4)


@pytest.fixture
def pair_examples(train, catalog):
    """Three users; the third interacted with every item but one."""
    return make_examples("pairs", train([1, 2, 3], [4], [1, 2, 3, 4, 5]), catalog(3, 6), max_history=2)


def test_an_epoch_holds_every_window_once(window_examples):
    rows = torch.cat([rows for rows, _ in all_of(window_examples)])
    assert sorted(rows.tolist()) == list(range(len(window_examples)))


def test_an_epoch_holds_every_step_once(window_examples):
    steps = sum((steps_of(batch) for _, batch in all_of(window_examples)), Counter())
    assert steps == steps_of(window_examples.contexts.whole())


def test_a_batch_has_at_most_the_size_that_was_asked_for(window_examples):
    sizes = [len(rows) for rows, _ in all_of(window_examples, batch_size=10)]
    assert max(sizes) == 10
    assert len(sizes) == -(-len(window_examples) // 10)


@pytest.mark.parametrize("kind", ["window_examples", "pair_examples"])
def test_the_rows_of_a_batch_are_those_of_its_contexts(request, kind):
    examples = request.getfixturevalue(kind)
    contexts = examples.contexts.whole()
    for rows, batch in all_of(examples):
        width = batch.history.shape[1]
        assert torch.equal(contexts.user[rows], batch.user)
        assert torch.equal(contexts.history[rows, :width], batch.history)
        assert not contexts.history[rows, width:].any()


@pytest.mark.parametrize("kind", ["window_examples", "pair_examples"])
def test_the_same_generator_gives_the_same_batches_and_another_one_does_not(request, kind):
    examples = request.getfixturevalue(kind)

    def flat(seed):
        of = [(batch.user, batch.target, batch.negatives) for _, batch in all_of(examples, 2, seed)]
        return [[None if part is None else part.tolist() for part in parts] for parts in of]

    assert flat(0) == flat(0)
    assert flat(0) != flat(1)


def test_two_epochs_of_one_generator_differ(window_examples):
    generator = np.random.default_rng(0)
    first, second = ([rows.tolist() for rows, _ in window_examples.batches(4, generator)] for _ in range(2))
    assert first != second


@pytest.mark.parametrize("kind", ["windows", "pairs"])
def test_sampled_items_are_different_and_new_in_each_batch(kind, train, catalog):
    examples = make_examples(kind, train(*[[1, 2, 3]] * 8), catalog(8, 30), max_history=5)
    drawn = [batch.sampled.tolist() for _, batch in examples.batches(2, np.random.default_rng(0), n_negatives=10)]
    assert all(len(set(items)) == 10 and set(items) <= set(range(1, 31)) for items in drawn)
    assert len({tuple(items) for items in drawn}) == len(drawn)


def test_a_sample_is_at_most_the_whole_catalogue(train, catalog):
    examples = make_examples("windows", train([1, 2, 3]), catalog(1, 5), max_history=5)
    ((_, batch),) = examples.batches(2, np.random.default_rng(0), n_negatives=99)
    assert sorted(batch.sampled.tolist()) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ["windows", "pairs"])
def test_half_of_a_sample_is_drawn_by_popularity_and_each_count_is_as_expected(kind, train, catalog):
    examples = make_examples(kind, train(*[[1, 2, 1, 3]] * 200), catalog(200, 5), max_history=5)
    drawn = [batch for _, batch in examples.batches(1, np.random.default_rng(0), 4, by_popularity=True)]
    sampled, log_expected = (torch.stack([getattr(b, name) for b in drawn]) for name in ("sampled", "log_expected"))
    # of 4 draws 2 are uniform among 5 items, and 2 hit item 1 in half of the cases, items 2 and 3 in a quarter
    expected = torch.tensor([2 / 5 + 2 / 2, 2 / 5 + 2 / 4, 2 / 5 + 2 / 4, 2 / 5, 2 / 5])
    assert torch.allclose(log_expected.exp(), expected[sampled - 1])
    counted = np.bincount(sampled.flatten(), minlength=6)[1:] / len(sampled)
    assert counted == pytest.approx(expected.tolist(), rel=0.3)


def test_pairs_with_a_common_sample_have_no_negatives_of_their_own(pair_examples):
    batches = pair_examples.batches(4, np.random.default_rng(0), n_negatives=2)
    assert all(batch.negatives is None for _, batch in batches)


@pytest.mark.parametrize("kind", ["windows", "pairs"])
def test_an_epoch_may_be_a_random_part_of_the_examples(kind, train, catalog):
    examples = make_examples(kind, train(*[[1, 2]] * 20), catalog(20, 9), max_history=5)
    generator = np.random.default_rng(0)
    first, second = (
        [user for _, batch in examples.batches(2, generator, max_examples=5) for user in batch.user.tolist()]
        for _ in range(2)
    )
    assert len(first) == len(second) == 5
    assert first != second


def test_windows_of_like_length_share_a_batch(train, catalog):
    items = [[1, 2] if user % 2 else list(range(1, 9)) for user in range(32)]  # one step or seven
    examples = make_examples("windows", train(*items), catalog(32, 9), max_history=7)
    widths = [batch.history.shape[1] for _, batch in all_of(examples, batch_size=16)]
    assert sorted(widths) == [1, 7]


def test_an_epoch_holds_every_pair_once(pair_examples):
    expected = [(1, 1), (1, 2), (1, 3), (2, 4), *((3, item) for item in (1, 2, 3, 4, 5))]
    assert pairs_of(all_of(pair_examples)) == Counter(expected)


def test_pairs_come_with_the_latest_history_of_their_user(pair_examples):
    for _, batch in all_of(pair_examples, batch_size=1):
        expected = {1: [2, 3], 2: [4], 3: [4, 5]}[int(batch.user)]
        assert batch.history.tolist() == [expected]


def test_a_negative_is_never_an_item_of_its_user(pair_examples):
    allowed = {1: {4, 5, 6}, 2: {1, 2, 3, 5, 6}, 3: {6}}
    drawn = {1: set(), 2: set(), 3: set()}
    for seed in range(50):
        for _, batch in all_of(pair_examples, seed=seed):
            for user, negative in zip(batch.user.tolist(), batch.negatives.tolist(), strict=True):
                drawn[user].add(negative)
    assert drawn == allowed


def test_a_user_who_has_everything_gets_some_item_and_no_endless_search(train, catalog):
    examples = make_examples("pairs", train([1, 2, 3], [1]), catalog(2, 3), max_history=2)
    negatives = torch.cat([batch.negatives for _, batch in all_of(examples)])
    assert len(negatives) == 4
    assert set(negatives.tolist()) <= {1, 2, 3}
