"""CTRL: what both sides make of the same user, and of the same item, is drawn together and told from all others.

What the paper states (Li et al., "CTRL: Connect Collaborative and Language Model for CTR Prediction", 2023, arXiv
2306.02841): the same samples are given to a collaborative model as a table and to a language model as text; a
cross-modal alignment of fine grain integrates both kinds of knowledge; the collaborative model is then fine-tuned
for the task and serves alone.

What is our reconstruction:
- InfoNCE (van den Oord et al., 2018, arXiv 1807.03748) in both directions between the sides' user states at places
  of a batch, and between their states of the items in it: the same place or item is to be found among all of the
  batch, by similarity over `temperature`.
- Each side has a linear head per kind of state into the common space. Fine grain: a head gives `subspaces` vectors
  of `common_size`; the similarity is the mean over one side's of the largest cosine with the other side's (late
  interaction, as in FILIP, Yao et al., ICLR 2022, arXiv 2111.07783).
- The alignment is a coupling loss beside the task loss in the turns of both sides, not a stage before it, since
  either side is evaluated here. Tables are private.
- Heads train in the turns of their side. They need states as wide as the side's id tables.

P places or items, s subspaces, c the width of the common space.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, embedding, linear, normalize

from corecbench.api import Batch, Ids, PluginError, Setup, Side, States
from corecbench_plugins.sharing.compared import drawn, places
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import CtrlConfig


class Heads(nn.Module):
    """Linear maps from a side's states of users and of items into the common space."""

    def __init__(self, width: int, common_size: int) -> None:
        super().__init__()
        self.user, self.item = (nn.Linear(width, common_size, bias=False) for _ in range(2))


class Ctrl(Private):
    """Private tables, heads for each side, and contrastive alignment."""

    config: CtrlConfig

    def __init__(self, config: CtrlConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.heads: dict[Side, Heads] = {}

    def ids(self, side: Side, width: int) -> Ids:
        """Return private tables; the heads have their width."""
        tables = super().ids(side, width)
        self.heads[side] = Heads(width, self.config.subspaces * self.config.common_size)
        return tables

    def trained_with(self, side: Side) -> nn.Module:
        """Return the heads of a side, which train with its model."""
        return self.heads[side]

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the alignment of users and of items."""
        if self.config.weight == 0:
            return {}
        at = places(own, other, batch, self.config.positions)
        same = None if at.position is not None else batch.user[at.row]
        items = drawn(torch.unique(batch.history.flatten()[batch.places]), self.config.positions)
        own_items, other_items = (embedding(items, states.item) for states in (own, other))
        return {
            "users": self.config.weight * self.aligned(side, "user", at.own, at.other, same),
            "items": self.config.weight * self.aligned(side, "item", own_items, other_items),
        }

    def aligned(
        self, side: Side, head: str, own: torch.Tensor, other: torch.Tensor, same: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return InfoNCE between states [P, d] of both sides."""
        partner: Side = "llm" if side == "domain" else "domain"
        heads = getattr(self.heads[side], head).weight, getattr(self.heads[partner], head).weight.detach()
        common = []
        for states, weight in zip((own, other), heads, strict=True):
            if states.shape[1] != weight.shape[1]:
                raise PluginError(f"states are {states.shape[1]} wide, needed is the id tables' {weight.shape[1]}")
            common.append(linear(states, weight).unflatten(1, (self.config.subspaces, -1)))  # [P, s, c]
        return info_nce(common[0], common[1], self.config.temperature, same)


def info_nce(
    own: torch.Tensor, other: torch.Tensor, temperature: float, same: torch.Tensor | None = None
) -> torch.Tensor:
    """Return InfoNCE between vectors [P, s, c] of both sides, the mean of both directions.

    Args:
        own: of one side.
        other: of the other side, row by row of the same users or items.
        temperature: of the similarities.
        same: int64 [P], rows of the same number are not told apart; None if all differ.
    """
    cosine = torch.einsum("isc,jtc->ijst", normalize(own, dim=2), normalize(other, dim=2))  # [P, P, s, s]
    similarity = cosine.amax(dim=3).mean(dim=2) / temperature  # [P, P]
    if same is not None:
        itself = torch.eye(len(same), dtype=torch.bool, device=same.device)
        similarity = similarity.masked_fill((same[:, None] == same) & ~itself, -torch.inf)
    label = torch.arange(len(similarity), device=similarity.device)
    return (cross_entropy(similarity, label) + cross_entropy(similarity.T, label)) / 2
