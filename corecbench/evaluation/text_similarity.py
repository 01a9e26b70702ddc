"""How much the text of a held-out item has in common with the texts of the user's history.

T tested users, N items, V different words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.data.split import RankingTask

USERS_PER_BLOCK = 4096


def target_similarity(texts: Sequence[str], task: RankingTask) -> np.ndarray:
    """Return the cosine of each held-out item's text with the most similar text of the history, float32 [T].

    Texts are compared by their `word_vectors`. The cosine is from 0 to 1, and 0 exactly where no word is shared,
    also where there is no text.

    Args:
        texts: the text of each item, N+1; "" for padding.
        task: the histories, as models see them, and the held-out items.
    """
    vectors = word_vectors(texts)  # [N+1, V]
    similarity = np.zeros(len(task.users), dtype=np.float32)
    for start in range(0, len(similarity), USERS_PER_BLOCK):
        rows = np.arange(start, min(start + USERS_PER_BLOCK, len(similarity)))
        history = task.history[rows]
        user, place = np.nonzero(history)
        cosine = vectors[history[user, place]].multiply(vectors[task.target[rows][user]]).sum(axis=1)
        np.maximum.at(similarity, rows[user], cosine)
    return similarity


def word_vectors(texts: Sequence[str]) -> scipy.sparse.csr_array:
    """Return the TF-IDF vectors of texts, each of length 1 or zero, float64 [N, V].

    Words have two characters or more, in lower case. A word weighs as often as it stands in the text, times
    1 + log((1 + n) / (1 + n with the word)) over the n texts with words.

    Both texts have "red", so it weighs 1 + log(3 / 3), less than "kite" with 1 + log(3 / 2):

    >>> vectors = word_vectors(["red kite", "Red ball"]).toarray()
    >>> bool(vectors[0, 0] < vectors[0, 1]), round(float(vectors[0] @ vectors[1]), 3)
    (True, 0.336)
    """
    number: dict[str, int] = {}
    row, column = [], []
    for place, text in enumerate(texts):
        for word in re.findall(r"\w\w+", text.lower()):
            row.append(place)
            column.append(number.setdefault(word, len(number)))
    shape = len(texts), max(len(number), 1)
    counts = scipy.sparse.csr_array((np.ones(len(row)), (row, column)), shape=shape)  # sums repeated words
    n_with = np.bincount(counts.indices, minlength=shape[1])
    n_texts = np.count_nonzero(np.diff(counts.indptr))
    weighted = scipy.sparse.csr_array(counts.multiply(1 + np.log((1 + n_texts) / (1 + n_with))))
    length = np.sqrt(weighted.multiply(weighted).sum(axis=1))
    scale = np.divide(1, length, out=np.zeros(len(texts)), where=length > 0)
    return scipy.sparse.csr_array(weighted.multiply(scale[:, None]))
