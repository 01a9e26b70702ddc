"""Interactions of the same time, which have no order: who is ranked on what, and what a data set is warned of."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corecbench.api import DataError
from corecbench.data.split import leave_one_out
from corecbench.data.ties import ascending, warnings

# Few users, items and times, so that ties are common; "anchor" can be ranked at both stages whatever the rule.
ANCHOR = [("anchor", "u", 1), ("anchor", "v", 2), ("anchor", "w", 3)]
some_rows = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("uvwxyz"), st.integers(0, 3)), max_size=40)
files = some_rows.flatmap(lambda rows: st.permutations(rows + ANCHOR))
rows_with_one_user = st.builds(
    lambda rows, times: rows + [("a", item, time) for item, time in zip("uvw", times, strict=True)],
    some_rows,
    st.tuples(*[st.integers(0, 3)] * 3),
)
"""One can be ranked at both stages, if ties are left aside."""
no_deadline = settings(deadline=None)  # a busy machine is no failure


def by_ids(dataset, split):
    """What a split says, in ids: training by user; by stage and user the target, the history and what is seen."""
    user_ids, item_ids = dataset.catalog.user_ids, dataset.catalog.item_ids
    train = {user: [] for user in user_ids[1:]}
    for user, item in zip(split.train.user, split.train.item, strict=True):
        train[user_ids[user]].append(item_ids[item])
    stages = {}
    for stage, held in split.held.items():
        task, rows = split.task(stage, 50), np.arange(len(held.users))
        columns = task.users, task.target, np.asarray(task.history), task.seen.of(rows)
        stages[stage] = {
            user_ids[user]: (item_ids[target], *([item_ids[item] for item in each if item] for each in lists))
            for user, target, *lists in zip(*columns, strict=True)
        }
    return train, stages


def first_times(rows):
    """User -> item -> the first time; of a repeated pair the first interaction is kept."""
    times = {}
    for user, item, time in rows:
        own = times.setdefault(user, {})
        own[item] = min(time, own.get(item, time))
    return times


@no_deadline
@given(rows=files, data=st.data())
def test_a_hash_makes_the_same_split_of_any_order_of_the_rows(load, rows, data):
    shuffled = data.draw(st.permutations(rows))
    one, other = (by_ids(loaded, leave_one_out(loaded)) for loaded in map(load, (rows, shuffled)))
    assert one == other


@no_deadline
@given(rows=files)
def test_no_stage_knows_anything_of_the_time_of_its_target(load, rows):
    dataset = load(rows)
    train, stages = by_ids(dataset, leave_one_out(dataset))
    for user, time in first_times(rows).items():
        held = {stage: of[user] for stage, of in stages.items() if user in of}
        for stage, (target, history, seen) in held.items():
            before = {item for item in time if time[item] < time[target]}
            assert before
            assert set(history) == before
            assert [time[item] for item in history] == sorted(time[item] for item in history)
            beside = {item for item in time if time[item] == time[target]} - {target}
            of_test = {held["test"][0]} if stage == "validation" else set()
            assert set(seen) == before | (beside - of_test)
        first = min((time[target] for target, *_ in held.values()), default=np.inf)
        assert set(train[user]) == {item for item in time if time[item] < first}


@no_deadline
@given(rows=files)
def test_the_test_item_is_of_the_last_time_and_the_validation_item_the_one_before_it(load, rows):
    dataset = load(rows)
    _, stages = by_ids(dataset, leave_one_out(dataset))
    assert stages["validation"].keys() <= stages["test"].keys()
    for user, time in first_times(rows).items():
        *_, before, last = sorted(time.values()) if len(time) > 1 else (None, None)
        ranked = {stage for stage, of in stages.items() if user in of}
        enough = len(time) >= 3
        assert ranked == {
            stage
            for stage, of_target in (("validation", before), ("test", last))
            if enough and min(time.values()) < of_target
        }
        for stage, of_target in (("validation", before), ("test", last)):
            assert stage not in ranked or time[stages[stage][user][0]] == of_target


def test_companions_of_the_validation_item_are_known_at_test_time(load):
    dataset = load([("a", "u", 1), ("a", "v", 2), ("a", "w", 2), ("a", "x", 2), ("a", "y", 3)])
    train, stages = by_ids(dataset, leave_one_out(dataset))
    target, history, seen = stages["validation"]["a"]
    beside = {"v", "w", "x"} - {target}
    assert (train["a"], history, set(seen)) == (["u"], ["u"], {"u"} | beside)
    target, history, seen = stages["test"]["a"]
    assert (target, set(history), set(seen)) == ("y", {"u", "v", "w", "x"}, {"u", "v", "w", "x"})


def test_who_has_no_history_is_not_ranked_and_trains_on_all(load):
    dataset = load([*ANCHOR, ("a", "u", 5), ("a", "v", 5), ("a", "w", 5)])
    split = leave_one_out(dataset)
    train, stages = by_ids(dataset, split)
    assert [set(of) for of in stages.values()] == [{"anchor"}, {"anchor"}]
    assert set(train["a"]) == {"u", "v", "w"}
    assert dict(split.facts) == {
        "users_without_test_history": 1,
        "users_without_validation_history": 0,
        "interactions_beside_held_out": 0,
    }


def test_who_is_tested_and_not_validated_trains_on_all_before_the_test_item(load):
    dataset = load([*ANCHOR, ("a", "u", 5), ("a", "v", 5), ("a", "w", 6)])
    split = leave_one_out(dataset)
    train, stages = by_ids(dataset, split)
    assert "a" not in stages["validation"]
    assert stages["test"]["a"][0] == "w"
    assert set(train["a"]) == set(stages["test"]["a"][1]) == {"u", "v"}
    assert split.facts["users_without_validation_history"] == 1
    assert split.train.user.tolist() == sorted(split.train.user.tolist())


def test_any_of_the_items_of_a_time_is_held_out_alike(load):
    """Of 600 users with the same three items of one time, each item is held out for about 200 (binomial, z < 4)."""
    rows = [
        (f"user {n}", item, time) for n in range(600) for item, time in (("u", 1), ("x", 2), ("y", 2), ("z", 2))
    ]
    dataset = load(rows)
    test = leave_one_out(dataset).held["test"].target
    counts = Counter(dataset.catalog.item_ids[item] for item in test)
    assert counts.keys() == {"x", "y", "z"}
    assert all(abs(count - 200) < 4 * (600 * 1 / 3 * 2 / 3) ** 0.5 for count in counts.values())


def test_without_equal_times_all_rules_are_the_same(load):
    dataset = load([(user, item, time) for user in "ab" for time, item in enumerate("uvwxyz")])
    one, *others = (by_ids(dataset, leave_one_out(dataset, ties)) for ties in ("file", "random", "exclude"))
    assert others == [one, one]


@no_deadline
@given(rows=files)
def test_users_whose_held_out_items_the_file_decides_can_be_left_out(load, rows):
    dataset = load(rows)
    whole, part = (leave_one_out(dataset, ties) for ties in ("file", "exclude"))
    (train, stages), (same_train, left) = (by_ids(dataset, split) for split in (whole, part))
    times = {user: sorted(time.values())[-3:] for user, time in first_times(rows).items()}
    clear = {user for user, last in times.items() if len(last) == len(set(last)) == 3}
    assert train == same_train
    assert left == {stage: {user: of[user] for user in of if user in clear} for stage, of in stages.items()}
    assert dict(part.facts) == {"users_tied": sum(len(last) == 3 for last in times.values()) - len(clear)}
    assert dict(whole.facts) == {}


def test_rules_that_differ_in_ranks_have_other_fingerprints(load):
    dataset = load([*ANCHOR, *((user, item, 1 + (item != "u")) for user in "ab" for item in "uvwx")])
    assert len({leave_one_out(dataset, ties).fingerprint for ties in ("file", "random", "exclude")}) == 3


@pytest.mark.parametrize("ties", ["random", "exclude"])
def test_a_data_set_in_which_nobody_can_be_ranked_is_an_error(load, ties):
    dataset = load([("a", item, 1) for item in "uvw"])
    with pytest.raises(DataError, match=r"--ties file"):
        leave_one_out(dataset, ties)
    assert len(leave_one_out(dataset, "file").held["test"].users) == 1


# --- warnings -----------------------------------------------------------------------------------------------------


def rows_of_one_day(users, items):
    """An early interaction of each user, and the given items of one later time."""
    return [row for user in users for row in [(user, "1000", 1), *((user, str(item), 2) for item in items)]]


def test_users_with_equal_times_are_counted_and_it_is_said_what_decides(load):
    dataset = load([*ANCHOR, *rows_of_one_day("ab", (3, 1, 2))])
    said = {ties: list(warnings(dataset, ties)) for ties in ("file", "random", "exclude")}
    counts = "toy: the held-out items of 2 of 3 users (66.7%) have equal times; "
    assert said == {
        "file": [counts + "the order of the file decides which item is held out (ties file)"],
        "random": [counts + "a hash decides which item is held out (ties random)"],
        "exclude": [counts + "these users are not ranked (ties exclude)"],
    }


def test_few_users_with_equal_times_are_no_warning(load):
    clear = [(f"user {n}", item, time) for n in range(19) for time, item in ((1, "1"), (3, "3"), (6, "2"))]
    assert list(warnings(load([*clear, *rows_of_one_day("a", (3, 1, 2))]), "file")) == []


def test_ids_that_ascend_as_numbers_are_found(load):
    """9 is before 10 as a number, behind it as text. 50 users have two neighbours each, all ascending: z = 10."""
    users = [f"user {n}" for n in range(50)]
    dataset = load(rows_of_one_day(users, (8, 9, 10)))
    assert ascending(dataset) == (100, 100)
    assert (
        "item ids ascend in 100 of 100 neighbouring rows of equal times (100.0%)"
        in list(warnings(dataset, "file"))[1]
    )


def test_ids_that_are_no_numbers_are_compared_as_text(load):
    dataset = load([("a", "x", 1), *(("a", item, 2) for item in ("b", "a10", "a9"))])
    assert ascending(dataset) == (2, 1)  # from b to a10 is down, from a10 to a9 up


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_a_file_in_random_order_is_not_accused(load, seed):
    draw = np.random.default_rng(seed)
    rows = [row for n in range(200) for row in rows_of_one_day([f"user {n}"], draw.permutation(40)[:4])]
    assert not any("ascend" in line for line in warnings(load(rows), "file"))


def test_times_that_are_positions_are_found(load):
    rows = [(f"user {n}", f"i{item}", 1 + item) for n in range(20) for item in range(4)]
    assert load(rows).positions.startswith("the times of 20 of 20 users")
    assert "toy: the times of 20 of 20 users count up by one" in next(iter(warnings(load(rows), "random")))
    one = [("one", "i0", 1), ("one", "i1", 7), ("one", "i2", 8)]
    assert load([*rows, *one]).positions.startswith("the times of 20 of 21 users")  # enough
    two = [("one", "i0", 1), ("one", "i1", 7), ("two", "i0", 5), ("two", "i1", 6)]
    assert not load([*rows, *two]).positions  # 20 of 22 is not


@pytest.mark.parametrize("left_out", [{"repeats": "first"}, {"repeats": "last"}, {"k_core": 3}])
def test_positions_are_found_though_some_are_left_out(load, left_out):
    """Each user has i0 twice, and at position 3 an item that nobody else has."""
    rows = [
        (f"u{n}", item, place) for n in range(9) for place, item in enumerate(["i0", "i1", "i0", f"own {n}", "i2"])
    ]
    dataset = load(rows, **left_out)
    assert dataset.facts["removed_items"] == (9 if left_out.get("k_core") else 0)
    assert dataset.positions.startswith("the times of 9 of 9 users")


def test_positions_are_found_though_rows_stand_there_twice(load):
    rows = [(f"u{n}", f"i{place}", place) for n in range(9) for place in range(4) for _ in range(2)]
    assert load(rows).positions.startswith("the times of 9 of 9 users")


@no_deadline
@given(rows=rows_with_one_user)
def test_warnings_of_any_data_are_lines(load, rows):
    assert all("\n" not in line for line in warnings(load(rows), "random"))
