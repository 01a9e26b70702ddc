"""aligned: a recommender whose items and users are drawn to what a frozen LLM says of texts, as by RLMRec.

Ren et al., "Representation Learning with Large Language Models for Recommendation", WWW 2024, arXiv 2310.15950.
B examples, N items, d the width of a state.
"""

import torch
from torch.nn.functional import cross_entropy, normalize

from corecbench.api import SharingComponent, Turn, hookimpl, last_position, private_ids
from corecbench.toolkit import mean_texts

TEMPERATURE, WEIGHT = 0.2, 0.1


class Aligned:
    """The LLM has no turn: its losses are called all the same, since they need no trained partner."""

    start_from = "new"

    def __init__(self, config, setup):
        self.catalog = setup.catalog

    def ids(self, side, width):
        if side == "domain":
            self.width = width
        return private_ids(self.catalog.n_users, self.catalog.n_items, width)

    def start(self, pretrained):
        self.text = normalize(pretrained.text.float(), dim=1)  # [N+1, k]
        self.head = torch.nn.Linear(self.text.shape[1], self.width)

    def trained_with(self, side):
        return self.head if side == "domain" else None

    def turns(self, budget):
        return [Turn("domain", budget.domain_epochs)] if budget.domain_epochs else []

    def losses(self, side, own, other, batch):
        if side == "llm":
            return {}
        item = batch.target[batch.target > 0].unique()
        profile = mean_texts(batch.history, self.text, decay=1.0)  # [B, k]
        user = last_position(own.user, batch.history)  # [B, d]
        return {
            "items": WEIGHT * told_apart(own.item[item], self.head(self.text[item])),
            "users": WEIGHT * told_apart(user, self.head(profile)),
        }


def told_apart(states, texts):
    """InfoNCE: each state is nearest to the text of its own."""
    near = normalize(states, dim=1) @ normalize(texts, dim=1).T / TEMPERATURE
    return cross_entropy(near, torch.arange(len(near), device=near.device))


@hookimpl
def corecbench_sharing_modules():
    """Offer the module."""
    summary = "states drawn to frozen texts"
    return [SharingComponent("aligned", Aligned, couples_with_untrained=True, reads_other=False, summary=summary)]
