"""CoLLM: the LLM reads the frozen embeddings of the domain model, and nothing flows back.

What the paper states (Zhang et al., "CoLLM: Integrating Collaborative Embeddings into Large Language Models for
Recommendation", 2023, arXiv 2310.19488): collaborative information is a modality of its own. User and item
embeddings of a conventional model, trained for itself, are mapped by an MLP into the space of the LLM's token
embeddings and stand in the prompt beside the texts. In the public code (github.com/zyang1580/CoLLM) its hidden
layer is 5 or 10 times as wide as they are, and the states of LightGCN are those that its graph has propagated.
Training has two steps: first LoRA for the task by texts alone, then the mapping.

Where we differ:
- LoRA and mapping are trained together, in one turn of the LLM. The LLM ranks the catalogue by states instead of
  answering whether a user will like an item.
- Users and items have the same mapping, with one hidden layer (`hidden_size`) and no bias. It leads from the
  domain model's width to the width of the LLM's id rows, which enter the LLM as they do under every sharing
  module.
- A domain model without a user table gives its users' states after their training histories. The public code reads
  such a model, SASRec, after the history of each sample; an id row is one for all samples of a user.
- States that are wider than the domain model's item table are not read; then its tables are.
- As in the paper, what the LLM reads of users was fitted to the items that it trains on.
- The domain side is the domain model as it was trained alone: its row equals the solo row.
"""

import torch

from corecbench.api import Ids, Pretrained, Setup, Side
from corecbench_plugins.sharing.mapped_table import MappedTable, RowMapping
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import CollmConfig

WIDER = 10
"""How many times as wide as the domain model's rows the hidden layer is by default."""


class Collm(Private):
    """Private tables of the domain side, and a mapped, frozen copy of them for the LLM."""

    config: CollmConfig

    def __init__(self, config: CollmConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.users, self.items = MappedTable(), MappedTable()

    def ids(self, side: Side, width: int) -> Ids:
        """Return private tables to the domain side, which asks first, and the mapped copy of them to the LLM."""
        if side == "domain":
            return super().ids(side, width)
        domain = self.tables["domain"]
        own = domain.item.weight.shape[1]
        mapping = RowMapping(own, self.config.hidden_size or WIDER * own, width)
        for mapped, source in ((self.users, domain.user), (self.items, domain.item)):
            mapped.read(torch.zeros_like(source.weight.detach()), mapping)
        return Ids(self.users, self.items)

    def start(self, pretrained: Pretrained) -> None:
        """Give the domain side the tables that it learnt alone, and the LLM what it makes of them."""
        super().start(pretrained)
        self.users.source, self.items.source = pretrained.user, pretrained.item
        if pretrained.training_states is not None:
            states = pretrained.training_states()
            if states.item.shape == pretrained.item.shape:
                self.users.source, self.items.source = states.user, states.item
