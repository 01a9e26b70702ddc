from collections import Counter

import pytest

from corecbench.api import Catalog
from corecbench.training.controls import shuffle_texts

TEXTS = ("", "A", "B", "", "C", "D", "", "E")


def catalog(texts=TEXTS, name="toy"):
    return Catalog(name, ("", "u"), tuple(map(str, range(len(texts)))), tuple(texts))


@pytest.mark.parametrize("seed", range(9))
def test_every_item_gets_the_text_of_another_one_and_an_item_without_text_stays_without(seed):
    shuffled = shuffle_texts(catalog(), seed).item_texts
    assert Counter(shuffled) == Counter(TEXTS)
    assert all((old == new) == (old == "") for old, new in zip(TEXTS, shuffled, strict=True))


def test_nothing_else_changes():
    shuffled = shuffle_texts(catalog(), 0)
    assert (shuffled.name, shuffled.user_ids, shuffled.item_ids) == ("toy", ("", "u"), catalog().item_ids)
    assert catalog().item_texts == TEXTS


def test_the_seed_and_the_data_set_decide_the_order():
    texts = ("", *map(str, range(30)))
    shuffled = shuffle_texts(catalog(texts), 0)
    assert shuffle_texts(catalog(texts), 0) == shuffled
    assert shuffle_texts(catalog(texts), 1).item_texts != shuffled.item_texts
    assert shuffle_texts(catalog(texts, "other"), 0).item_texts != shuffled.item_texts


@pytest.mark.parametrize("texts", [("",), ("", "A"), ("", "", "")])
def test_where_there_are_no_two_texts_nothing_moves(texts):
    assert shuffle_texts(catalog(texts), 0).item_texts == texts
