from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from corecbench.api import DataError, PluginError, UsageError
from corecbench.data.dataset import load_dataset

# Bob is first in the file; his rows are not in time order, and x comes twice. Ann's last two rows tie.
ROWS = [
    ("bob", "y", 30),
    ("ann", "x", 1),
    ("bob", "x", 20),
    ("ann", "z", 5),
    ("bob", "z", 10),
    ("ann", "y", 5),
    ("bob", "x", 40),
    ("cid", "z", 7),
]


def source(interactions: dict, items: dict | None = None) -> SimpleNamespace:
    items = items or {"item_id": ["x"], "title": ["X"]}
    return SimpleNamespace(interactions=lambda: pd.DataFrame(interactions), items=lambda: pd.DataFrame(items))


def three(**replaced) -> dict:
    return {"user_id": ["a"] * 3, "item_id": ["x", "y", "z"], "timestamp": [1, 2, 3], **replaced}


def told(dataset) -> list[tuple[str, str]]:
    """The interactions in order, as ids."""
    catalog = dataset.catalog
    return [
        (catalog.user_ids[user], catalog.item_ids[item])
        for user, item in zip(dataset.user, dataset.item, strict=True)
    ]


def test_users_and_items_are_numbered_by_their_first_row_in_the_file(load):
    catalog = load(ROWS).catalog
    assert catalog.user_ids == ("", "bob", "ann", "cid")
    assert catalog.item_ids == ("", "y", "x", "z")
    assert catalog.item_texts == ("", "text of y", "text of x", "text of z")
    assert (catalog.name, catalog.n_users, catalog.n_items) == ("toy", 3, 3)


def test_rows_are_sorted_by_user_then_time_then_order_in_the_file(load):
    dataset = load(ROWS)
    assert dataset.user.tolist() == [1, 1, 1, 2, 2, 2, 3]
    assert dataset.item.tolist() == [3, 2, 1, 2, 3, 1, 3]
    assert dataset.timestamp.tolist() == [10, 20, 30, 1, 5, 5, 7]
    assert {dataset.user.dtype, dataset.item.dtype, dataset.timestamp.dtype} == {np.dtype(np.int64)}


def test_facts_are_counted(load):
    assert load(ROWS, texts={"x": "X", "y": "", "w": "never used"}).facts == {
        "n_users": 3,
        "n_items": 3,
        "n_interactions": 7,
        "sparsity": 1 - 7 / 9,
        "repeated_pairs": 1,
        "items_without_text": 2,
        "users_too_short": 1,
        "users_last_two_tie": 1,
        "items_never_used": 1,
        "k_core": 0,
        "removed_users": 0,
        "removed_items": 0,
        "removed_interactions": 0,
    }


def test_a_tie_of_a_user_who_is_not_tested_is_not_counted(load):
    assert load([*ROWS, ("dan", "x", 1), ("dan", "y", 1)]).facts["users_last_two_tie"] == 1


@pytest.mark.parametrize(
    ("repeats", "bob"), [("first", ["z", "x", "y"]), ("last", ["z", "y", "x"]), ("all", ["z", "x", "y", "x"])]
)
def test_of_a_repeated_pair_the_chosen_interactions_stay(load, repeats, bob):
    dataset = load(ROWS, repeats=repeats)
    assert [item for user, item in told(dataset) if user == "bob"] == bob
    assert dataset.facts["repeated_pairs"] == 1


def test_first_means_first_in_time_even_where_the_file_has_it_later(load):
    dataset = load([("a", "x", 9), ("a", "y", 2), ("a", "x", 1), ("a", "z", 3)])
    assert told(dataset) == [("a", "x"), ("a", "y"), ("a", "z")]


def test_seconds_that_float32_would_lose_decide_the_order(load):
    dataset = load([("a", "z", 881250949), ("a", "y", 881250948), ("a", "x", 881250947)])
    assert [item for _, item in told(dataset)] == ["x", "y", "z"]
    assert np.float32(881250949) == np.float32(881250947)


def test_fractions_of_a_second_are_kept(load):
    dataset = load([("a", "z", 881250949.75), ("a", "y", 881250949.5), ("a", "x", 881250949.25)])
    assert [item for _, item in told(dataset)] == ["x", "y", "z"]
    assert dataset.timestamp.dtype == np.float64


def test_the_fingerprint_is_that_of_ids_texts_and_order(load):
    fingerprint = load(ROWS).fingerprint
    assert len(fingerprint) == 64
    assert load([(user, item, 10.0 * time) for user, item, time in ROWS]).fingerprint == fingerprint
    assert load(ROWS, texts={"x": "X"}).fingerprint != fingerprint
    assert load(ROWS, repeats="all").fingerprint != fingerprint
    assert load([(user.upper(), item, time) for user, item, time in ROWS]).fingerprint != fingerprint
    assert load([(user, item, -time) for user, item, time in ROWS]).fingerprint != fingerprint


def test_the_fingerprint_does_not_depend_on_how_pandas_stores_text():
    as_object = three(user_id=pd.Series(["a"] * 3, dtype=object), item_id=pd.Series(list("xyz"), dtype=object))
    plain = load_dataset("toy", source(three()))
    assert load_dataset("toy", source(as_object)).fingerprint == plain.fingerprint
    assert {type(text) for text in plain.catalog.user_ids + plain.catalog.item_ids} == {str}


def test_what_the_source_gave_is_left_as_it_was():
    rows, items = pd.DataFrame(three(timestamp=[3, 2, 1])), pd.DataFrame({"item_id": ["x"], "title": ["X"]})
    before = rows.copy(), items.copy()
    load_dataset("toy", SimpleNamespace(interactions=lambda: rows, items=lambda: items))
    pd.testing.assert_frame_equal(rows, before[0])
    pd.testing.assert_frame_equal(items, before[1])


def test_an_unknown_way_with_repeats_is_an_error(load):
    with pytest.raises(UsageError, match=r"^unknown repeats 'none'; have: first, last, all$"):
        load(ROWS, repeats="none")


@pytest.mark.parametrize(("repeats", "most"), [("first", 2), ("last", 2)])
def test_nobody_with_three_interactions_once_repeats_are_left_out_is_an_error(load, repeats, most):
    rows = [("a", "x", 1), ("a", "y", 2), ("a", "x", 3)]
    with pytest.raises(DataError) as error:
        load(rows, repeats=repeats)
    assert str(error.value) == (
        f"data set 'toy': no user has 3 interactions (most: {most}; repeated pairs: {repeats}), "
        "at least one is needed to train, validate and test"
    )
    assert load(rows, repeats="all").facts["n_interactions"] == 3


def test_no_interactions_at_all_is_an_error(load):
    with pytest.raises(DataError, match=r"no user has 3 interactions \(most: 0;"):
        load_dataset("toy", source({"user_id": [], "item_id": [], "timestamp": np.array([], dtype=np.int64)}))


@pytest.mark.parametrize(
    ("rows", "items", "message"),
    [
        (
            {"user_id": ["a"], "timestamp": [1]},
            None,
            "interactions() has no column item_id; have: user_id, timestamp",
        ),
        ({"user_id": ["a"], "item_id": ["x"]}, None, "interactions() gives nothing as timestamp"),
        (three(user_id=[7, 7, 7]), None, "interactions() gives integer as user_id, only str is allowed"),
        (
            three(item_id=["x", None, "y"]),
            None,
            "interactions() gives missing value as item_id, only str is allowed",
        ),
        (three(timestamp=np.float32([1, 2, 3])), None, "gives float32 as timestamp; allowed: int64, float64"),
        (three(), {"item_id": ["x"], "title": [None]}, "items() gives missing value as title, only str is allowed"),
    ],
)
def test_a_source_that_breaks_the_contract_is_named(rows, items, message):
    with pytest.raises(PluginError) as error:
        load_dataset("toy", source(rows, items))
    assert str(error.value).startswith("data set 'toy': ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("rows", "items", "message"),
    [
        (three(timestamp=[1, np.nan, 3]), None, "timestamp nan in row 1, a finite number is needed"),
        (three(timestamp=[1, 2, -np.inf]), None, "timestamp -inf in row 2, a finite number is needed"),
        (three(), {"item_id": ["x", "x"], "title": ["X", "Y"]}, "items() lists 'x' twice, an item is allowed once"),
    ],
)
def test_data_that_cannot_be_used_is_named(rows, items, message):
    with pytest.raises(DataError) as error:
        load_dataset("toy", source(rows, items))
    assert str(error.value) == f"data set 'toy': {message}"


# --- k-core -------------------------------------------------------------------------------------------------------

# Everybody here has two interactions or more with items that have two or more, but for what hangs on eve: she has
# one, so item e is left with one (dan's), so dan is left with one, so item d is left with two (ann's and bob's).
CORE = [("ann", item, time) for time, item in enumerate("xyd")] + [
    ("bob", item, time) for time, item in enumerate("yxd")
]
CHAIN = [("eve", "e", 0), ("dan", "d", 0), ("dan", "e", 1)]


def test_k_core_takes_away_until_every_user_and_item_has_enough(load):
    dataset = load(CHAIN + CORE, k_core=2)
    assert told(dataset) == [(user, item) for user, item, _ in CORE]
    facts = ("k_core", "removed_users", "removed_items", "removed_interactions", "n_users", "n_items")
    assert [dataset.facts[name] for name in facts] == [2, 2, 1, 3, 2, 3]


def test_a_k_core_is_what_the_filtered_file_would_give(load):
    filtered, whole = load(CORE), load(CHAIN + CORE, texts={item: f"text of {item}" for item in "xyde"}, k_core=2)
    assert whole.fingerprint == filtered.fingerprint
    assert whole.catalog == filtered.catalog
    assert whole.timestamp.tolist() == filtered.timestamp.tolist()


@pytest.mark.parametrize("k_core", [0, 1, 2])
def test_a_k_core_of_what_has_enough_changes_nothing(load, k_core):
    dataset = load(CORE, k_core=k_core)
    assert dataset.fingerprint == load(CORE).fingerprint
    assert [dataset.facts[f"removed_{what}"] for what in ("users", "items", "interactions")] == [0, 0, 0]


def test_repeated_pairs_are_counted_once_in_a_k_core(load):
    twice = [("eve", "x", 5), ("eve", "x", 6)]
    assert load(CORE + twice, k_core=2).catalog.user_ids == ("", "ann", "bob")
    assert load(CORE + twice, k_core=2, repeats="all").catalog.user_ids == ("", "ann", "bob", "eve")


def test_an_item_that_a_k_core_takes_away_was_used(load):
    assert load(CHAIN + CORE, k_core=2, texts={"e": "E", "w": "never used"}).facts["items_never_used"] == 1


@pytest.mark.parametrize(("of_source", "of_run", "used"), [(2, 0, 2), (0, 2, 2), (2, 1, 2), (1, 2, 2)])
def test_of_the_k_core_of_source_and_run_the_larger_counts(of_source, of_run, used):
    columns = dict(
        zip(("user_id", "item_id", "timestamp"), map(list, zip(*(CHAIN + CORE), strict=True)), strict=True)
    )
    given = SimpleNamespace(**vars(source(columns)), k_core=of_source)
    dataset = load_dataset("toy", given, k_core=of_run)
    assert (dataset.facts["k_core"], dataset.facts["removed_users"]) == (used, 2)


def test_a_k_core_that_leaves_nobody_is_an_error(load):
    with pytest.raises(DataError) as error:
        load(CORE, k_core=3)
    assert str(error.value) == (
        "data set 'toy': no user has 3 interactions (most: 0; repeated pairs: first; k_core: 3), "
        "at least one is needed to train, validate and test"
    )


def test_a_k_core_below_0_is_an_error(load):
    with pytest.raises(UsageError, match=r"^k_core is -1, must be at least 0$"):
        load(CORE, k_core=-1)


def test_texts_of_users_are_read_where_a_source_has_some(load):
    without = source(three(), {"item_id": ["x"], "title": ["X"]})
    alone = load_dataset("toy", without)
    assert alone.catalog.user_texts == ()
    without.users = lambda: pd.DataFrame({"user_id": ["b", "a"], "text": ["nobody", "likes tea"]})
    told = load_dataset("toy", without)
    assert told.catalog.user_texts == ("", "likes tea")
    assert told.fingerprint != alone.fingerprint
    without.users = lambda: pd.DataFrame({"user_id": ["a", "a"], "text": ["tea", "no tea"]})
    with pytest.raises(DataError, match=r"users\(\) lists 'a' twice, a user is allowed once"):
        load_dataset("toy", without)
