"""Word overlap between the held-out item and the history, against sums written without matrices."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corecbench.data.ranking_task import RankingTask, SeenItems
from corecbench.evaluation.text_similarity import target_similarity

texts_of_items = st.lists(st.text("ab 1-é", max_size=12), min_size=1, max_size=6)
no_deadline = settings(deadline=None)  # a busy machine is no failure


def task_of(histories, targets):
    width = max(map(len, histories))
    rows = np.array([[*items, *[0] * (width - len(items))] for items in histories])
    nobody = SeenItems(np.array([], dtype=np.int64), np.zeros(len(rows)), np.zeros(len(rows)))
    return RankingTask(np.arange(1, len(rows) + 1), np.array(targets), rows, nobody)


def similarities(texts, histories, targets):
    return target_similarity(("", *texts), task_of(histories, targets))


def by_hand(texts, history, target):
    """The largest cosine of TF-IDF vectors, word by word."""
    import re

    words = [re.findall(r"\w\w+", text.lower()) for text in texts]
    n = sum(bool(each) for each in words)

    def weight(word, of):
        return of.count(word) * (1 + math.log((1 + n) / (1 + sum(word in each for each in words))))

    def vector(of):
        raw = {word: weight(word, of) for word in of}
        length = math.sqrt(sum(value**2 for value in raw.values()))
        return {word: value / length for word, value in raw.items()}

    own = vector(words[target - 1])
    known = [vector(words[item - 1]) for item in history]
    return max((sum(own.get(word, 0) * value for word, value in each.items()) for each in known), default=0)


def test_equal_texts_have_cosine_1_and_texts_without_a_common_word_0():
    found = similarities(["Red kite", "red kite!", "blue ball"], [[1], [3], [3, 1]], [2, 2, 2])
    assert found == pytest.approx([1, 0, 1])
    assert found[1] == 0


def test_the_most_similar_text_of_the_history_counts():
    texts = ["red kite", "red ball", "blue kite flies", "red kite"]
    found = similarities(texts, [[2], [3], [2, 3]], [4, 4, 4])
    assert found[2] == max(found[:2])


def test_items_without_text_share_no_word():
    assert similarities(["", "", "red"], [[1], [3], [1]], [2, 1, 3]).tolist() == [0, 0, 0]


def test_words_of_one_character_do_not_count():
    assert similarities(["a kite", "a ball"], [[1]], [2]).tolist() == [0]


@no_deadline
@given(texts_of_items, st.data())
def test_it_is_the_cosine_of_tf_idf_vectors(texts, data):
    items = st.integers(1, len(texts))
    history, target = data.draw(st.lists(items, min_size=1, max_size=4)), data.draw(items)
    expected = by_hand(texts, history, target)
    (found,) = similarities(texts, [history], [target])
    assert found == pytest.approx(expected, abs=1e-6)
    assert (found == 0) == (expected == 0)
