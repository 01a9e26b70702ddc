"""Recommends the items whose texts share most words with the history: the baseline that learns nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from corecbench.api import DomainModelComponent, hookimpl
from corecbench_plugins.text_knn.settings import TextKnnConfig

if TYPE_CHECKING:
    from corecbench.api import Batch, IdsFactory, Setup, States


class TextKnn:
    """Ranks items by the cosine of their counted words and phrases and the mean of those of the history.

    The latest items count most. No interaction is read but the history itself, so what it is right about needs
    neither a trained recommender nor an LLM. Source: Lops, de Gemmis and Semeraro, 2011, DOI
    10.1007/978-0-387-85820-3_3.
    """

    examples: Literal["windows", "pairs"] = "windows"

    def __init__(self, config: TextKnnConfig, setup: Setup, ids: IdsFactory) -> None:
        """Count the words and phrases of all texts, or read them from the cache."""
        from torch.nn.functional import normalize  # not at the top, so that listing components does not wait for it

        from corecbench.toolkit import kept_word_summaries

        texts, phrases, n_new = setup.catalog.item_texts, config.phrases, setup.catalog.n_new_items
        words = kept_word_summaries(texts, config.dimensions, setup.cache, phrases, n_new)
        self.words, self.decay = normalize(words, dim=1).to(setup.device), config.decay

    def states(self, batch: Batch) -> States:
        """Return the mean words of each history, and the words of all items."""
        from corecbench.api import States
        from corecbench.toolkit import mean_texts

        return States(mean_texts(batch.history, self.words, self.decay), self.words)


@hookimpl
def corecbench_domain_models() -> list[DomainModelComponent]:
    """Offer `text-knn`."""
    return [
        DomainModelComponent(
            "text-knn",
            TextKnn,
            TextKnnConfig,
            summary="items with the words of the history; not trained",
            joint=False,
            reference=True,
            reads_texts=True,
        )
    ]
