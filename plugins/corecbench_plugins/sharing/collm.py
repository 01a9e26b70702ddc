"""CoLLM: the LLM reads the frozen embeddings of the domain model alone; nothing flows back.

What the paper states (Zhang et al., "CoLLM: Integrating Collaborative Embeddings into Large Language Models for
Recommendation", 2023, arXiv 2310.19488): collaborative information is a modality of its own; user and item
embeddings of a conventional model, trained for itself, are mapped by an MLP into the space of the LLM's token
embeddings and stand in the prompt beside the texts; training has two steps, first LoRA for the task by texts alone,
then the mapping.

Where we differ:
- LoRA and mapping are trained together, in one turn of the LLM, and the LLM ranks the catalogue by states instead
  of answering whether a user will like an item.
- One mapping for users and items, with one hidden layer and no bias (`hidden_size`), from the domain model's width
  to that of the LLM's id rows, which enter the LLM as those of every module do.
- A domain model without a user table gives its users' states after their training histories.
- As in the paper, what the LLM reads of users was fitted to the items that it trains on.
- The domain side is the domain model as it was trained alone: its row equals the solo row.
"""

import torch

from corecbench.api import Ids, Pretrained, Setup, Side
from corecbench_plugins.sharing import CollmConfig
from corecbench_plugins.sharing.mapped import Mapped, Mapping
from corecbench_plugins.sharing.none import Private


class Collm(Private):
    """Private tables of the domain side, and a mapped, frozen copy of them for the LLM."""

    def __init__(self, config: CollmConfig, setup: Setup):
        super().__init__(config, setup)
        self.mapped = Ids(Mapped(), Mapped())

    def ids(self, side: Side, width: int) -> Ids:
        """Return the domain side's tables or, to the LLM, which asks later, what is made of them."""
        if side == "domain":
            return super().ids(side, width)
        domain = self.tables["domain"]
        mapping = Mapping(domain.item.weight.shape[1], self.config.hidden_size, width)
        for table, own in ((self.mapped.user, domain.user), (self.mapped.item, domain.item)):
            table.read(torch.zeros_like(own.weight.detach()), mapping)
        return self.mapped

    def start(self, pretrained: Pretrained) -> None:
        """Give both sides the tables that the domain model learnt alone."""
        super().start(pretrained)
        self.mapped.user.source, self.mapped.item.source = pretrained.user, pretrained.item
