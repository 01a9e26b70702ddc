"""LLM2Rec: the LLM learns from histories which texts follow which; then its vectors are the recommender's items.

What the paper states (He et al., "LLM2Rec: Large Language Models Are Powerful Embedding Models for Sequential
Recommendation", KDD 2025, arXiv 2506.21579; github.com/HappyPointer/LLM2Rec): an LLM becomes a model of items in
two stages.
- Collaborative fine-tuning: from the titles of a history it learns to tell the title of the next item, by the sum
  of -log p(token | history, tokens before).
- Item-level modelling: with attention in both directions it learns to tell masked tokens of titles. Then the means
  z, z' of the token states of one title under two draws of dropout are told from those of other titles, by
  -log exp(cos(z_i, z'_i) / t) / sum_j exp(cos(z_i, z'_j) / t).
A sequential recommender, trained by cross-entropy, reads an item as W z_i + b and has no other rows of items.

Where we differ:
- Both stages are one turn of the LLM before any turn of the recommender, on its training histories. The next item
  is told from the whole catalogue by states of texts, not token by token: this is the contrast, and it is of
  transitions. Whitening spreads the vectors, which is what the paper's contrast of titles is for.
- The turn is no stage in `prepare`: so validation chooses its epoch, and controls that leave out turns of the LLM
  leave out its tuning.
- LoRA tunes the LLM's top layers, with attention to what came before; the paper tunes all weights. The LLM reads
  texts alone, and no rows of ids.
- z_i is the LLM's state after a history of that item alone, and beside it stands what the LLM said of its text
  before it was tuned, so that each control of texts takes something away. There is no b, which would shift all
  items alike.
- The rows of users, where a recommender has some, are its own.
"""

from collections.abc import Callable

import torch
from torch import nn

from corecbench.api import Ids, Pretrained, Setup, Side, UsageError
from corecbench_plugins.sharing.mapped_table import MappedTable, ScaledMap
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import Llm2recConfig
from corecbench_plugins.sharing.store import RenewedTable, ZeroTable

DEVIATION = 0.02
"""Of the first weights that read what the tuned LLM makes of an item."""


class Llm2rec(Private):
    """Private rows of users. The domain side's items are what the LLM says, before and after it is tuned."""

    config: Llm2recConfig
    text: MappedTable
    """The part of the domain side's items that the untuned LLM says."""

    def __init__(self, config: Llm2recConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.item: RenewedTable | None = None
        """The domain side's items."""

    def ids(self, side: Side, width: int) -> Ids:
        """Return private rows of users and items of texts to the domain side, and rows of zeros to the LLM."""
        n_users, n_items = self.catalog.n_users + 1, self.catalog.n_items + 1
        if self.item is None:
            self.text = MappedTable(ZeroTable(n_items, width))
            self.item = RenewedTable(self.text, n_items, width, self.catalog.n_new_items)
            return Ids(super().ids(side, width).user, self.item)
        nn.init.normal_(self.item.expect(width).weight, std=DEVIATION)
        return Ids(ZeroTable(n_users, width), ZeroTable(n_items, width))

    def start(self, pretrained: Pretrained) -> None:
        """Let the domain side's items read the texts.

        Raises:
            UsageError: the LLM says nothing of texts.
        """
        text = pretrained.text
        if text is None:
            raise UsageError("the LLM has no `text`, of which `llm2rec` makes items; choose another one")
        mapping = ScaledMap(text.shape[1], pretrained.item.shape[1], 1.0)
        self.text.read(text, mapping.to(text.device))

    @property
    def renew(self) -> Callable[[torch.Tensor], None] | None:
        """Takes what the tuned LLM makes of each item."""
        return None if self.item is None else self.item.tell
