"""The split by time, against a second implementation in plain pandas, over random data with many equal times."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from corecbench.api import DataError
from corecbench.data.split import leave_one_out
from corecbench.data.time_split import by_time, in_brief, orders, warnings

SPAN = {"validation": (10, 14), "test": (14, 99)}
TIMES = [*range(4, 18), 30]
"""Among few users, items and times equal times are common."""
some_rows = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz"), st.sampled_from(TIMES)), max_size=50
)
# the anchors can be ranked in both stages, and no time is a year or a position
ANCHORS = [("anchor", "u", 3), ("anchor", "v", 11), ("anchor", "w", 15), ("other", "u", 3), ("other", "x", 30)]
files = some_rows.flatmap(lambda rows: st.permutations(rows + ANCHORS))
no_deadline = settings(deadline=None)  # a busy machine is no failure


def cut_at(rows):
    """The shares of the interactions before validation and before test, as text."""
    times = pd.DataFrame(rows, columns=["user", "item", "time"]).groupby(["user", "item"])["time"].min()
    return [repr(float((times < begin).mean())) for begin, _ in SPAN.values()]


def split_of(load, rows, target="first"):
    cut = cut_at(rows)
    assume(0 < float(cut[0]) < float(cut[1]) < 1)
    return by_time(load(rows), cut, target)


def in_ids(dataset, split):
    """Training by user and item; by stage and user the target, the history, what was seen, and the candidates."""
    catalog = dataset.catalog
    users, items = np.array(catalog.user_ids), np.array(catalog.item_ids)
    stages = {}
    for stage in split.held:
        task = split.task(stage, 50)
        rows = np.arange(len(task.users))
        histories, seen = np.asarray(task.history), task.seen.of(rows)
        stages[stage] = {
            users[task.users[row]]: (
                items[task.target[row]],
                [items[item] for item in histories[row] if item],
                {items[item] for item in seen[row] if item},
                {items[item] for item in range(1, len(items)) if task.exists.has([row], [item])[0]},
            )
            for row in rows
        }
    return set(zip(users[split.train.user], items[split.train.item], strict=True)), stages


@no_deadline
@given(rows=files, target=st.sampled_from(["first", "last"]))
def test_the_split_is_that_of_plain_pandas(load, rows, target):
    train, stages = in_ids(*split_of(load, rows, target))
    frame = pd.DataFrame(rows, columns=["user", "item", "time"])
    frame = frame.groupby(["user", "item"], as_index=False)["time"].min()
    assert train == set(frame[frame.time < 10][["user", "item"]].itertuples(index=False, name=None))
    exists = frame.groupby("item")["time"].min()
    for stage, (begin, end) in SPAN.items():
        ranked = set()
        for user, own in frame.groupby("user"):
            inside = own[(own.time >= begin) & (own.time < end)]
            if not len(inside) or own.time.min() >= begin:
                continue
            ranked.add(user)
            item, history, seen, candidates = stages[stage][user]
            time = inside.time.min() if target == "first" else inside.time.max()
            at_once = set(own[own.time == time].item)
            assert item in at_once
            assert set(history) == set(own[own.time < time].item)
            assert [own.set_index("item").time[each] for each in history] == sorted(own[own.time < time].time)
            assert seen == set(history) | (at_once - {item})
            assert candidates == set(exists[exists <= time].index)
        assert ranked == stages[stage].keys()


@no_deadline
@given(rows=files, target=st.sampled_from(["first", "last", "random"]), data=st.data())
def test_the_order_of_the_rows_changes_nothing(load, rows, target, data):
    shuffled = data.draw(st.permutations(rows))
    one, other = (in_ids(*split_of(load, each, target)) for each in (rows, shuffled))
    assert one == other


@no_deadline
@given(rows=files)
def test_a_random_target_is_any_after_the_cut_and_nothing_of_its_time_is_known(load, rows):
    _, stages = in_ids(*split_of(load, rows, "random"))
    times = pd.DataFrame(rows, columns=["user", "item", "time"]).groupby(["user", "item"])["time"].min()
    for stage, (begin, end) in SPAN.items():
        for user, (item, history, _, _) in stages[stage].items():
            assert begin <= times[user, item] < end
            assert set(history) == {each for each, time in times[user].items() if time < times[user, item]}


@no_deadline
@given(rows=files)
def test_other_items_behind_the_validation_cut_change_nothing_that_training_sees(load, rows):
    renamed = [(user, item if time < 10 else f"{item} again", time) for user, item, time in rows]
    (one, its_split), (other, other_split) = (split_of(load, each) for each in (rows, renamed))
    assert in_ids(one, its_split)[0] == in_ids(other, other_split)[0]
    n_known = one.catalog.n_known_items
    assert set(its_split.train.item) == set(range(1, n_known + 1))
    assert {*one.catalog.item_ids[: n_known + 1]} == {*other.catalog.item_ids[: n_known + 1]}


def days(n):
    return [
        (f"u{user}", f"i{(3 * user + day) % 17}", 1_000_000 * (7 * day + user % 5))
        for user in range(9)
        for day in range(n)
    ]


def test_windows_test_each_interaction_once_at_most_and_their_training_grows(load):
    dataset = load(days(12))
    tested, n_train = [], []
    for window in (1, 2, 3):
        part, split = by_time(dataset, ("0.5", "0.7"), window=window, windows=3)
        held, ids = split.held["test"], part.catalog.item_ids
        tested += [(user, ids[item]) for user, item in zip(held.users, held.target, strict=True)]
        n_train.append(len(split.train.user))
    assert len(set(tested)) == len(tested)
    assert n_train == sorted(set(n_train))


@no_deadline
@given(rows=files, windows=st.integers(1, 4))
def test_windows_are_those_of_plain_pandas(load, rows, windows):
    frame = pd.DataFrame(rows, columns=["user", "item", "time"])
    frame = frame.groupby(["user", "item"], as_index=False)["time"].min()
    ordered = [*frame.time.sort_values(), np.inf]
    dataset, step = load(rows), 0.4 / windows
    for window in range(windows):
        shares = 0.4 + window * step, 0.6 + window * step, 0.6 + (window + 1) * step
        begin, test, end = (ordered[round(share * len(frame))] for share in shares)
        try:
            part, split = by_time(dataset, ("0.4", "0.6"), "last", window + 1, windows)
        except DataError:
            continue  # nobody is left, as one line says
        train, stages = in_ids(part, split)
        assert train == set(frame[frame.time < begin][["user", "item"]].itertuples(index=False, name=None))
        for stage, (since, until) in {"validation": (begin, test), "test": (test, end)}.items():
            known = frame[frame.time < since].user.unique()
            inside = frame[frame.user.isin(known) & (frame.time >= since) & (frame.time < until)]
            last = inside.groupby("user")["time"].max()
            times = frame.set_index(["user", "item"]).time
            assert {user: times[user, item] for user, (item, *_) in stages[stage].items()} == last.to_dict()


def test_dates_cut_where_they_say(load):
    day = 24 * 3600
    times = [0, 1, 400, 401, 402, 800, 801, 802]  # days of 2000 to 2002
    rows = [
        (user, f"{user}{n}" if n % 2 else f"i{n}", 946684800 + (time + k) * day)
        for k, user in enumerate("abc")
        for n, time in enumerate(times)
    ]
    _, split = by_time(load(rows), ("2001-01-01", "2002-01-01"))
    assert split.facts["validation_begins"] == 946684800 + 400 * day
    assert split.facts["test_begins"] == 946684800 + 800 * day
    assert len(split.train.user) == 6


@pytest.mark.parametrize(
    ("time_of", "found"),
    [
        (lambda user, place: 7, "all 24 interactions have the time 7"),
        (lambda user, place: place, "count up by one from the same start: positions"),
        (lambda user, place: 4 * user + place, "count up by one from 0 to 23: numbers of rows"),
        (lambda user, place: 1998 + (user + place) % 3, "the 3 different times are whole years"),
        (lambda user, place: [883612800, 915148800, 946684800][(user + place) % 3], "are whole years"),
    ],
)
def test_times_that_are_none_are_refused_in_one_line_that_says_what_was_found(load, time_of, found):
    rows = [(f"u{user}", f"i{(user + place) % 7}", time_of(user, place)) for user in range(6) for place in range(4)]
    with pytest.raises(DataError, match=found) as raised:
        by_time(load(rows))
    assert "\n" not in str(raised.value)
    assert "--split leave-one-out" in str(raised.value)


DAY, BEGIN = 24 * 3600, 883612800
"""A day in seconds, and 1998."""


def with_times(*times, users=20):
    """Interactions of some users on ten days each, of which the first have these times instead."""
    rows = [
        (f"u{user}", f"i{(user * 3 + k) % 17}", BEGIN + DAY * (user + 3 * k))
        for user in range(users)
        for k in range(10)
    ]
    return [(user, item, time) for (user, item, _), time in zip(rows, times, strict=False)] + rows[len(times) :]


@pytest.mark.parametrize("unit", [1, 1000, 10**9])
@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([0, 0, -1], "3 of 200 times are far from the rest (1998-01-02 to 1998-02-16): 0 (2), -1 (1)"),
        (
            [253402214400 // 30],
            "1 of 200 times are far from the rest (1998-01-02 to 1998-02-16): 8446",
        ),
    ],
)
def test_times_far_from_the_rest_are_counted(load, times, said, unit):
    given = [(user, item, time * (unit if time > 0 else 1)) for user, item, time in with_times(*times)]
    far, good = ([*warned(load(rows))] for rows in (given, [row for row in given if 0 < row[2] < 10**9 * unit]))
    assert any(line.startswith(f"toy: {said}") for line in far)
    assert not any("far from the rest" in line for line in good)


def warned(dataset):
    """What is said of a data set under leave-one-out."""
    return warnings(dataset, leave_one_out(dataset, "file"), "file", "toy")


def test_a_year_9999_does_not_change_the_unit_in_which_dates_cut(load):
    dataset = load(with_times(253402214400))
    _, split = by_time(dataset, ("1998-01-20", "1998-02-01"))
    assert split.facts["test_begins"] == BEGIN + 31 * DAY


@pytest.mark.parametrize("times", [[0] * 80 + [-1] * 81, [BEGIN * 9] * 30])
def test_a_cut_among_times_that_are_none_is_refused(load, times):
    with pytest.raises(
        DataError, match=r"cut 0\.8,0\.9 is decided by times that are none, .*: \d+ of \d+ times"
    ) as raised:
        by_time(load(with_times(*times)))
    assert "leave these interactions out" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_few_missing_times_are_no_reason_to_refuse_a_cut(load):
    _, split = by_time(load(with_times(0, -1)))
    assert len(split.held["test"].users)


@pytest.mark.parametrize(("time_of", "works"), [(lambda place: 7, " --ties file"), (lambda place: place, "")])
def test_a_refusal_names_only_a_split_that_ranks_somebody(load, time_of, works):
    dataset = load([(f"u{user}", f"i{place}", time_of(place)) for user in range(6) for place in range(4)])
    with pytest.raises(DataError, match=f"; use --split leave-one-out{works}$"):
        by_time(dataset)
    assert orders(dataset) == (["file"] if works else ["file", "random", "exclude"])
    for ties in orders(dataset):
        assert len(leave_one_out(dataset, ties).held["test"].users) == 6


def test_where_each_user_has_one_time_no_cut_is_named(load):
    rows = [
        (f"u{user}", f"i{(user + place) % 7}", 10**9 + 90 * user**2) for user in range(20) for place in range(4)
    ]
    dataset = load(rows)
    with pytest.raises(
        DataError, match=r"nobody has .*, as validation needs; use --split leave-one-out --ties file$"
    ):
        by_time(dataset)
    assert in_brief(dataset).startswith("no: nobody has interactions before")
    assert not any(
        "--split time" in line for line in warnings(dataset, leave_one_out(dataset, "file"), "file", "a")
    )
    twice = load([*rows, ("u0", "x", 10**9 + 1), ("u1", "x", 10**9 + 999)])
    with pytest.raises(DataError, match=r"; choose another run\.cut, or use --split leave-one-out --ties file$"):
        by_time(twice)
    dates = ("2001-09-09T01:46:41", "2001-09-09T02:03:19")  # the seconds of both
    assert by_time(twice, dates)[1].held["test"].users.tolist() == [2]


def test_times_beyond_every_date_are_no_dates(load):
    rows = [(f"u{user}", f"i{(user + place) % 7}", 1e30 * (1 + place)) for user in range(6) for place in range(4)]
    with pytest.raises(DataError, match=r"leaves nothing to train on.* test at 4e\+30, "):
        by_time(load(rows))


def test_cuts_that_leave_nothing_and_users_without_history_end_in_one_line(load):
    rows = days(6)
    left = r"leaves nothing to train on, to validate or to test \(.*\); "
    with pytest.raises(DataError, match=left + "choose another run.cut, or use --split leave-one-out$"):
        by_time(load(rows), ("2030-01-01", "2031-01-01"))
    one_time_each = [
        (f"u{user}", f"i{user % 3}{place}", 10**9 + user // 9) for user in range(9) for place in range(3)
    ]
    with pytest.raises(DataError, match=left + "use --split leave-one-out --ties file$"):
        by_time(load([*one_time_each, ("u9", "i00", 10**9 + 9)]), ("2030-01-01", "2031-01-01"))
    newcomers = [(f"n{number}", f"i{number % 5}", 10**9 + number // 3) for number in range(60)]
    with pytest.raises(DataError, match="nobody has interactions before"):
        by_time(load([*rows[:3], *newcomers]), ("0.4", "0.7"))


def test_the_facts_say_who_is_left_out_what_is_new_and_how_many_candidates_there_are(load):
    rows = [
        ("a", "u", 10),
        ("a", "v", 11),
        ("a", "w", 40),
        ("b", "u", 12),
        ("b", "v", 20),
        ("b", "w", 40),
        ("b", "u2", 40),
    ]
    rows += [("c", "v", 13), ("c", "u", 21), ("new", "z", 41), ("new", "u", 42), ("new", "v", 43)]
    dataset, split = by_time(load(rows), ("0.34", "0.5"))
    assert dataset.catalog.item_ids == ("", "u", "v", "w", "u2", "z")
    facts = split.facts
    assert (facts["validation_begins"], facts["test_begins"]) == (20, 40)
    assert facts["users_without_history"] == 1
    assert facts["users_drawn"] == 1
    assert facts["targets_new"] == 2
    assert facts["items_new"] == 3
    assert (facts["least_candidates"], facts["most_candidates"]) == (4, 4)
    assert split.history_length.tolist() == [2, 2]


def test_a_data_set_says_whether_it_can_be_split_by_time_and_leave_one_out_that_it_leaks(load):
    dataset = load(days(12))
    assert in_brief(dataset).startswith(
        "yes: 9 tested users behind the cut 0.8,0.9, 0 of them (0.0%) on items that are new"
    )
    positions = load([(f"u{user}", f"i{place}", place) for user in range(6) for place in range(4)])
    assert in_brief(positions).startswith("no: the times of 6 of 6 users count up by one")
    (line,) = warnings(dataset, leave_one_out(dataset), "random", "toy")
    assert "leave-one-out trains on interactions that are later" in line
    assert "--split time" in line
    assert not list(warnings(*by_time(dataset), "random", "toy"))
    at_once = by_time(load([(user, item, time // 10**7 * 10**7) for user, item, time in days(12)]))
    (line,) = warnings(*at_once, "random", "toy (window 1 of 2)")
    assert line.startswith("toy (window 1 of 2): the test items of 6 of 9 users (66.7%) are one of several")


@no_deadline
@given(rows=files, target=st.sampled_from(["first", "last"]))
def test_with_a_refit_all_before_the_test_cut_trains_and_nothing_else_changes(load, rows, target):
    cut = cut_at(rows)
    assume(0 < float(cut[0]) < float(cut[1]) < 1)
    dataset, split = by_time(load(rows), cut, target, refit=True)
    plain, plain_split = by_time(load(rows), cut, target)
    (train, stages), (before, plain_stages) = in_ids(dataset, split), in_ids(plain, plain_split)
    assert stages == plain_stages
    frame = pd.DataFrame(rows, columns=["user", "item", "time"])
    frame = frame.groupby(["user", "item"], as_index=False)["time"].min()
    assert train == set(frame[frame.time < 14][["user", "item"]].itertuples(index=False, name=None))
    assert split.choosing.n_new_items == plain.catalog.n_new_items
    items = np.array(dataset.catalog.item_ids)
    users = np.array(dataset.catalog.user_ids)[split.choosing.train.user]
    assert set(zip(users, items[split.choosing.train.item], strict=True)) == before
    for part, n_new in (
        (split.train, dataset.catalog.n_new_items),
        (split.choosing.train, plain.catalog.n_new_items),
    ):
        assert set(part.item) == set(range(1, len(items) - n_new))


def folds_of_rectools(frame, size):
    """Yield begin, training and test of two folds by the rule of RecTools' TimeRangeSplitter, without new users."""
    latest = frame.when.max()
    end = latest.ceil("D") + pd.Timedelta(int(latest.ceil("D") == latest), unit="D")
    for begin in (end - 2 * size, end - size):
        train, test = frame[frame.when < begin], frame[(frame.when >= begin) & (frame.when < begin + size)]
        yield begin, train, test[test.user.isin(train.user)]


def test_at_the_dates_of_rectools_parts_and_users_are_those_of_its_folds(load):
    rows = [*days(12), ("new", "i0", 81_000_000), ("new", "i1", 81_000_001)]
    frame = pd.DataFrame(rows, columns=["user", "item", "time"])
    frame["when"] = pd.to_datetime(frame.time, unit="s")
    folds = list(folds_of_rectools(frame, pd.Timedelta(150, unit="D")))
    dataset, split = by_time(load(rows), [begin.isoformat() for begin, *_ in folds], refit=True)
    _, stages = in_ids(dataset, split)
    users, items = np.array(dataset.catalog.user_ids), np.array(dataset.catalog.item_ids)
    for train, (_, theirs, _) in zip((split.choosing.train, split.train), folds, strict=True):
        ours = set(zip(users[train.user], items[train.item], strict=True))
        assert ours == set(theirs[["user", "item"]].itertuples(index=False, name=None))
    for stage, (_, _, test) in zip(stages, folds, strict=True):
        earliest = test.loc[test.groupby("user")["time"].idxmin()].set_index("user")["item"].to_dict()
        assert {user: item for user, (item, *_) in stages[stage].items()} == earliest
        assert "new" not in earliest
