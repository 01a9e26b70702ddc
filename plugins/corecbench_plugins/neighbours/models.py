"""Recommend items that stand near those of the history, by counts of the training part.

B users in a batch, L positions of a history, N items, k the width of a text's row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from corecbench.toolkit import beside, kept_word_summaries
from corecbench_plugins.neighbours.counts import Following, Together, history_weights, latest, nearest_neighbours

if TYPE_CHECKING:
    from collections.abc import Callable

    from scipy.sparse import csr_array

    from corecbench.api import Batch, IdsFactory, Interactions, Setup
    from corecbench_plugins.neighbours.settings import (
        ItemKnnConfig,
        ItemKnnWordsConfig,
        SequenceKnnConfig,
        SequenceKnnLsaConfig,
    )

POPULARITY = 1e-6
"""The score of the most popular item beside its neighbours. So popularity orders items that are near nothing of a
history, which would be tied, and nearly nothing else: similarities of near items are some hundredths."""


class ItemKnn:
    """Ranks items by the sum of their similarities to the items of the history, of which the latest count most.

    The similarity of items is the cosine of their users: those who have both, over the root of the product of their
    numbers of users (Sarwar et al., WWW 2001, DOI 10.1145/371920.372071). We differ in three ways, each a setting.
    A constant is added to the denominator, so that what few users say is shrunk (as by Bell and Koren, ICDM 2007,
    DOI 10.1109/ICDM.2007.90). Users with many items count less. Old items of the history count less.
    """

    examples: Literal["windows", "pairs"] = "windows"

    def __init__(self, config: ItemKnnConfig, setup: Setup, ids: IdsFactory) -> None:
        """Take the settings; nothing is counted yet."""
        self.config, self.n_items = config, setup.catalog.n_items

    def fit(self, train: Interactions) -> None:
        """Count the latest interactions of each user, and keep the nearest neighbours of each item."""
        train = latest(train, self.config.latest_interactions)
        together = Together(train, self.n_items, self.config.user_power)
        count = self.counts(train, together)
        self.similarity = nearest_neighbours(together, count, self.config.shrinkage, self.config.neighbours)
        most = max(float(together.n_users.max()), 1.0)
        self.popularity: np.ndarray = together.n_users * np.float32(POPULARITY / most)  # [N+1]

    def counts(self, train: Interactions, together: Together) -> Callable[[slice], csr_array]:
        """Return what gives the counts of a block of n items, float32 [n, N+1]."""
        return together

    def scores(self, batch: Batch) -> torch.Tensor:
        """Return the weighted sums of similarities, float32 [B, N+1]."""
        weights = history_weights(batch.history.cpu().numpy(), self.n_items, self.config.decay)
        near = (weights @ self.similarity).toarray()
        return torch.from_numpy(near + self.popularity).to(batch.history.device)


class SequenceKnn(ItemKnn):
    """Ranks as `ItemKnn` does, by items that share users and by items that follow each other.

    An item that came k steps after another one, for some user, counts `next_weight` / k beside the users that both
    share. Neighbours in sequences stand up to trained models in Ludewig and Jannach, 2018, arXiv 1803.09587. That
    the latest items count most is of Garg et al., SIGIR 2019, DOI 10.1145/3331184.3331322. Both look for similar
    sessions; we add up similarities of items, so that nothing of other users is read when ranking.
    """

    config: SequenceKnnConfig

    def counts(self, train: Interactions, together: Together) -> Callable[[slice], csr_array]:
        """Return what gives the counts of a block of n items, float32 [n, N+1]."""
        following, weight = Following(train, self.n_items, self.config.steps), np.float32(self.config.next_weight)
        return lambda rows: together(rows) + weight * following(rows)


class CountedWords(ItemKnn):
    """Says what the items' texts are about, by counting their words.

    What ranks by similarity of texts, too, finds the words in `content` (Lops, de Gemmis and Semeraro, 2011, DOI
    10.1007/978-0-387-85820-3_3).
    """

    content: torch.Tensor
    """float32 [N+1, k], the counted words and phrases of each item's text; a zero row for an item without one."""

    def __init__(self, config: ItemKnnWordsConfig, setup: Setup, ids: IdsFactory) -> None:
        """Count the words and phrases of all texts, or read them from the cache."""
        super().__init__(config, setup, ids)
        texts, n_new = setup.catalog.item_texts, setup.catalog.n_new_items
        words = kept_word_summaries(texts, config.dimensions, setup.cache, config.phrases, n_new)
        self.content = words.to(setup.device)


class ItemKnnWords(CountedWords):
    """Ranks as `ItemKnn` does, with counted words in its scores."""


class SequenceKnnWords(CountedWords, SequenceKnn):
    """Ranks as `SequenceKnn` does, with counted words in its scores."""


class SequenceKnnLsa(SequenceKnnWords):
    """The same with the words in a second form beside them, reduced by a latent semantic analysis.

    Phrases tell near texts apart, and the strongest directions of words bring related ones together (Deerwester et
    al., 1990, DOI 10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9). Both count alike.
    """

    def __init__(self, config: SequenceKnnLsaConfig, setup: Setup, ids: IdsFactory) -> None:
        """Count words in both forms, or read them from the cache."""
        super().__init__(config, setup, ids)
        texts, n_new = setup.catalog.item_texts, setup.catalog.n_new_items
        reduced = kept_word_summaries(texts, config.lsa, setup.cache, False, n_new)
        self.content = beside(self.content.cpu(), reduced, n_new).to(setup.device)
