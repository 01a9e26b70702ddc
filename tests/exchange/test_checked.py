"""Lists and ranks are turned into ranks by hand here, for users with 9 candidates."""

import numpy as np
import pandas as pd
import pytest

from corecbench.api import DataError
from corecbench.exchange.checked import check_lists, check_ranks

USERS = [f"u{user}" for user in range(60)]


@pytest.fixture
def lists(candidates):
    """Make lists of all users, alike but for their items: `lists([None, 0, None], [3, 2, 1])`.

    0 stands for the held-out item, and None for another candidate.
    """

    def make(places, scores=None, **columns):
        rows = []
        for user in USERS:
            target, *others = candidates(user)
            for place, item in enumerate(places, start=1):
                rows.append((user, target if item == 0 else others.pop(0), place))
        frame = pd.DataFrame(rows, columns=["user_id", "item_id", "rank"])
        if scores is not None:
            frame = frame.drop(columns="rank").assign(score=np.tile(np.array(scores, float), len(USERS)))
        return frame.assign(**columns)

    return make


def ranks_of(table, held_out, **options):
    """Return the best and the worst rank that all users have, and the depth of the lists."""
    checked = check_lists(table, held_out, **{"candidates": "all", **options})
    (best,), (worst,) = set(checked.best.tolist()), set(checked.ranks.rank.tolist())
    return best, worst, checked.list_depth


@pytest.mark.parametrize(
    ("places", "scores", "expected"),
    [
        ([None, 0, None], [3, 2, 1], (2, 2, 3)),  # the second of three
        ([None, 0, None], None, (2, 2, 3)),  # places alone say the same
        ([0, None, None], [3, 3, 1], (2, 2, 3)),  # a tie counts against the model
        ([None, None, None], [3, 2, 1], (4, 9, 3)),  # on no list: somewhere beyond the third place
        ([None, 0], [2, 1], (2, 2, 2)),  # the last one, in a file without ties
        (
            [None, None, 0],
            [2, 2, 1],
            (3, 9, 3),
        ),  # the last one, in a file with ties: there may be one beyond the list
        ([None, 0, None], [3, 1, 1], (3, 9, 3)),  # the list ends within a tie: others may have the same score
        ([0] + [None] * 8, [1] * 9, (9, 9, 100)),  # all candidates are listed, so the tie ends here
        ([None] * 8, range(8, 0, -1), (9, 9, 8)),  # only one place is left
    ],
)
def test_the_rank_of_the_held_out_item_lies_between_two_bounds(lists, held_out, places, scores, expected):
    assert ranks_of(lists(places, scores), held_out) == expected


def test_lines_may_stand_in_any_order(lists, held_out):
    table = lists([None, 0, None], [3, 2, 1]).sample(frac=1, random_state=0)
    assert ranks_of(table, held_out) == (2, 2, 3)


def test_the_best_items_are_kept_in_order(lists, held_out):
    table = lists([None, 0, None], [1, 2, 3])
    checked = check_lists(table, held_out, candidates="all")
    first = table[table["user_id"] == "u0"].sort_values("score", ascending=False)["item_id"].tolist()
    row = int(held_out.rows(np.array(["u0"], dtype=object))[0])
    assert [held_out.catalog.item_ids[item] for item in checked.ranks.top_items[row]] == first
    assert checked.ranks.top_scores[row].tolist() == [3, 2, 1]


def test_seen_items_are_refused_and_can_be_left_out(lists, held_out):
    table = lists([None, 0], [2, 1])
    seen = pd.DataFrame({"user_id": USERS, "item_id": [f"i{3 * user % 20}" for user in range(60)], "score": 9.0})
    with pytest.raises(DataError, match="60 items were seen by their user before, such as 'i0' by 'u0'"):
        check_lists(pd.concat([table, seen]), held_out)
    assert ranks_of(pd.concat([table, seen]), held_out, leave_out_seen=True) == (2, 2, 2)


def test_a_missing_user_is_refused_and_can_count_as_missed(lists, held_out):
    table = lists([0], [1])
    with pytest.raises(DataError, match="1 of 60 tested users have no list, such as 'u3'"):
        check_lists(table[table["user_id"] != "u3"], held_out)
    checked = check_lists(table[table["user_id"] != "u3"], held_out, missing_last=True, candidates="all")
    row = int(held_out.rows(np.array(["u3"], dtype=object))[0])
    assert (checked.best[row], checked.ranks.rank[row], checked.counts) == (9, 9, {"missing_last": 1})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user_id": "nobody"}, "1 users are not in data set 'toy', such as 'nobody'"),
        ({"item_id": "i99"}, "1 items are not in data set 'toy', such as 'i99'"),
        ({"item_id": ""}, "1 items are not in data set 'toy', such as ''"),
    ],
)
def test_what_is_not_in_the_data_set_is_refused(lists, held_out, change, message):
    with pytest.raises(DataError, match=message):
        check_lists(lists([None, 0], [2, 1]).assign(**change), held_out)


def test_an_item_that_is_twice_on_a_list_is_refused(lists, held_out):
    table = lists([None, 0], [2, 1])
    with pytest.raises(DataError, match="is twice on the list of user 'u0'"):
        check_lists(pd.concat([table, table.head(1)]), held_out)


@pytest.mark.parametrize("places", [[1, 3], [2, 3], [1, 1]])
def test_places_count_up_by_one(lists, held_out, places):
    table = lists([None, 0]).assign(rank=np.tile(places, len(USERS)))
    with pytest.raises(DataError, match="the places of user 'u0' do not count up by one from 0 or 1"):
        check_lists(table, held_out)


def test_places_from_0_are_as_good(lists, held_out):
    table = lists([None, 0])
    assert ranks_of(table.assign(rank=table["rank"] - 1), held_out) == (2, 2, 2)


def test_places_that_contradict_the_scores_are_refused(lists, held_out):
    table = lists([None, 0]).assign(score=np.tile([1.0, 2.0], len(USERS)))
    with pytest.raises(DataError, match="user 'u0' has a higher score at place 2 than before"):
        check_lists(table, held_out)


# --- ranks --------------------------------------------------------------------------------------------------------


def table_of(rank=2, **columns):
    return pd.DataFrame({"user_id": USERS, "rank": np.full(60, rank)}).assign(**columns)


def test_ranks_are_taken_as_they_are(held_out):
    ranks = np.arange(60) % 9 + 1
    shuffled = table_of(ranks).sample(frac=1, random_state=0)
    checked = check_ranks(shuffled, held_out)
    by_user = dict(zip(held_out.users, checked.ranks.rank, strict=True))
    assert [by_user[held_out.catalog.user_ids.index(user)] for user in USERS] == ranks.tolist()
    assert checked.is_known.all()


def test_numbers_of_candidates_and_targets_that_are_ours_are_accepted(held_out, candidates):
    targets = [candidates(user)[0] for user in USERS]
    assert check_ranks(table_of(n_candidates=9, target_item_id=targets), held_out).is_known.all()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (table_of(0), "rank 0 of user 'u0' is not from 1 to 9"),
        (table_of(10), "rank 10 of user 'u0' is not from 1 to 9"),
        (table_of(n_candidates=20), "n_candidates of user 'u0' is 20, in this split it is 9"),
        (table_of(target_item_id="i0"), "target_item_id of user 'u0' is i0, in this split it is i11"),
        (table_of().iloc[1:], "1 of 60 tested users have no rank, such as 'u0'"),
        (pd.concat([table_of(), table_of().tail(1)]), "user 'u59' is there twice"),
    ],
)
def test_ranks_that_do_not_fit_the_split_are_refused(held_out, table, message):
    with pytest.raises(DataError, match=message):
        check_ranks(table, held_out)


def test_lists_that_look_like_sampled_candidates_are_refused_until_it_is_said_what_was_ranked(lists, held_out):
    table = lists([None, 0, None, None], [4, 3, 2, 1])
    with pytest.raises(DataError, match=r"on 60 of 60 lists, .* at most 4 of 9 .* --candidates sampled"):
        check_lists(table, held_out)
    found = check_lists(table, held_out, candidates="sampled")
    assert set(found.ranks.n_candidates.tolist()) == {4}
    assert set(found.ranks.rank.tolist()) == {2}
    assert set(check_lists(table, held_out, candidates="all").ranks.n_candidates.tolist()) == {9}


def test_lists_of_all_candidates_and_lists_that_miss_some_items_are_full_rankings(lists, held_out):
    whole = lists([None, 0] + [None] * 7, range(9, 0, -1))
    table = lists([0, None], [2, 1])
    misses = table.drop(index=[0, 2, 4, 6])
    for each in (whole, misses):
        assert (check_lists(each, held_out).ranks.n_candidates == 9).all()


@pytest.mark.parametrize("exception", ["a list that misses", "a user without a list", "a list of all items"])
def test_a_single_other_list_does_not_make_sampled_ones_a_full_ranking(lists, held_out, exception):
    table = lists([0, None], [2, 1])
    if exception == "a list of all items":
        whole = lists([None, 0] + [None] * 7, range(9, 0, -1))
        table = pd.concat([whole[whole["user_id"] == "u0"], table[table["user_id"] != "u0"]])
    else:
        table = table.drop(index=[0] if exception == "a list that misses" else [0, 1])
    with pytest.raises(DataError, match=r"on 59 of (59|60) lists, .* say --candidates sampled"):
        check_lists(table, held_out, missing_last=True)


def test_ranks_that_look_like_those_among_sampled_items_are_refused_until_it_is_said_what_was_ranked(held_out):
    with pytest.raises(DataError, match=r"no rank is beyond 2 of 9 candidates, .* say --candidates sampled"):
        check_ranks(table_of(2), held_out)
    assert set(check_ranks(table_of(2), held_out, "all").ranks.n_candidates.tolist()) == {9}
    with pytest.raises(DataError, match="ranks among sampled items need a column n_candidates"):
        check_ranks(table_of(2), held_out, "sampled")
    found = check_ranks(table_of(2, n_candidates=4), held_out, "sampled")
    assert set(found.ranks.n_candidates.tolist()) == {4}


def test_sampled_lists_must_hold_the_held_out_item(lists, held_out):
    with pytest.raises(DataError, match="60 of 60 lists lack the held-out item"):
        check_lists(lists([None, None], [2, 1]), held_out, candidates="sampled")
