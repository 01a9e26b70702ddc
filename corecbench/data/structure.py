"""Says what decides a study on a data set: ties, new items, steps, texts, and how much the last item says.

Han et al. (arXiv 2605.07125) name low branching, smooth features and little dependence on history as what lets
simple graphs win; the measures here are our own. Steps are interactions followed by another of the same
user; those of the same time stand in the order of a hash.

S steps from item a to item b, N items.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.api import DataError
from corecbench.data.ties import in_random_order, same_time
from corecbench.data.time_split import by_time
from corecbench.toolkit import word_vectors

if TYPE_CHECKING:
    from corecbench.data.dataset import Dataset

LEAST_STEPS = 5
"""Fewest steps from an item whose branching counts."""
SHORTEST_WORD = 2
"""Characters of the shortest words that count, as in `corecbench.evaluation.text_similarity`."""


def structure(dataset: Dataset) -> dict[str, Any]:
    """Return the measures of a data set by name, without those that it has too few times, texts or steps for."""
    steps = Steps.of(dataset)
    _, n_of_user = np.unique(dataset.user, return_counts=True)
    last = np.cumsum(n_of_user)[n_of_user > 1] - 1
    found = {
        "last_two_tie": float(same_time(dataset)[last].mean()),
        "new_targets_refit": new_targets(dataset, refit=True),
        "new_targets_stale": new_targets(dataset, refit=False),
        "branching": steps.branching(),
        "smoothness": steps.smoothness(dataset.catalog.item_texts),
        "dependence": steps.dependence(),
    }
    return {name: value for name, value in found.items() if value is not None}


def new_targets(dataset: Dataset, refit: bool) -> float | None:
    """Return the share of tested users whose test item has no training interaction under the split by time.

    Training ends at the test cut after a refit, else at the validation cut. None where there is no such split.
    """
    try:
        _, split = by_time(dataset, refit=refit)
    except DataError:
        return None
    return split.facts["targets_new"] / len(split.held["test"].users)


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps of all users, in the order of users and time."""

    user: np.ndarray
    """int64 [S]."""
    first: np.ndarray
    """int64 [S], item a."""
    following: np.ndarray
    """int64 [S], item b."""
    n_items: int

    @classmethod
    def of(cls, dataset: Dataset) -> Steps:
        items = in_random_order(dataset, same_time(dataset))
        rows = np.flatnonzero(dataset.user[1:] == dataset.user[:-1])
        return cls(dataset.user[rows], items[rows], items[rows + 1], dataset.catalog.n_items)

    def branching(self) -> dict[str, float] | None:
        """Return the means over items a with at least 5 steps of how many there are, and of their different b.

        The perplexity is exp(-sum over b of p(b|a) log p(b|a)), also a mean: so many b of equal frequency.
        """
        n_steps = np.bincount(self.first, minlength=self.n_items + 1)
        pairs, count = np.unique(self._code, return_counts=True)
        item, often = pairs // (self.n_items + 1), n_steps >= LEAST_STEPS
        if not often.any():
            return None
        share = count / n_steps[item]
        entropy = np.bincount(item, -share * np.log(share), minlength=self.n_items + 1)
        different = np.bincount(item, minlength=self.n_items + 1)
        means = {"steps": n_steps, "different": different, "perplexity": np.exp(entropy)}
        return {name: float(values[often].mean()) for name, values in means.items()}

    def smoothness(self, texts: tuple[str, ...]) -> float | None:
        """Return how much more alike the texts of a and b are than those of any two.

        That is mean cos(a, b) - mean(a) mean(b). The texts are TF-IDF vectors, and the product of the means is the
        mean cosine of all S^2 pairs of an a and a b.
        """
        if not any(texts):
            return None
        vectors = word_vectors(texts, SHORTEST_WORD)  # [N+1, V different words]
        pairs, count = np.unique(self._code, return_counts=True)
        a, b = np.divmod(pairs, self.n_items + 1)
        cosine = np.asarray(vectors[a].multiply(vectors[b]).sum(axis=1)).ravel()
        weights = (np.bincount(items, minlength=self.n_items + 1) for items in (self.first, self.following))
        mean_a, mean_b = (vectors.T @ each / len(self.user) for each in weights)
        return float(cosine @ count / len(self.user) - mean_a @ mean_b)

    def dependence(self, seed: int = 0) -> dict[str, float]:
        """Return the share of steps to b that another user made from the last item, and from a random earlier one.

        Their ratio is how much more the last item says of the next one than the rest of the history does. Steps
        count whose user has an item before a; one of these is drawn for each, by seed.
        """
        place = np.arange(len(self.user))
        begin = np.searchsorted(self.user, self.user)
        rows = place[place > begin]
        drawn = begin[rows] + (np.random.default_rng(seed).random(len(rows)) * (rows - begin[rows])).astype(
            np.int64
        )
        of_last, of_earlier = (self._made_by_others(rows, self.first[of]).mean() for of in (rows, drawn))
        found = {"last": float(of_last), "earlier": float(of_earlier)}
        return found | ({"ratio": found["last"] / found["earlier"]} if of_earlier else {})

    def _made_by_others(self, rows: np.ndarray, first: np.ndarray) -> np.ndarray:
        pairs, users = self._users
        code = first * (self.n_items + 1) + self.following[rows]
        begin, end = (np.searchsorted(pairs, code, side) for side in ("left", "right"))
        own = np.where(end > begin, users[np.minimum(begin, len(users) - 1)], self.user[rows]) == self.user[rows]
        return np.asarray((end - begin > 1) | ((end > begin) & ~own))

    @cached_property
    def _users(self) -> tuple[np.ndarray, np.ndarray]:
        code = self._code
        order = np.lexsort((self.user, code))
        code, user = code[order], self.user[order]
        kept = np.append(True, (code[1:] != code[:-1]) | (user[1:] != user[:-1]))
        return code[kept], user[kept]

    @cached_property
    def _code(self) -> np.ndarray:
        return np.asarray(self.first * (self.n_items + 1) + self.following)
