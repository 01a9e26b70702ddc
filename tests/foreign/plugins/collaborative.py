"""collaborative: the LLM reads what the recommender makes of items, and follows it along each sample's own history.

As CoLLM: Zhang et al., 2023, arXiv 2310.19488: collaborative embeddings mapped into the LLM's input. B examples, L
positions, N items, d the width of the recommender's states, D that of the LLM's.
"""

import torch
from torch.nn.functional import kl_div, log_softmax

from corecbench.api import Batch, Ids, SharingComponent, Turn, hookimpl, last_position, private_ids


class Mapped(torch.nn.Module):
    """A table of frozen rows behind a layer."""

    def __init__(self, n_rows, width):
        super().__init__()
        self.width = width
        self.register_buffer("rows", torch.zeros(n_rows, 1), persistent=False)
        self.layer = torch.nn.Linear(1, width, bias=False)

    def read(self, rows):
        self.rows, self.layer = rows, torch.nn.Linear(rows.shape[1], self.width, bias=False).to(rows.device)

    @property
    def weight(self):
        return self.layer(self.rows)

    def forward(self, index):
        return self.layer(self.rows[index])


class Collaborative:
    """Of a graph model these are the rows after propagation; of a sequential one the states of the very sample."""

    def __init__(self, config, setup):
        self.catalog = setup.catalog

    def ids(self, side, width):
        if side == "domain":
            self.tables = private_ids(self.catalog.n_users, self.catalog.n_items, width)
            return self.tables
        self.user, self.item = (Mapped(n + 1, width) for n in (self.catalog.n_users, self.catalog.n_items))
        return Ids(self.user, self.item)

    def start(self, pretrained):
        with torch.no_grad():
            self.tables.user.weight.copy_(pretrained.user)
            self.tables.item.weight.copy_(pretrained.item)
        self.alone, trained = pretrained.states, pretrained.training_states()
        self.user.read(trained.user)
        self.item.read(trained.item)

    def turns(self, budget):
        return [Turn("llm", budget.llm_epochs)] if budget.llm_epochs else []

    def losses(self, side, own, other, batch):
        if side == "domain":
            return {}
        alone = self.alone(Batch(batch.user, batch.history))
        scores = [
            last_position(states.user, batch.history) @ states.item[1 : len(own.item)].T for states in (own, alone)
        ]
        own_log, their_log = (log_softmax(each, dim=1) for each in scores)  # [B, N]
        return {"follows": 0.5 * kl_div(own_log, their_log, log_target=True, reduction="batchmean")}


@hookimpl
def corecbench_sharing_modules():
    """Offer the module."""
    return [SharingComponent("collaborative", Collaborative, summary="the LLM reads what the recommender makes")]
