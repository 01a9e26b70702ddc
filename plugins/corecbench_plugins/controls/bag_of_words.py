"""The strongest knowledge-free baseline: counted words beside a randomly initialised LLM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.api import Catalog, generator
from corecbench.toolkit import beside, word_summaries
from corecbench_plugins.controls.parts_left_out import FrozenTexts

if TYPE_CHECKING:
    import torch

    from corecbench_plugins.controls.settings import BagOfWordsConfig


class BagOfWords:
    """The sharing module reads word counts and the `text` of an untrained LLM, in place of a trained LLM's `text`.

    The words tell items apart as well as they can. The LLM's `text` is taken as it is: our LLMs whiten theirs.
    Nothing but the item texts is read.
    """

    def __init__(self, config: BagOfWordsConfig) -> None:
        self.dimensions = config.dimensions
        self.counted: tuple[int, Catalog, torch.Tensor] | None = None

    def text(self, catalog: Catalog, seed: int, text: torch.Tensor) -> torch.Tensor:
        """Return the words beside the states of the LLM, which is untrained under this control."""
        return beside(self.words(catalog, seed), text, catalog.n_new_items)

    def words(self, catalog: Catalog, seed: int) -> torch.Tensor:
        """Return the counted words, which are the same beside the LLM's `text` and its `text_states`."""
        if self.counted is None or self.counted[:2] != (seed, catalog):
            random = generator(seed, catalog.name, "bag-of-words")
            counted = word_summaries(catalog.item_texts, self.dimensions, random, catalog.n_new_items)
            self.counted = seed, catalog, counted
        return self.counted[2]


class FrozenBagOfWords(BagOfWords, FrozenTexts):
    """The bag of words whose LLM is not fine-tuned: what words do, and nothing that fine-tuning does."""
