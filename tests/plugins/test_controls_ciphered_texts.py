import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corecbench.api import Catalog
from corecbench_plugins.controls.capitals import Word, fold, has_capital, with_capitals
from corecbench_plugins.controls.ciphered_texts import WORDS, CipheredTexts

TITLES = (
    "",
    "LEGO City Police Car 60",
    "Lego city fire truck 61",
    "Barbie's Dream House (2nd ed.)",
    "",
    "Red Car, red truck & blue car",
    "iPod touch 16 GB",
    "IPOD dock; 8 GB",
)


def ciphered(texts=TITLES, seed=0, name="toy"):
    catalog = Catalog(name, ("", "u"), tuple(map(str, range(len(texts)))), tuple(texts))
    return CipheredTexts(None).item_texts(catalog, seed)


def pairs(texts):
    """Return each word of the texts, with its capitals, beside the word in its place."""
    for before, after in zip(texts, ciphered(texts), strict=True):
        yield from zip(WORDS.findall(before), WORDS.findall(after), strict=True)


def test_a_word_is_replaced_by_the_same_word_everywhere_and_two_words_by_different_ones():
    cipher = {}
    for before, after in pairs(TITLES):
        assert cipher.setdefault(before, after) == after
    assert len(set(cipher.values())) == len(cipher)


def test_no_word_stays_where_there_are_others():
    assert all(fold(before) != fold(after) for before, after in pairs(TITLES))


def test_capitals_follow_their_word():
    found = dict(pairs(TITLES))
    assert found["LEGO"].lower() == found["Lego"].lower()
    assert found["LEGO"].isupper()
    assert found["Red"].lower() == found["red"]
    assert found["Red"].istitle()
    assert has_capital(found["iPod"])[:2] == (False, True)


def test_numbers_are_replaced_by_numbers_and_all_else_stays_in_its_place():
    shapes = [
        [re.sub("[^\\W\\d_]+", "a", re.sub("\\d+", "1", text)) for text in texts] for texts in (TITLES, ciphered())
    ]
    assert shapes[0] == shapes[1]


def test_a_word_is_replaced_by_one_of_its_length_and_frequency():
    texts = ("", *["aa bb"] * 8, *["cc dd"] * 2, *["eee fff"] * 8)
    found = dict(pairs(texts))
    assert {frozenset(pair) for pair in found.items()} == {
        frozenset(pair) for pair in (("aa", "bb"), ("cc", "dd"), ("eee", "fff"))
    }


def test_a_word_without_an_equal_joins_the_nearest_words():
    found = dict(pairs(("", "aa bb", "cccc", "12")))
    assert set(found) == set(found.values())
    assert all(before != after for before, after in found.items() if before != "12")
    assert found["12"] == "12"  # there is no other number


def test_the_seed_and_the_data_set_decide_the_words():
    assert ciphered() == ciphered()
    assert ciphered(seed=1) != ciphered()
    assert ciphered(name="other") != ciphered()


def test_forms_that_only_capitals_tell_apart_stay_apart():
    texts = ("", "TV Tv tv a", "x")
    before = {word for text in texts for word in WORDS.findall(text)}
    after = {word for text in ciphered(texts) for word in WORDS.findall(text)}
    assert len(after) == len(before)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.text(st.sampled_from("abAB1290 \u00df\u0130\u01c5\u0131K\u212a_'-\u4e2d\u6587\u00e9\u00c9"), max_size=12)
    )
)
def test_texts_share_as_many_words_as_before(texts):
    texts = ["", *texts]
    after = ciphered(texts)
    counts = [[Counter(WORDS.findall(text)) for text in each] for each in (texts, after)]
    totals = [Counter(word for count in each for word in count) for each in counts]
    assert sorted(totals[0].values()) == sorted(totals[1].values())
    for one in range(len(texts)):
        for other in range(one):
            shared = [(each[one] & each[other]).total() for each in counts]
            assert shared[0] == shared[1]


@pytest.mark.parametrize("texts", [("",), ("", ""), ("", "!"), ("", "one")])
def test_where_there_are_no_two_words_nothing_changes(texts):
    assert tuple(ciphered(texts)) == texts


def test_capitals_can_be_put_back():
    for form in ("iPhone", "LEGO", "\u0130x", "stra\u00dfe", "\u00c9t\u00e9"):
        assert with_capitals(fold(form), has_capital(form)) == form


def test_a_word_knows_how_often_it_occurs():
    word = Word("car")
    word.add("Car", 2)
    word.add("car", 3)
    assert (word.count, word.is_number, len(word.forms)) == (5, False, 2)
