"""BDLM: one store of user and item embeddings, read by both sides, trained in turns with mutual learning.

What the paper states ("Bridging the Information Gap Between Domain-Specific Model and General LLM for Personalized
Recommendation", 2023, arXiv 2311.03778): an information-sharing module stores user and item embeddings; tokens
`<uid>` and `<iid>` whose embeddings come from that module join the LLM's input; the store starts from a pretrained
domain model; LLM and domain model update it in turn under deep mutual learning (Zhang et al., CVPR 2018,
arXiv 1706.00384); either side predicts alone.

What is our reconstruction, since no equations or settings of the paper are public in a form that we have:
- The store has the domain model's width. Each side reads it through a linear projection without bias; the domain
  side's starts as the identity.
- An item of the store is a row of its own plus what the LLM makes of its text: a learnt projection of the text's
  summary, and a learnt share of the mean row of the items whose texts the LLM finds nearest (as graphs of items by
  content in LATTICE, Zhang et al., MM 2021, arXiv 2104.09036). So what is learnt of an item serves those like it,
  the domain model reads the LLM's knowledge, and either side can be used without the other.
- Whether the pair starts at the pretrained domain model or at new weights is a setting (`Schedule.start`). From the
  pretrained model the text part starts at zero, so that the pair starts exactly there.
- A domain model without a user table gives its users' states as the start of the user rows.
- `<uid>` tells the LLM nothing unless that is asked for (`llm_reads_users`): user rows give its targets away.
- Mutual learning compares distributions over the catalogue at positions of a history, drawn anew for each batch,
  by KL(other || own) at a temperature, with a weight for each side. The other side's distributions are those at the
  start of the turn.
- A turn is a number of epochs.
"""

import torch
from torch import nn
from torch.nn.functional import kl_div, log_softmax

from corecbench.api import Batch, Budget, Ids, Pretrained, Setup, Side, States, private_ids
from corecbench_plugins.sharing import BdlmConfig
from corecbench_plugins.sharing.compared import comparable_scores
from corecbench_plugins.sharing.schedule import alternate
from corecbench_plugins.sharing.store import Blank, Projected, Rows


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
        user, item = (Projected(rows, projection, writes) for rows in (self.user, self.item))
        if side == "llm" and not self.config.llm_reads_users:
            user = Blank(self.catalog.n_users + 1, width)
        return Ids(user, item)

    def start(self, pretrained: Pretrained) -> None:
        """Fill the store with what the domain model learnt alone, unless it starts anew, and with the texts."""
        if self.config.start == "pretrained":
            with torch.no_grad():
                self.user.table.weight.copy_(pretrained.user)
                self.item.table.weight.copy_(pretrained.item)
        if self.config.texts and pretrained.text is not None:
            at_zero = self.config.start == "pretrained"
            self.item.read_texts(pretrained.text, self.config.neighbours, start_at_zero=at_zero)

    def turns(self, budget: Budget):
        """Alternate after the domain model's warm-up."""
        return alternate(self.config, budget)

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the mutual term: how far the own distribution over the catalogue is from the other side's."""
        weight = self.config.domain_weight if side == "domain" else self.config.llm_weight
        if weight == 0:
            return {}
        own_scores, other_scores, _ = comparable_scores(own, other, batch, self.config.positions)
        temperature = self.config.temperature
        own_log, other_log = (log_softmax(scores / temperature, dim=1) for scores in (own_scores, other_scores))
        divergence = kl_div(own_log, other_log, log_target=True, reduction="batchmean")
        return {"mutual": weight * temperature**2 * divergence}
