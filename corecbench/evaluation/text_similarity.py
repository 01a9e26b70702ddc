"""How much the text of a held-out item has in common with the texts of the user's history.

T tested users, N items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corecbench.toolkit import word_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.data.ranking_task import RankingTask

USERS_PER_BLOCK = 4096
SHORTEST_WORD = 2
"""Characters of the shortest words that count: a single letter or digit is nothing in common."""


def target_similarity(texts: Sequence[str], task: RankingTask) -> np.ndarray:
    """Return the cosine of each held-out item's text with the most similar text of the history, float32 [T].

    Texts are compared by their `word_vectors`. The cosine is from 0 to 1, and 0 exactly where no word is shared,
    also where there is no text.

    Args:
        texts: the text of each item, N+1; "" for padding.
        task: the histories, as models see them, and the held-out items.
    """
    vectors = word_vectors(texts, SHORTEST_WORD)  # [N+1, V different words]
    similarity = np.zeros(len(task.users), dtype=np.float32)
    for start in range(0, len(similarity), USERS_PER_BLOCK):
        rows = np.arange(start, min(start + USERS_PER_BLOCK, len(similarity)))
        history = task.history[rows]
        user, place = np.nonzero(history)
        cosine = vectors[history[user, place]].multiply(vectors[task.target[rows][user]]).sum(axis=1)
        np.maximum.at(similarity, rows[user], cosine)
    return similarity
