"""Numbering and ordering in linear time gives what general hashing and sorting give."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corecbench.data import numbering
from corecbench.data.numbering import as_integers, in_time_order, numbered, repeats_of, stable_order

no_deadline = settings(deadline=None)  # a busy machine is no failure
numbers = st.lists(st.integers(0, 40), min_size=1, max_size=60).map(lambda values: np.array(values, dtype=np.int64))
texts = st.lists(st.sampled_from(["0", "1", "7", "07", "10", "-1", "+1", "é", "9" * 19, " 1"]), min_size=1)


def test_the_examples_hold():
    assert doctest.testmod(numbering).failed == 0


@no_deadline
@given(st.one_of(texts, numbers.map(lambda values: [str(value) for value in values])))
def test_ids_are_numbered_by_their_first_appearance(ids):
    number, names = numbered(pd.Series(ids, dtype=str))
    codes, unique = pd.factorize(np.array(ids, dtype=object))
    assert number.tolist() == (codes + 1).tolist()
    assert names == ("", *unique)
    assert number.dtype == np.int64
    assert all(type(name) is str for name in names)


@pytest.mark.parametrize(
    "ids", [["1", "01"], ["-1", "1"], ["-0", "0"], ["1", "1e3"], ["1", ""], ["9" * 19], ["1", "1000000"], ["a"]]
)
def test_ids_that_are_not_plain_numbers_near_each_other_stay_texts(ids):
    assert as_integers(pd.Series(ids, dtype=str)) is None


@no_deadline
@given(numbers, st.sampled_from([1, 70_000, 2**33]))
def test_rows_are_ordered_by_number_and_then_by_place(number, factor):
    assert stable_order(number * factor).tolist() == np.argsort(number, kind="stable").tolist()


@no_deadline
@given(numbers, st.data(), st.sampled_from([np.int64, np.float64]), st.booleans())
def test_rows_are_ordered_by_user_and_time_and_then_by_place(user, data, kind, ascending):
    times = data.draw(st.lists(st.integers(-3, 3), min_size=len(user), max_size=len(user)))
    timestamp = np.array(sorted(times) if ascending else times, dtype=kind)
    assert in_time_order(user, timestamp).tolist() == np.lexsort((timestamp, user)).tolist()


@no_deadline
@given(numbers, st.data(), st.sampled_from(["first", "last"]))
def test_repeated_pairs_are_those_that_pandas_finds(user, data, keep):
    item = np.array(data.draw(st.lists(st.integers(1, 3), min_size=len(user), max_size=len(user))))
    frame = pd.DataFrame({"user": user, "item": item})
    assert repeats_of(user, item, keep).tolist() == frame.duplicated(keep=keep).tolist()
