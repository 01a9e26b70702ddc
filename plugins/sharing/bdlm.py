"""BDLM: one store of user and item embeddings, read by both sides, trained in turns with mutual learning.

What the paper states ("Bridging the Information Gap Between Domain-Specific Model and General LLM for Personalized
Recommendation", 2023, arXiv 2311.03778): an information-sharing module stores user and item embeddings; tokens
`<uid>` and `<iid>` whose embeddings come from that module join the LLM's input; the store starts from a pretrained
domain model; LLM and domain model update it in turn under deep mutual learning (Zhang et al., CVPR 2018,
arXiv 1706.00384); either side predicts alone.

What is our reconstruction, since no equations or settings of the paper are public in a form that we have:
- The store has the domain model's width. Each side reads it through a linear projection without bias; the domain
  side's starts as the identity, so that the pair starts exactly at the pretrained model.
- A domain model without a user table gives its users' states as the start of the user rows.
- Mutual learning compares distributions over the catalogue at a position, by KL(other || own) at a temperature,
  with a weight for each side. The other side's distributions are those at the start of the turn.
- A turn is a number of epochs.

B examples, L positions, P compared positions, N items, d the width of a state.
"""

import torch
from torch import nn
from torch.nn.functional import embedding, kl_div, log_softmax

from corecbench.api import Batch, Budget, Ids, Pretrained, Setup, Side, States, last_position, private_ids
from corecbench_plugins.sharing import BdlmConfig
from corecbench_plugins.sharing.schedule import alternate

EXCLUDED = -1e4
"""A score that leaves an item no probability, and is finite so that 0 * score stays 0."""


class Projected(nn.Module):
    """A table of the store, seen by one side through its projection."""

    def __init__(self, table: nn.Embedding, projection: nn.Linear):
        super().__init__()
        self.table, self.projection = table, projection

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, width of the side]."""
        return self.projection(self.table.weight)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, width of the side]."""
        return self.projection(embedding(index, self.table.weight))


class Bdlm(nn.Module):
    """The store, a projection per side, and mutual learning."""

    def __init__(self, config: BdlmConfig, setup: Setup):
        super().__init__()
        self.config, self.catalog = config, setup.catalog
        self.store: Ids | None = None

    def ids(self, side: Side, width: int) -> Ids:
        """Return the store through a projection; the domain side asks first and decides the store's width."""
        if self.store is None:
            self.store = private_ids(self.catalog.n_users, self.catalog.n_items, width)
        projection = nn.Linear(self.store.item.weight.shape[1], width, bias=False)
        if side == "domain":
            nn.init.eye_(projection.weight)
        return Ids(Projected(self.store.user, projection), Projected(self.store.item, projection))

    def start(self, pretrained: Pretrained) -> None:
        """Fill the store with what the domain model learnt alone."""
        with torch.no_grad():
            self.store.user.weight.copy_(pretrained.user)
            self.store.item.weight.copy_(pretrained.item)

    def turns(self, budget: Budget):
        """Alternate: the LLM first, since the domain model is pretrained already."""
        return alternate(self.config, budget)

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the mutual term: how far the own distribution over the catalogue is from the other side's."""
        weight = self.config.domain_weight if side == "domain" else self.config.llm_weight
        if weight == 0:
            return {}
        own_scores, other_scores = self.comparable_scores(own, other, batch)
        temperature = self.config.temperature
        own_log, other_log = (log_softmax(scores / temperature, dim=1) for scores in (own_scores, other_scores))
        divergence = kl_div(own_log, other_log, log_target=True, reduction="batchmean")
        return {"mutual": weight * temperature**2 * divergence}

    def comparable_scores(self, own: States, other: States, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both sides' scores of the catalogue, float32 [P, N] each.

        Two sides with a state per position are compared at every position. A side with one state per user knows
        the whole history, so the other is read after its last item, and the items of the history, which nobody
        will be recommended again, are left out of both distributions.
        """
        if own.user.dim() == other.user.dim() == 3:
            filled = batch.history != 0
            return own.user[filled] @ own.item[1:].T, other.user[filled] @ other.item[1:].T
        return tuple(
            (last_position(states.user, batch.history) @ states.item.T).scatter(1, batch.history, EXCLUDED)[:, 1:]
            for states in (own, other)
        )
