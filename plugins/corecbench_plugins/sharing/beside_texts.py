"""A recommender as it is alone, and beside it what item texts say: nothing is trained together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.api import Interactions, Pretrained, Scores, Setup, UsageError
from corecbench.toolkit import beside, kept_word_summaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from corecbench_plugins.sharing.settings import BesideTextsConfig, HybridNeighboursConfig


class BesideTexts:
    """Counted words and an LLM's summaries of the texts have a say in the scores of the domain model alone.

    A weighted hybrid of a recommender and its items' contents (Burke, 2002, DOI 10.1023/A:1021240730564). Words and
    summaries stand in one row for each item and count alike, unless words alone are better on validation. Unless
    `joined`, the summaries are added where they are better than the words before them.

    A control that replaces the item texts replaces what the LLM reads. Counted words stay those of the plain texts
    beside it, so that the difference is the LLM's. They are replaced, too, where no LLM stands beside them, or with
    `controlled_words`.
    """

    def __init__(self, config: BesideTextsConfig | HybridNeighboursConfig, setup: Setup) -> None:
        self.config, self.cache, self.n_new = config, setup.cache, setup.catalog.n_new_items
        self.texts: Sequence[str] = setup.catalog.item_texts
        if setup.plain_texts is not None and config.states and not config.controlled_words:
            self.texts = setup.plain_texts
        self.content: list[torch.Tensor | Scores | tuple[torch.Tensor | Scores, ...]] = []

    def start(self, pretrained: Pretrained) -> None:
        """Count the words, and take what the LLM says of the texts, which our LLMs whiten.

        Raises:
            UsageError: the LLM says nothing of texts.
        """
        config, states = self.config, pretrained.text
        if config.states and states is None:
            raise UsageError("the LLM has no `text`; choose another one, or set beside-texts.states=false")
        if config.words:
            words = kept_word_summaries(self.texts, config.words, self.cache, config.phrases, self.n_new)
            if config.joined and config.states and states is not None:
                both = beside(words, states, self.n_new)
                self.content.append((words, both) if config.or_words else both)
                return
            self.content.append(words)
        if config.states and states is not None:
            self.content.append(states)


class BesideNeighbours(BesideTexts):
    """The same, once neighbours count: items that share users with the history, or that follow it, too.

    Neighbours are `sequence-knn` or `item-knn` in their default settings, whichever is better on validation
    (Ludewig and Jannach, 2018, arXiv 1803.09587; Sarwar et al., 2001, DOI 10.1145/371920.372071).
    """

    def __init__(self, config: BesideTextsConfig | HybridNeighboursConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.neighbours = tuple(setup.build("model", name) for name in ("sequence-knn", "item-knn"))

    def fit(self, train: Interactions) -> None:
        """Count neighbours in the training part."""
        for each in self.neighbours:
            each.fit(train)

    def start(self, pretrained: Pretrained) -> None:
        """Put the neighbours before the texts."""
        super().start(pretrained)
        self.content = [self.neighbours, *self.content]
