"""BDLM: one store of user and item embeddings, read by both sides, trained in turns with mutual learning.

What the paper states ("Bridging the Information Gap Between Domain-Specific Model and General LLM for Personalized
Recommendation", 2023, arXiv 2311.03778): an information-sharing module stores user and item embeddings; tokens
`<uid>` and `<iid>` whose embeddings come from that module join the LLM's input; the store starts from a pretrained
domain model; LLM and domain model update it in turn under deep mutual learning (Zhang et al., CVPR 2018,
arXiv 1706.00384); either side predicts alone.

What is our reconstruction, since no equations or settings of the paper are public in a form that we have:
- The store has the domain model's width. Each side reads it through a linear projection without bias; the domain
  side's starts as the identity.
- An item of the store is a row of its own plus a projection, learnt by both sides, of what the LLM makes of the
  item's text. So the domain model reads the LLM's knowledge, and either side can be used without the other.
- Whether the pair starts at the pretrained domain model or at new weights is a setting (`Schedule.start`). From the
  pretrained model the text part starts at zero, so that the pair starts exactly there.
- A domain model without a user table gives its users' states as the start of the user rows.
- Mutual learning compares distributions over the catalogue at positions of a history, drawn anew for each batch,
  by KL(other || own) at a temperature, with a weight for each side. The other side's distributions are those at the
  start of the turn.
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


class Rows(nn.Module):
    """A table of the store: a row for each user or item and, for items, a projection of their texts.

    Where there are texts, rows are left out at random in training, each time anew, so that texts have to be read.
    """

    def __init__(self, table: nn.Embedding, dropout: float):
        super().__init__()
        self.table, self.dropout = table, dropout
        self.text_projection: nn.Linear | None = None

    def read_texts(self, text: torch.Tensor, start_at_zero: bool) -> None:
        """Add a projection of texts, float32 [rows, k], to the rows."""
        self.register_buffer("text", text, persistent=False)
        self.text_projection = nn.Linear(text.shape[1], self.table.weight.shape[1], bias=False, device=text.device)
        if start_at_zero:
            nn.init.zeros_(self.text_projection.weight)

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, width of the store]."""
        return self.with_text(self.table.weight, None)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, width of the store]."""
        return self.with_text(embedding(index, self.table.weight), index)

    def with_text(self, rows: torch.Tensor, index: torch.Tensor | None) -> torch.Tensor:
        """Return rows [*, width] and the projected texts of the items in `index`, or of all, together."""
        if self.text_projection is None:
            return rows
        text = self.text if index is None else self.text[index]
        if self.training and self.dropout:
            rows = rows * (torch.rand(*rows.shape[:-1], 1, device=rows.device) >= self.dropout)
        return rows + self.text_projection(text)


class Projected(nn.Module):
    """A table of the store, seen by one side through its projection."""

    def __init__(self, rows: Rows, projection: nn.Linear, writes: bool):
        super().__init__()
        self.rows, self.projection, self.writes = rows, projection, writes

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, width of the side]."""
        return self.projected(self.rows.weight)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, width of the side]."""
        return self.projected(self.rows(index))

    def projected(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows of the store at the width of the side, with gradients for the store if the side may write."""
        return self.projection(rows if self.writes else rows.detach())


class Bdlm(nn.Module):
    """The store, a projection per side, and mutual learning."""

    def __init__(self, config: BdlmConfig, setup: Setup):
        super().__init__()
        self.config, self.catalog = config, setup.catalog
        self.start_from = config.start
        self.user: Rows | None = None
        self.item: Rows | None = None

    def ids(self, side: Side, width: int) -> Ids:
        """Return the store through a projection; the domain side asks first and decides the store's width."""
        if self.item is None:
            tables = private_ids(self.catalog.n_users, self.catalog.n_items, width)
            self.user, self.item = (Rows(table, self.config.row_dropout) for table in (tables.user, tables.item))
        projection = nn.Linear(self.item.table.weight.shape[1], width, bias=False)
        if side == "domain":
            nn.init.eye_(projection.weight)
        writes = side == "domain" or self.config.llm_writes
        return Ids(*(Projected(rows, projection, writes) for rows in (self.user, self.item)))

    def start(self, pretrained: Pretrained) -> None:
        """Fill the store with what the domain model learnt alone, unless it starts anew, and with the texts."""
        if self.config.start == "pretrained":
            with torch.no_grad():
                self.user.table.weight.copy_(pretrained.user)
                self.item.table.weight.copy_(pretrained.item)
        if self.config.texts and pretrained.text is not None:
            self.item.read_texts(pretrained.text, start_at_zero=self.config.start == "pretrained")

    def turns(self, budget: Budget):
        """Alternate after the domain model's warm-up."""
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

        Two sides with a state per position are compared at P positions. A side with one state per user knows the
        whole history, so the other is read after its last item, and the items of the history, which nobody will be
        recommended again, are left out of both distributions.
        """
        if own.user.dim() == other.user.dim() == 3:
            row, position = self.drawn(torch.nonzero(batch.history)).T
            return tuple(states.user[row, position] @ states.item[1:].T for states in (own, other))
        row = self.drawn(torch.arange(len(batch.user), device=batch.user.device))
        history = batch.history[row]
        return tuple(
            (last_position(states.user[row], history) @ states.item.T).scatter(1, history, EXCLUDED)[:, 1:]
            for states in (own, other)
        )

    def drawn(self, rows: torch.Tensor) -> torch.Tensor:
        """Return at most `positions` of the rows, at random."""
        if len(rows) <= self.config.positions:
            return rows
        return rows[torch.randperm(len(rows), device=rows.device)[: self.config.positions]]
