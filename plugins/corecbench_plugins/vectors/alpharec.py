"""AlphaRec: states of users and items are made of vectors of the items' texts alone, and no row of ids is learnt.

B examples, L positions of a history, U users who train, N items, k the width of a vector, d that of a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from scipy import sparse
from torch import nn
from torch.nn.functional import embedding, embedding_bag, normalize

from corecbench.api import Batch, IdsFactory, Interactions, Setup, States
from corecbench.toolkit import mean_texts
from corecbench_plugins.vectors.rows import rows_of, text_of

if TYPE_CHECKING:
    from corecbench_plugins.vectors.settings import AlphaRecConfig


class AlphaRec(nn.Module):
    """Maps vectors of items, and their means over users, by one network, and propagates both over the graph.

    With z the vectors and f the network, an item begins as f(z) and a user as f of the mean z of their items. As in
    LightGCN a layer sums over neighbours, each divided by the root of both degrees, and a state is the mean of all
    layers. Cosines, divided by a temperature, are trained by the sampled softmax. Source: Sheng et al., ICLR 2025,
    arXiv 2407.05441. What differs: a batch's examples share their negatives; at test time a user is made of the
    history, so that the validation item counts.
    """

    examples: Literal["pairs"] = "pairs"
    text: torch.Tensor
    """float32 [N+1, k], the transformed vectors."""

    def __init__(self, config: AlphaRecConfig, setup: Setup, ids: IdsFactory) -> None:
        """Read the file."""
        super().__init__()
        self.config, self.n_users = config, setup.catalog.n_users
        text = text_of(rows_of(config, setup.catalog), config, setup.catalog.n_new_items)
        self.register_buffer("text", text, persistent=False)
        self.network = nn.Sequential(
            nn.Linear(text.shape[1], config.hidden_size),
            nn.LeakyReLU(),
            nn.Linear(config.hidden_size, config.embedding_size),
        )
        self.kept: tuple[tuple[int, ...], list[torch.Tensor]] | None = None
        self.to(setup.device)

    def fit(self, train: Interactions) -> None:
        """Build the graph of the training interactions, and the mean vector of each user who has some."""
        users, row = np.unique(train.user, return_inverse=True)
        seen = sparse.csr_matrix((np.ones(len(row)), (row, train.item)), (len(users), len(self.text)), np.float32)
        seen.data[:] = 1  # repeated pairs count once
        by_user, by_item = (np.maximum(np.asarray(seen.sum(axis=axis)).ravel(), 1) for axis in (1, 0))
        device = self.text.device
        graph = sparse.diags(by_user**-0.5) @ seen @ sparse.diags(by_item**-0.5)
        self.of_users, self.of_items = WeightedSums(graph, device), WeightedSums(graph.T, device)
        self.user_text = WeightedSums(sparse.diags(1 / by_user) @ seen, device).of(self.text)  # [U, k]
        self.item_degree = torch.as_tensor(by_item, device=device)
        places = np.zeros(self.n_users + 1, dtype=np.int64)
        places[users] = np.arange(len(users))
        self.place = torch.as_tensor(places, device=device)

    def states(self, batch: Batch) -> States:
        """Return the states of the batch's users [B, d] and of all items [N+1, d], divided by the temperature."""
        if self.training or torch.is_grad_enabled():
            users, layers = self.propagated()
            user = embedding(self.place[batch.user], users)
        else:
            layers = self.remembered()
            user = self.of_histories(batch.history, layers)
        item = torch.stack(layers).mean(dim=0)
        return States(normalize(user, dim=1) / self.config.temperature, normalize(item, dim=1))

    def propagated(self) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the states of users who train, [U, d], and each layer of the items, [N+1, d]."""
        users, items = [self.network(self.user_text)], [self.network(self.text)]
        for _ in range(self.config.n_layers):
            from_items = self.of_users.of(items[-1])
            items.append(self.of_items.of(users[-1]))
            users.append(from_items)
        return torch.stack(users).mean(dim=0), items

    def remembered(self) -> list[torch.Tensor]:
        """Return the layers of the items, which are kept from batch to batch until a weight changes."""
        versions = tuple(weight._version for weight in self.parameters())
        if self.kept is None or self.kept[0] != versions:
            self.kept = versions, self.propagated()[1]
        return self.kept[1]

    def of_histories(self, history: torch.Tensor, layers: list[torch.Tensor]) -> torch.Tensor:
        """Return the states of users with these histories, [B, d]: those of the graph where it has all items."""
        length = (history != 0).sum(dim=1, keepdim=True).clamp(min=1)  # [B, 1]
        weight = (history != 0) / (length * self.item_degree[history]).sqrt()  # [B, L]
        own = self.network(mean_texts(history, self.text, 1.0))
        below = torch.stack(layers[:-1]).sum(dim=0) if len(layers) > 1 else torch.zeros_like(layers[0])
        state: torch.Tensor = (own + (embedding(history, below) * weight[:, :, None]).sum(dim=1)) / len(layers)
        return state

    def train(self, mode: bool = True) -> AlphaRec:
        """Switch to training or evaluation, and forget what was kept."""
        self.kept = None
        return super().train(mode)


class WeightedSums:
    """A sparse matrix [M, R] of scipy, as sums over the rows of a table."""

    def __init__(self, matrix: sparse.spmatrix, device: torch.device | str) -> None:
        rows = matrix.tocsr()
        self.column = torch.as_tensor(rows.indices.astype(np.int64), device=device)
        self.start = torch.as_tensor(rows.indptr[:-1].astype(np.int64), device=device)
        self.weight = torch.as_tensor(rows.data.astype(np.float32), device=device)

    def of(self, table: torch.Tensor) -> torch.Tensor:
        """Return the product with a table [R, d], float32 [M, d]."""
        return embedding_bag(self.column, table, self.start, per_sample_weights=self.weight, mode="sum")
