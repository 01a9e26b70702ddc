"""What a data set is like, on users whose numbers can be worked out by hand."""

import pytest

from corecbench.data.structure import structure
from corecbench.data.summary import shown


def users(*histories):
    """Return rows of users u0, u1, ... whose items, a letter each, are a day apart."""
    return [(f"u{user}", item, day) for user, items in enumerate(histories) for day, item in enumerate(items)]


def test_ties_are_a_share_of_the_users_with_two_interactions(load):
    rows = [*users("abc", "ab", "a"), ("ann", "a", 5), ("ann", "b", 5)]
    assert structure(load(rows))["last_two_tie"] == pytest.approx(1 / 3)


def test_an_item_that_first_occurs_in_validation_is_new_without_a_refit_only(load):
    odd = [("ann", item, time) for item, time in zip("abcdn", (10, 30, 50, 70, 90), strict=True)]
    even = [("bob", item, time) for item, time in zip("cdabn", (20, 40, 60, 80, 95), strict=True)]
    found = structure(load(odd + even))
    assert (found["new_targets_refit"], found["new_targets_stale"]) == (0.0, 1.0)


def test_branching_counts_next_items_of_items_with_at_least_five_steps(load):
    """Of the six steps from a, three lead to b and three to c; from b there are four, to as many items."""
    found = structure(load(users("ab", "ab", "ab", "ac", "ac", "acd", "bd", "be", "bf", "bg")))["branching"]
    assert found == pytest.approx({"steps": 6, "different": 2, "perplexity": 2})


def test_perplexity_is_less_than_the_number_of_next_items_where_one_is_frequent(load):
    """exp(H) of 4/5 and 1/5 is 5 / 4 ** (4 / 5)."""
    found = structure(load(users("ab", "ab", "ab", "ab", "acd")))["branching"]
    assert found == pytest.approx({"steps": 5, "different": 2, "perplexity": 5 / 4 ** (4 / 5)})


def test_smoothness_is_what_items_in_a_row_have_in_common_beyond_any_two(load):
    """All four steps join equal texts, cosine 1, and half of the 16 pairs of a first and a next item do."""
    texts = dict.fromkeys("abc", "red") | dict.fromkeys("xyz", "blue")
    assert structure(load(users("abc", "xyz"), texts))["smoothness"] == pytest.approx(1 - 2 / 4)


def test_dependence_asks_what_other_users_did_after_the_last_item_and_after_an_earlier_one(load):
    """Three steps have an item before: a to b twice, by two users, and c to b, which nobody else made.

    Of the items before, x to b alone is a step of another user, the last one.
    """
    found = structure(load(users("xab", "yab", "zcb", "xb")))["dependence"]
    assert found == pytest.approx({"last": 2 / 3, "earlier": 1 / 3, "ratio": 2})


def test_a_step_that_only_the_same_user_repeats_confirms_nothing(load):
    found = structure(load(users("abab"), repeats="all"))["dependence"]
    assert found == {"last": 0.0, "earlier": 0.0}


def test_what_cannot_be_said_is_left_out(load):
    found = structure(load(users("abc", "ab"), dict.fromkeys("abc", "")))
    assert found.keys() == {"last_two_tie", "dependence"}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("last_two_tie", 1 / 3, "33.3%"),
        ("smoothness", 0.0625, "0.062"),
        ("branching", {"steps": 6, "different": 2.0}, "steps 6, different 2"),
        ("dependence", {"last": 2 / 3, "ratio": 2.0}, "last 0.667, ratio 2.000"),
    ],
)
def test_measures_are_shown_with_few_digits(name, value, text):
    assert shown(name, value) == text
