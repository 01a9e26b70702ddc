"""RecBole's LightGCN over our own graph of the training part."""

import warnings
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.nn.functional import embedding, normalize

from corecbench.api import Batch, IdsFactory, Interactions, Setup, States
from corecbench_plugins.recbole_models.classes import Sizes, base_config, model_class


class LightGCN(nn.Module):
    """LightGCN, trained on the graph of the training part.

    A user's state at test time knows the validation item, as that of every model does: an item of a history that is
    no edge of the graph is added to the user's own neighbours. No other state changes by it.
    """

    examples = "pairs"

    def __init__(self, config, setup: Setup, ids: IdsFactory):
        super().__init__()
        lightgcn = model_class("general_recommender.lightgcn", "LightGCN")
        settings = base_config(setup) | {
            "embedding_size": config.embedding_size,
            "n_layers": config.n_layers,
            "reg_weight": config.regularisation,
            "require_pow": True,
        }
        # RecBole builds its adjacency with a scipy method that is gone; ours is set by `fit`.
        without_graph = type(
            "LightGCN", (lightgcn,), {"get_norm_adj_mat": lambda model: torch.zeros(0), "__module__": __name__}
        )
        self.model = without_graph(settings, Sizes(setup))
        tables = ids(config.embedding_size)
        self.model.user_embedding, self.model.item_embedding = tables.user, tables.item
        self.device, self.temperature = setup.device, config.temperature

    def fit(self, train: Interactions) -> None:
        """Build the graph of the training interactions."""
        n_users, n_items = self.model.n_users, self.model.n_items
        graph = normalised_adjacency(train.user, train.item, n_users, n_items)
        self.model.norm_adj_matrix = SymmetricGraph(graph.to(self.device))
        edges = np.unique(train.user * n_items + train.item)
        self.edges = torch.as_tensor(edges, device=self.device)
        self.user_degree, self.item_degree = (
            torch.as_tensor(np.bincount(ends, minlength=n), device=self.device)
            for ends, n in ((edges // n_items, n_users), (edges % n_items, n_items))
        )

    def states(self, batch: Batch) -> States:
        """Return the propagated states of the batch's users and of all items."""
        users, items = self.model()
        states = States(user=embedding(batch.user, users), item=items)
        if not self.training:
            states = replace(states, user=self.with_new_items(states.user, batch))
        if not self.temperature:
            return states
        return States(normalize(states.user, dim=1) / self.temperature, normalize(states.item, dim=1))

    def with_new_items(self, user: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return user states [B, d] with the items of the histories that are no edges of the graph as neighbours.

        A state is the mean over K+1 layers: (own row + sum over neighbours and layers 0 to K-1 of item rows, each
        divided by the root of both degrees) / (K+1).
        """
        new = (batch.history != 0) & ~torch.isin(
            batch.user[:, None] * self.model.n_items + batch.history, self.edges
        )
        if not new.any():
            return user
        before = self.user_degree[batch.user]  # [B]
        after = before + new.sum(dim=1)
        summed = self.lower_layers()  # [N+1, d]
        weight = new / ((after.clamp(min=1)[:, None]) * (self.item_degree[batch.history] + 1)).sqrt()  # [B, L]
        added = (embedding(batch.history, summed) * weight[:, :, None]).sum(dim=1)  # [B, d]
        n_layers = self.model.n_layers + 1
        own = self.model.user_embedding(batch.user)
        shrunk = (before / after.clamp(min=1)).sqrt()[:, None]  # the old neighbours share with the new ones
        return (own + shrunk * (user * n_layers - own) + added) / n_layers

    def lower_layers(self) -> torch.Tensor:
        """Return the sum of all layers of the items but the last, float32 [N+1, d]."""
        n_layers = self.model.n_layers
        self.model.n_layers = n_layers - 1
        try:
            return self.model()[1] * n_layers
        finally:
            self.model.n_layers = n_layers


class SymmetricGraph:
    """A symmetric sparse matrix that `torch.sparse.mm` multiplies by.

    Its gradient needs the transposed matrix, which torch makes anew in each backward; this one is its own.
    """

    def __init__(self, matrix: torch.Tensor):
        self.matrix = matrix

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        """Take part in `torch.sparse.mm(graph, rows)`, the only function that knows this class."""
        if function is not torch.sparse.mm:
            return NotImplemented
        graph, rows = args
        return SymmetricProduct.apply(graph.matrix, rows)


class SymmetricProduct(torch.autograd.Function):
    """The product of a symmetric sparse matrix [M, M] and rows [M, d]."""

    @staticmethod
    def forward(ctx, matrix, rows):
        """Multiply, and keep the matrix for the gradient."""
        ctx.matrix = matrix
        return torch.sparse.mm(matrix, rows)

    @staticmethod
    def backward(ctx, gradient):
        """Return the gradient of the rows."""
        return None, torch.sparse.mm(ctx.matrix, gradient)


class BprLightGCN(LightGCN):
    """LightGCN trained as in its paper."""

    def loss(self, batch: Batch, states: States) -> torch.Tensor:
        """Return BPR on the propagated states plus the squared norm of the batch's own embeddings."""
        positive = (states.user * embedding(batch.target, states.item)).sum(dim=1)  # [B]
        negative = (states.user * embedding(batch.negatives, states.item)).sum(dim=1)  # [B]
        own = (
            self.model.user_embedding(batch.user),
            self.model.item_embedding(batch.target),
            self.model.item_embedding(batch.negatives),
        )
        penalty = self.model.reg_loss(*own, require_pow=True).squeeze()
        return self.model.mf_loss(positive, negative) + self.model.reg_weight * penalty


def build_lightgcn(config, setup: Setup, ids: IdsFactory) -> LightGCN:
    """Build LightGCN for BPR or, where negatives are sampled for each batch, for the sampled softmax."""
    return (LightGCN if config.negatives else BprLightGCN)(config, setup, ids)


def normalised_adjacency(user: np.ndarray, item: np.ndarray, n_users: int, n_items: int) -> torch.Tensor:
    """Return D^-1/2 A D^-1/2 of the bipartite graph, users first, as a sparse CSR tensor.

    Args:
        user: int64 [M].
        item: int64 [M]; repeated pairs count once.
        n_users: rows of the user table, padding included.
        n_items: rows of the item table, padding included.
    """
    edges = np.unique(np.stack([user, item + n_users]), axis=1)
    row, column = np.concatenate([edges, edges[::-1]], axis=1)
    n_nodes = n_users + n_items
    degree = np.bincount(row, minlength=n_nodes)
    weight = 1 / np.sqrt(degree[row] * degree[column])
    index = torch.as_tensor(np.stack([row, column]))
    with warnings.catch_warnings():  # torch announces that CSR is in beta
        warnings.simplefilter("ignore")
        graph = torch.sparse_coo_tensor(index, torch.as_tensor(weight, dtype=torch.float32), (n_nodes, n_nodes))
        return graph.coalesce().to_sparse_csr()
