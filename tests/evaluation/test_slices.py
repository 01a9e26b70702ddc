from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corecbench.evaluation.slices import (
    SLICINGS,
    by_flag,
    by_frequency_bins,
    by_history_length,
    by_target_frequency,
    by_word_overlap,
    quintiles,
)

counts = st.lists(st.integers(1, 12) | st.integers(1, 500), min_size=1, max_size=80).map(np.array)
both = pytest.mark.parametrize("slicing", [by_history_length, by_target_frequency])


def test_users_with_different_counts_are_cut_into_fifths():
    slices = by_history_length(np.array([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]))
    assert slices.labels == ("1-2", "3-4", "5-6", "7-8", "9-10")
    assert slices.of_user.tolist() == [4, 4, 3, 3, 2, 2, 1, 1, 0, 0]


def test_a_group_of_equal_counts_goes_where_its_middle_falls():
    # of 20 users 9 have 3: borders at 4, 8, 12 and 16 users. 3: users 0-9, middle 4.5, the second fifth;
    # 4: users 9-14, middle 11.5, the third; 5 to 8: middles 14.5, 15.5, 16.5, 17.5; 9: 18.5; 30: 19.5
    count = np.array([3] * 9 + [4] * 5 + [5, 6, 7, 8, 9, 30])
    assert quintiles(count).tolist() == [1] * 9 + [2] * 5 + [3] * 2 + [4] * 4
    assert by_history_length(count).labels == ("3", "4", "5-6", "7-30")


def test_a_border_in_the_middle_of_a_group_moves_to_its_lower_end():
    # of 10 users the second and third share a count: the border at 2 is as near to 1 as to 3
    assert quintiles(np.array([1, 2, 2, 3, 4, 5, 6, 7, 8, 9])).tolist() == [0, 1, 1, 1, 2, 2, 3, 3, 4, 4]


@both
def test_users_who_all_have_the_same_count_are_one_slice(slicing):
    slices = slicing(np.full(9, 3))
    assert (slices.labels, slices.of_user.tolist()) == (("3",), [0] * 9)


@both
def test_fewer_users_than_fifths_are_a_slice_each(slicing):
    assert slicing(np.array([7, 5])).labels == ("5", "7")


@both
def test_no_users_have_no_slices(slicing):
    slices = slicing(np.array([], dtype=np.int64))
    assert (slices.labels, slices.of_user.tolist()) == ((), [])


def test_items_never_in_training_are_a_slice_beside_the_fifths():
    slices = by_target_frequency(np.array([0] * 90 + [5, 4, 3, 2, 1]))
    assert slices.labels == ("0 (never in training)", "1", "2", "3", "4", "5")
    assert slices.of_user.tolist() == [0] * 90 + [5, 4, 3, 2, 1]


def test_there_is_no_such_slice_where_every_item_is_in_training():
    assert by_target_frequency(np.array([1, 2])).labels == ("1", "2")


def test_items_never_in_training_can_be_all_there_are():
    assert by_target_frequency(np.array([0, 0])).labels == ("0 (never in training)",)


def test_bins_of_frequency_are_the_same_on_all_data():
    slices = by_frequency_bins(np.array([0, 1, 3, 4, 9, 10, 999]))
    assert slices.labels == ("0 (never in training)", "1-3", "4-9", "10 or more")
    assert slices.of_user.tolist() == [0, 1, 1, 2, 2, 3, 3]


def test_bins_without_users_are_left_out():
    slices = by_frequency_bins(np.array([500, 2]))
    assert (slices.labels, slices.of_user.tolist()) == (("1-3", "10 or more"), [1, 0])


def test_word_overlap_begins_above_0_and_is_large_from_a_fifth():
    similarity = np.array([0, 1e-30, 0.19999, 0.2, 1], dtype=np.float32)
    assert by_word_overlap(similarity).of_user.tolist() == [0, 1, 1, 2, 2]


def test_a_flag_that_is_the_same_for_all_is_one_slice():
    assert by_flag("warm", "cold")(np.array([True, True])).labels == ("cold",)


@pytest.mark.parametrize("slicing", [function for _, function in SLICINGS.values()], ids=list(SLICINGS))
def test_every_slicing_takes_no_users(slicing):
    assert slicing(np.array([], dtype=np.int64)).labels == ()


# --- properties ---------------------------------------------------------------------------------------------------


@both
@given(count=counts, zeros=st.integers(0, 9))
def test_every_user_is_in_one_slice_and_no_slice_is_empty(slicing, count, zeros):
    count = np.concatenate([count, np.zeros(zeros, dtype=np.int64)])
    slices = slicing(count)
    assert len(slices.of_user) == len(count)
    assert set(slices.of_user.tolist()) == set(range(len(slices.labels)))
    assert 1 <= len(slices.labels) <= 6


@both
@given(count=counts)
def test_slices_are_in_order_and_share_no_count(slicing, count):
    slices = slicing(count)
    ranges = [
        (count[slices.of_user == i].min(), count[slices.of_user == i].max()) for i in range(len(slices.labels))
    ]
    assert all(high < low for (_, high), (low, _) in pairwise(ranges))
    assert slices.labels == tuple(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


@both
@given(count=counts, data=st.data())
def test_a_slice_does_not_depend_on_the_order_of_the_users(slicing, count, data):
    order = np.array(data.draw(st.permutations(range(len(count)))))
    assert slicing(count[order]).of_user.tolist() == slicing(count).of_user[order].tolist()


@given(count=st.sets(st.integers(1, 999), min_size=1, max_size=80).map(list).map(np.array))
def test_without_equal_counts_slices_differ_by_one_user_at_most(count):
    sizes = np.bincount(quintiles(count), minlength=5)
    assert sizes.max() - sizes.min() <= 1


@given(count=counts)
@example(count=np.array([1, 2, 2, 3, 4, 5, 6, 7, 8, 9]))
def test_each_border_is_the_possible_one_nearest_to_its_fifth(count):
    number = quintiles(count)
    possible = [int((count < value).sum()) for value in np.unique(count)] + [len(count)]
    for fifth in range(1, 5):
        wanted = Fraction(fifth * len(count), 5)
        border = int((number < fifth).sum())
        assert border == min(possible, key=lambda end, wanted=wanted: abs(end - wanted))
