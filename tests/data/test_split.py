import functools
import tracemalloc
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corecbench.api import UsageError
from corecbench.data.split import leave_one_out

Row = tuple[str, str, int]
by_file = functools.partial(leave_one_out, ties="file")

# Few users, items and times, so that repeats and ties are common; "anchor" is a user who can be tested.
ANCHOR = [("anchor", "u", 2), ("anchor", "v", 1), ("anchor", "w", 2)]
some_rows = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("uvwxyz"), st.integers(0, 4)), max_size=40)
files = some_rows.flatmap(lambda rows: st.permutations(rows + ANCHOR))
stages = st.sampled_from(["validation", "test"])
no_deadline = settings(deadline=None)  # a busy machine is no failure


def timelines(rows: list[Row], repeats: str = "first") -> dict[str, list[str]]:
    """What each user did, oldest first, written without numpy: time, then place in the file."""
    done: dict[str, list[str]] = defaultdict(list)
    for _, _, user, item in sorted((time, place, user, item) for place, (user, item, time) in enumerate(rows)):
        if repeats == "all" or item not in done[user]:
            done[user].append(item)
    return done


def held_out(split):
    """The users, validation items and test items of a split in which both stages have the same users."""
    validation, test = split.held["validation"], split.held["test"]
    return test.users, validation.target, test.target


def seen_of(task):
    """The items that each user has seen, int64 [T, S]."""
    return task.seen.of(np.arange(len(task.users)))


def rows_of(task):
    """The histories of all users, int64 [T, L]."""
    return np.asarray(task.history)


def known_by_user(dataset, task) -> dict[str, tuple[str, list[str], list[str]]]:
    """User id -> target, history and seen of a task, as ids without padding."""
    user_ids, item_ids = dataset.catalog.user_ids, dataset.catalog.item_ids
    return {
        user_ids[user]: (item_ids[target], *([item_ids[item] for item in row if item] for row in (history, seen)))
        for user, target, history, seen in zip(task.users, task.target, rows_of(task), seen_of(task), strict=True)
    }


@no_deadline
@given(rows=files)
def test_the_targets_are_the_true_last_two_interactions(load, rows):
    dataset = load(rows)
    split = by_file(dataset)
    last_two = {user: done[-2:] for user, done in timelines(rows).items() if len(done) >= 3}
    ids = dataset.catalog.item_ids
    assert last_two == {
        dataset.catalog.user_ids[user]: [ids[validation], ids[test]]
        for user, validation, test in zip(*held_out(split), strict=True)
    }
    users = split.held["test"].users.tolist()
    assert users == split.held["validation"].users.tolist() == sorted(users)


@no_deadline
@given(rows=files)
def test_nothing_of_validation_or_test_is_in_training(load, rows):
    dataset = load(rows)
    train = by_file(dataset).train
    user_ids, item_ids = dataset.catalog.user_ids, dataset.catalog.item_ids
    visible = {(user_ids[user], item_ids[item]) for user, item in zip(train.user, train.item, strict=True)}
    for user, done in timelines(rows).items():
        held_out = done[-2:] if len(done) >= 3 else []
        assert not visible & {(user, item) for item in held_out}
        assert {item for other, item in visible if other == user} == set(done) - set(held_out)


@no_deadline
@given(rows=files, repeats=st.sampled_from(["first", "all"]))
def test_every_interaction_is_in_exactly_one_part(load, rows, repeats):
    dataset = load(rows, repeats=repeats)
    split = by_file(dataset)
    parts = Counter(zip(split.train.user.tolist(), split.train.item.tolist(), strict=True))
    for held in split.held.values():
        parts.update(zip(held.users.tolist(), held.target.tolist(), strict=True))
    assert parts == Counter(zip(dataset.user.tolist(), dataset.item.tolist(), strict=True))


@no_deadline
@given(rows=files, stage=stages, max_history=st.integers(1, 8), repeats=st.sampled_from(["first", "all"]))
def test_history_and_seen_are_what_came_before_the_target(load, rows, stage, max_history, repeats):
    dataset = load(rows, repeats=repeats)
    task = by_file(dataset).task(stage, max_history)
    held_out = 2 if stage == "validation" else 1
    assert known_by_user(dataset, task) == {
        user: (done[-held_out], done[:-held_out][-max_history:], done[:-held_out])
        for user, done in timelines(rows, repeats).items()
        if len(done) >= 3
    }


@no_deadline
@given(rows=files, stage=stages, max_history=st.integers(1, 8))
def test_padding_is_on_the_right_only(load, rows, stage, max_history):
    task = by_file(load(rows)).task(stage, max_history)
    assert task.history.shape == (len(task.users), max_history)
    assert (rows_of(task)[:, 0] != 0).all()
    for padded in (rows_of(task), seen_of(task)):
        assert ((padded[:, :-1] != 0) | (padded[:, 1:] == 0)).all()


@no_deadline
@given(rows=files, stage=stages, data=st.data())
def test_the_order_of_different_users_rows_in_the_file_changes_no_task(load, rows, stage, data):
    turns = data.draw(st.permutations([user for user, _, _ in rows]))
    left = {user: [row for row in rows if row[0] == user] for user in turns}
    shuffled = [left[user].pop(0) for user in turns]
    before, after = (load(file) for file in (rows, shuffled))
    assert known_by_user(before, by_file(before).task(stage, 5)) == known_by_user(
        after, by_file(after).task(stage, 5)
    )


# One user saw 1, 2, 3, 4 (as numbered), another 2, 3, 1; the one between has two interactions only.
THREE_USERS = [
    (user, item, time)
    for user, items in (("a", "wxyz"), ("b", "wz"), ("c", "xyw"))
    for time, item in enumerate(items)
]


@no_deadline
@given(rows=files)
def test_targets_are_tied_where_the_last_two_times_are_equal(load, rows):
    dataset = load(rows, repeats="all")
    split = by_file(dataset)
    times = {user: sorted(time for name, _, time in rows if name == user) for user, _, _ in rows}
    assert split.tied.tolist() == [
        len(set(times[dataset.catalog.user_ids[user]][-2:])) == 1 for user in split.held["test"].users
    ]


def test_the_parts_of_three_users(load):
    split = by_file(load(THREE_USERS))
    assert split.train.user.tolist() == [1, 1, 2, 2, 3]
    assert split.train.item.tolist() == [1, 2, 1, 4, 2]
    assert [part.tolist() for part in held_out(split)] == [[1, 3], [3, 3], [4, 1]]


def test_the_validation_item_is_known_at_test_time_only(load):
    split = by_file(load(THREE_USERS))
    validation, test = split.task("validation", 2), split.task("test", 2)
    assert rows_of(validation).tolist() == [[1, 2], [2, 0]]
    assert seen_of(validation).tolist() == [[1, 2], [2, 0]]
    assert validation.target.tolist() == [3, 3]
    assert rows_of(test).tolist() == [[2, 3], [2, 3]]
    assert seen_of(test).tolist() == [[1, 2, 3], [2, 3, 0]]
    assert test.target.tolist() == [4, 1]
    arrays = test.users, test.target, rows_of(test), test.seen.items, test.seen.start, test.seen.length
    assert {array.dtype.name for array in arrays} == {"int64"}


def test_with_all_repeats_a_target_can_have_been_seen(load):
    split = by_file(load([("a", "x", 1), ("a", "y", 2), ("a", "x", 3)], repeats="all"))
    task = split.task("test", 5)
    assert task.target.tolist() == [1]
    assert seen_of(task).tolist() == [[1, 2]]


def test_equal_times_are_in_the_order_of_the_file(load):
    tied = [("a", "x", 5), ("a", "y", 5), ("a", "z", 5)]
    assert held_out(by_file(load(tied)))[2].tolist() == [3]  # z, numbered third
    assert held_out(by_file(load(tied[::-1])))[2].tolist() == [3]  # x, numbered third


def test_the_fingerprint_is_that_of_the_parts(load):
    fingerprint = by_file(load(THREE_USERS)).fingerprint
    assert by_file(load(THREE_USERS)).fingerprint == fingerprint
    assert by_file(load(THREE_USERS, texts={})).fingerprint == fingerprint
    assert by_file(load([(user.upper(), item, time) for user, item, time in THREE_USERS])).fingerprint != (
        fingerprint
    )
    assert by_file(load([*THREE_USERS, ("b", "y", 9)])).fingerprint != fingerprint


@pytest.mark.parametrize(
    ("stage", "max_history", "message"),
    [
        ("train", 5, "unknown stage 'train'; have: validation, test"),
        ("test", 0, "max_history is 0, at least 1 is needed"),
    ],
)
def test_what_a_task_does_not_allow_is_named(load, stage, max_history, message):
    with pytest.raises(UsageError) as error:
        by_file(load(THREE_USERS)).task(stage, max_history)
    assert str(error.value) == message


def test_one_long_history_does_not_make_every_user_s_row_long(load):
    """A table of 2,001 users would take 32 MB with a history of 2,000; the task takes less than a tenth of that."""
    rows = [("heavy", f"i{item}", item) for item in range(2000)]
    rows += [(f"u{user}", f"i{item}", item) for user in range(2000) for item in range(4)]
    split = by_file(load(rows))
    tracemalloc.start()
    task = split.task("test", max_history=5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert task.seen.length.max() == 1999
    assert peak < 3_200_000


def test_with_a_refit_all_before_the_test_item_trains(load):
    rows = [("ann", item, time) for time, item in enumerate("wxyz")] + [("bob", "w", 1), ("bob", "z", 2)]
    plain, split = (leave_one_out(load(rows), refit=refit) for refit in (False, True))
    assert (split.train.user.tolist(), split.train.item.tolist()) == ([1, 1, 1, 2, 2], [1, 2, 3, 1, 4])
    assert split.choosing.train.item.tolist() == plain.train.item.tolist() == [1, 2, 1, 4]
    assert split.facts == plain.facts
    assert split.fingerprint != plain.fingerprint
    assert [each.target.tolist() for each in split.held.values()] == [
        each.target.tolist() for each in plain.held.values()
    ]
