"""The component `lightgcn`: RecBole's LightGCN over our own graph of the training part.

B users, L positions of a history, N items, d the width of a state.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import embedding, normalize

from corecbench.api import Batch, IdsFactory, Interactions, Setup, States
from corecbench_plugins.recbole_models.adjacency import SymmetricGraph, distinct, normalised_adjacency
from corecbench_plugins.recbole_models.classes import Sizes, base_config, model_class
from corecbench_plugins.recbole_models.settings import LightGCNConfig


class LightGCN(nn.Module):
    """LightGCN, trained on the graph of the training part.

    A user's state at test time knows the validation item, like the states of every model: an item of the history
    that is no edge of the graph is added to the neighbours of this user. It changes no other state.
    """

    examples = "pairs"

    def __init__(self, config: LightGCNConfig, setup: Setup, ids: IdsFactory) -> None:
        super().__init__()
        lightgcn = model_class("general_recommender.lightgcn", "LightGCN")
        settings = base_config(setup) | {
            "embedding_size": config.embedding_size,
            "n_layers": config.n_layers,
            "reg_weight": config.regularisation,
            "require_pow": True,
        }
        # RecBole builds its adjacency with a method that scipy has removed; `fit` sets ours.
        without_graph = type(
            "LightGCN", (lightgcn,), {"get_norm_adj_mat": lambda model: torch.zeros(0), "__module__": __name__}
        )
        self.model: Any = without_graph(settings, Sizes(setup))
        tables = ids(config.embedding_size)
        self.model.user_embedding, self.model.item_embedding = tables.user, tables.item
        if not config.user_rows:
            self.model.user_embedding = nn.Embedding.from_pretrained(
                torch.zeros(setup.catalog.n_users + 1, config.embedding_size)
            )
        self.device, self.temperature = setup.device, config.temperature
        self.kept: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.kept_at: tuple[int, ...] = ()

    def fit(self, train: Interactions) -> None:
        """Build the graph of the training interactions."""
        n_users, n_items = self.model.n_users, self.model.n_items
        graph = normalised_adjacency(train.user, train.item, n_users, n_items)
        self.model.norm_adj_matrix = SymmetricGraph(graph.to(self.device))
        edges = distinct(train.user * n_items + train.item)
        self.edges = torch.as_tensor(edges, device=self.device)
        self.user_degree, self.item_degree = (
            torch.as_tensor(np.bincount(ends, minlength=n), device=self.device)
            for ends, n in ((edges // n_items, n_users), (edges % n_items, n_items))
        )

    def states(self, batch: Batch) -> States:
        """Return the propagated states of the batch's users and of all items."""
        users, items = self.propagated(self.model.n_layers)
        states = States(user=embedding(batch.user, users), item=items)
        if not self.training:
            states = replace(states, user=self.with_new_items(states.user, batch))
        if not self.temperature:
            return states
        return States(normalize(states.user, dim=1) / self.temperature, normalize(states.item, dim=1))

    def with_new_items(self, user: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return user states [B, d] with all items of the histories as neighbours, also those that are no edges.

        A state is the mean over K+1 layers: (own row + sum over neighbours and layers 0 to K-1 of item rows, each
        divided by the root of both degrees) / (K+1).
        """
        pair = batch.user[:, None] * self.model.n_items + batch.history
        place = torch.searchsorted(self.edges, pair).clamp(max=len(self.edges) - 1)  # `isin` would sort all edges
        new = (batch.history != 0) & (self.edges[place] != pair)
        if not new.any():
            return user
        before = self.user_degree[batch.user]  # [B]
        after = before + new.sum(dim=1)
        summed = self.lower_layers()  # [N+1, d]
        weight = new / ((after.clamp(min=1)[:, None]) * (self.item_degree[batch.history] + 1)).sqrt()  # [B, L]
        added = (embedding(batch.history, summed) * weight[:, :, None]).sum(dim=1)  # [B, d]
        n_layers = self.model.n_layers + 1
        own: torch.Tensor = self.model.user_embedding(batch.user)
        shrunk = (before / after.clamp(min=1)).sqrt()[:, None]  # the weight of old neighbours falls with the degree
        state: torch.Tensor = (own + shrunk * (user * n_layers - own) + added) / n_layers
        return state

    def lower_layers(self) -> torch.Tensor:
        """Return the sum of all layers of the items except the last, float32 [N+1, d]."""
        n_layers: int = self.model.n_layers
        return self.propagated(n_layers - 1)[1] * n_layers

    def propagated(self, n_layers: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the states of all users and of all items after so many layers.

        They do not depend on the batch. So in evaluation they are kept from batch to batch, until a weight changes.
        """
        if self.training or torch.is_grad_enabled():
            return self.propagate(n_layers)
        versions = tuple(weight._version for weight in (*self.parameters(), *self.buffers()))
        if versions != self.kept_at:
            self.kept, self.kept_at = {}, versions
        if n_layers not in self.kept:
            self.kept[n_layers] = self.propagate(n_layers)
        return self.kept[n_layers]

    def propagate(self, n_layers: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return RecBole's propagation over the graph through so many layers."""
        all_layers, self.model.n_layers = self.model.n_layers, n_layers
        try:
            states: tuple[torch.Tensor, torch.Tensor] = self.model()
        finally:
            self.model.n_layers = all_layers
        return states

    def train(self, mode: bool = True) -> "LightGCN":
        """Switch to training or evaluation, and forget the states that were kept."""
        self.kept, self.kept_at = {}, ()
        return super().train(mode)


class BprLightGCN(LightGCN):
    """LightGCN trained by BPR, as in its paper."""

    def loss(self, batch: Batch, states: States) -> torch.Tensor:
        """Return BPR on the propagated states plus the squared norm of the batch's own embeddings.

        The norm is that of RecBole's `reg_loss`, which would wait for a GPU.
        """
        if batch.target is None or batch.negatives is None:
            raise ValueError("BPR needs a batch of pairs with targets and negatives")
        positive = (states.user * embedding(batch.target, states.item)).sum(dim=1)  # [B]
        negative = (states.user * embedding(batch.negatives, states.item)).sum(dim=1)  # [B]
        rows = (
            self.model.user_embedding(batch.user),
            self.model.item_embedding(batch.target),
            self.model.item_embedding(batch.negatives),
        )
        penalty = sum(torch.norm(row, p=2).pow(2) for row in rows) / len(batch.user) / 2
        loss: torch.Tensor = self.model.mf_loss(positive, negative) + self.model.reg_weight * penalty
        return loss


def build_lightgcn(config: LightGCNConfig, setup: Setup, ids: IdsFactory) -> LightGCN:
    """Build LightGCN, to be trained by BPR or, with sampled negatives, by the sampled softmax."""
    return (LightGCN if config.negatives else BprLightGCN)(config, setup, ids)
