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

    def text(self, catalog: Catalog, seed: int, text: torch.Tensor) -> torch.Tensor:
        """Return the words beside the states of the LLM, which is untrained under this control."""
        random = generator(seed, catalog.name, "bag-of-words")
        n_new = catalog.n_new_items
        return beside(word_summaries(catalog.item_texts, self.dimensions, random, n_new), text, n_new)


class FrozenBagOfWords(BagOfWords, FrozenTexts):
    """The bag of words whose LLM is not fine-tuned: what words do, and nothing that fine-tuning does."""
