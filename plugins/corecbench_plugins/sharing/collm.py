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
- Of a model with a state per position, such as SASRec, the LLM reads the state after each sample's own history, as
  the public code does. All samples of a user are one sequence, so a state stands beside the last item of its
  history, mapped and added to that item's row, and not in front as a token.
- Any other model without a user table gives its users' states after their training histories.
- States that are wider than the domain model's item table are not read; then its tables are.
- As in the paper, what the LLM reads of users was fitted to the items that it trains on.
- The domain side is the domain model as it was trained alone: its row equals the solo row.
"""

from collections.abc import Callable

import torch

from corecbench.api import Batch, Ids, Pretrained, Setup, Side, States
from corecbench_plugins.sharing.mapped_table import MappedTable, RowMapping
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import CollmConfig

WIDER = 10
"""How many times as wide as the domain model's rows the hidden layer is by default."""


class UserTable(MappedTable):
    """Mapped frozen rows of users, or zero rows and the mapped states of their histories."""

    states: Callable[[Batch], States] | None = None
    """Those of the domain model alone, if they are one per position and as wide as the mapping reads."""

    @property
    def of_histories(self) -> Callable[[Batch], torch.Tensor] | None:
        """What stands beside the items of histories, as `corecbench.api.TellsOfHistories` says."""
        return None if self.states is None else self.mapped_states

    def mapped_states(self, batch: Batch) -> torch.Tensor:
        """Return the mapped state after each item of a history, float32 [B, L, d]; zero at padding."""
        if self.states is None or self.mapping is None:
            raise ValueError("it has no states of histories")
        states = self.states(Batch(batch.user, batch.history, time=batch.time)).user
        mapped: torch.Tensor = self.mapping(states * (batch.history != 0)[..., None])
        return mapped


class Collm(Private):
    """Private tables of the domain side, and a mapped, frozen copy of them for the LLM."""

    config: CollmConfig

    def __init__(self, config: CollmConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.users, self.items = UserTable(), MappedTable()

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
        if pretrained.states is not None and has_states_per_position(pretrained.states, pretrained.item):
            self.users.source, self.users.states = torch.zeros_like(pretrained.user), pretrained.states


def has_states_per_position(states: Callable[[Batch], States], item: torch.Tensor) -> bool:
    """Return whether states of users are one per position, [B, L, d], and as wide as a table of items [N+1, d]."""
    first = torch.ones(1, dtype=torch.int64, device=item.device)
    user = states(Batch(first, first[:, None])).user
    return user.dim() == 3 and user.shape[-1] == item.shape[1]
