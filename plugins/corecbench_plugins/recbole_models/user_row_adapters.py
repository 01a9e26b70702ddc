"""Adapters of RecBole's general models whose users are rows of a table, or are not distinguished at all.

B examples, N items, d the width of a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import embedding, normalize

from corecbench.api import Batch, States
from corecbench_plugins.recbole_models.adapter import Adapter, PairTraining, UserTraining, own_scores, targets_of
from corecbench_plugins.recbole_models.adjacency import normalised_adjacency

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench_plugins.recbole_models.adapter import RecBoleModel
    from corecbench_plugins.recbole_models.training_part import TrainingPart


class RowProducts(PairTraining):
    """A model that scores by the inner product of a user's row and an item's row."""

    def states(self, batch: Batch) -> States:
        """Return the rows."""
        return States(self.model.user_embedding(batch.user), self.model.item_embedding.weight)


class Line(RowProducts):
    """LINE also draws negative users (Tang et al., WWW 2015, arXiv 1503.03578)."""

    def adapt(self, part: TrainingPart) -> None:
        """Draw negative users by our own sampler. RecBole's never ends for an item that all users have met."""
        self.model.sampler = self.unseen.draw_users


class Enmf(UserTraining):
    """ENMF weights the factors of a product (Chen et al., TOIS 2020)."""

    def states(self, batch: Batch) -> States:
        """Return the user rows times the weights, and the item rows."""
        weight = self.model.H_i.weight  # [1, d]
        return States(self.model.user_embedding(batch.user) * weight, self.model.item_embedding.weight)


class SimpleX(PairTraining):
    """SimpleX mixes a user's row with the mean of the history, and compares cosines (Mao et al., CIKM 2021).

    arXiv 2109.12613. Each pair has `train_neg_sample_args.sample_num` negatives.
    """

    def states(self, batch: Batch) -> States:
        """Return the directions of the mixed rows and of the item rows."""
        model = self.model
        length = (batch.history != 0).sum(dim=1)
        mixed = model.get_UI_aggregation(model.user_emb(batch.user), model.item_emb(batch.history), length)
        return States(normalize(mixed, dim=1), normalize(model.item_emb.weight, dim=1))

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the model's own loss. RecBole repeats each pair as often as it has negatives."""
        n = self.model.neg_seq_len
        user, item = batch.user.repeat(n), targets_of(batch).repeat(n)
        return self.own_loss({"user": user, "item": item, "negative_item": self.unseen.draw_items(user)})


class Propagation(PairTraining):
    """A model that propagates rows over the graph of the training part.

    RecBole builds the matrices of the graph with a method that scipy has removed, so ours replace them.
    """

    propagated: tuple[States, Any] | None = None
    """The states returned last in training, and the output of the model's `forward` that they come from."""

    def overrides(self) -> dict[str, Callable[..., Any]]:
        """Replace the methods that build matrices."""
        return MATRIX_METHODS

    def states(self, batch: Batch) -> States:
        """Return the propagated rows."""
        output = self.model()
        states = States(embedding(batch.user, output[0]), output[1])
        self.propagated = (states, output) if self.training else None
        return states

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the model's own loss. Rows that were propagated for these states are not propagated again."""
        propagated, self.propagated = self.propagated, None
        if propagated is None or propagated[0] is not states:
            return super().loss(batch, states)
        self.model.forward = lambda: propagated[1]
        try:
            return super().loss(batch, states)
        finally:
            del self.model.forward


class Dgcf(Propagation):
    """DGCF disentangles intents (Wang et al., SIGIR 2020, arXiv 2007.01764)."""

    def adapt(self, part: TrainingPart) -> None:
        """Let the model compare at most as many rows as there are."""
        self.model.cor_batch_size = min(self.model.cor_batch_size, part.user_num, part.item_num)


class Sgl(Propagation):
    """SGL contrasts two damaged graphs, drawn anew for each epoch (Wu et al., SIGIR 2021, arXiv 2010.10783)."""

    def overrides(self) -> dict[str, Callable[..., Any]]:
        """Replace RecBole's `train`, which draws graphs at each switch to training; here `begin_epoch` does."""
        return {"train": torch.nn.Module.train}

    def begin_epoch(self) -> None:
        """Draw the damaged graphs."""
        self.model.graph_construction()

    def states(self, batch: Batch) -> States:
        """Return the rows propagated over the whole graph."""
        users, items = self.model(self.model.train_graph)
        return States(embedding(batch.user, users), items)


class Ncl(Propagation):
    """NCL contrasts neighbours, and clusters made anew for each epoch (Lin et al., WWW 2022, arXiv 2202.06200)."""

    def begin_epoch(self) -> None:
        """Compute the clusters."""
        self.model.e_step()

    def counted_parts(self, parts: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Leave out the loss of clusters in the first `warm_up_step` epochs."""
        return parts[:-1] if self.epoch <= self.settings["warm_up_step"] else parts

    def overrides(self) -> dict[str, Callable[..., Any]]:
        """Replace the methods that build matrices, and RecBole's clustering, which needs faiss on a GPU."""
        return {**MATRIX_METHODS, "run_kmeans": kmeans_clusters}


def kmeans_clusters(model: RecBoleModel, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the directions of at most `num_clusters` centres, and the nearest centre of each row."""
    from sklearn.cluster import KMeans

    kmeans = KMeans(min(model.k, len(rows)), n_init=1, random_state=np.random.randint(2**31)).fit(rows)
    centres = torch.as_tensor(kmeans.cluster_centers_, dtype=torch.float32, device=model.device)
    return normalize(centres, dim=1), torch.as_tensor(kmeans.labels_, dtype=torch.int64, device=model.device)


class FittedScores(Adapter):
    """A model whose scores of each user are known once it is built, and are no inner products of tables."""

    examples = "pairs"
    learns_when_built = True

    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores, float32 [B, N+1]."""
        return own_scores(self, batch)


class Gcmc(PairTraining):
    """GCMC (van den Berg et al., 2017, arXiv 1706.02263)."""

    def overrides(self) -> dict[str, Callable[..., Any]]:
        """Replace the methods that build matrices."""
        return MATRIX_METHODS

    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores, float32 [B, N+1]."""
        return own_scores(self, batch)


class Pop(FittedScores):
    """Pop scores an item by its number of training interactions."""

    def adapt(self, part: TrainingPart) -> None:
        """Count interactions. RecBole counts an item once for each batch that it occurs in."""
        count = torch.as_tensor(np.bincount(part.train.item, minlength=part.item_num))
        self.model.item_cnt, self.model.max_cnt = count[:, None].to(self.setup.device), count.max()


def training_adjacency(model: RecBoleModel) -> torch.Tensor:
    """Return D^-1/2 A D^-1/2 of the training graph, users first, as a sparse CSR tensor."""
    matrix = model.interaction_matrix
    return normalised_adjacency(
        matrix.row.astype(np.int64), matrix.col.astype(np.int64), model.n_users, model.n_items
    )


def random_walk_laplacian(model: RecBoleModel) -> torch.Tensor:
    """Return I - D^-1 A of the training graph, as a sparse COO tensor."""
    matrix = model.interaction_matrix
    row, column = matrix.row.astype(np.int64), matrix.col.astype(np.int64) + model.n_users
    index = torch.as_tensor(np.stack([np.concatenate([row, column]), np.concatenate([column, row])]))
    n_nodes = model.n_users + model.n_items
    degree = torch.bincount(index[0], minlength=n_nodes)
    walk = torch.sparse_coo_tensor(index, 1 / degree[index[0]].float(), (n_nodes, n_nodes))
    laplacian: torch.Tensor = model.get_eye_mat(n_nodes) - walk
    return laplacian


MATRIX_METHODS = {
    "get_norm_adj_mat": lambda model: training_adjacency(model).to_sparse_coo(),
    "get_laplacian_matrix": random_walk_laplacian,
}
"""Method of RecBole's classes that calls a method removed from scipy -> the function that replaces it."""
