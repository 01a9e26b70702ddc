"""RecBole's general models whose users are rows of a table, or nothing at all.

B examples, U users, N items, d the width of a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import embedding, normalize

from corecbench.api import States
from corecbench_plugins.recbole_models.adapter import Adapter, PairTraining, UserTraining, in_evaluation
from corecbench_plugins.recbole_models.graph import normalised_adjacency

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench.api import Batch
    from corecbench_plugins.recbole_models.training_part import TrainingPart


class Factors(PairTraining):
    """Scores by the inner product of a user's and an item's row."""

    def states(self, batch: Batch) -> States:
        """Return the rows."""
        return States(self.model.user_embedding(batch.user), self.model.item_embedding.weight)


class Line(Factors):
    """LINE draws negative users, too (Tang et al., WWW 2015, arXiv 1503.03578)."""

    def adapt(self, part: TrainingPart) -> None:
        """Draw them by our own sampler: RecBole's never ends where all users have interacted with an item."""
        self.model.sampler = self.unseen.users


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
        """Return the directions of the mixed rows and of the items."""
        model = self.model
        length = (batch.history != 0).sum(dim=1)
        mixed = model.get_UI_aggregation(model.user_emb(batch.user), model.item_emb(batch.history), length)
        return States(normalize(mixed, dim=1), normalize(model.item_emb.weight, dim=1))

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the own loss; RecBole repeats the pairs for each of their negatives."""
        n = self.model.neg_seq_len
        user, item = batch.user.repeat(n), batch.target.repeat(n)
        return self.own_loss({"user": user, "item": item, "negative_item": self.unseen.items(user)})


class Graph(PairTraining):
    """Propagates rows over the graph of the training part.

    RecBole builds its matrices with a scipy method that is gone; these are our own.
    """

    propagated: tuple[States, tuple] | None = None
    """The states last given in training, and what forward made for them."""

    def overrides(self) -> dict[str, Callable]:
        """Return the makers of matrices."""
        return MATRICES

    def states(self, batch: Batch) -> States:
        """Return the propagated rows."""
        output = self.model()
        states = States(embedding(batch.user, output[0]), output[1])
        self.propagated = (states, output) if self.training else None
        return states

    def loss(self, batch: Batch, states: States) -> torch.Tensor:
        """Return the own loss, over the rows that were propagated for the states."""
        (given, output), self.propagated = self.propagated or (None, None), None
        if given is not states or given is None:
            return super().loss(batch, states)
        self.model.forward = lambda: output
        try:
            return super().loss(batch, states)
        finally:
            del self.model.forward


class Dgcf(Graph):
    """DGCF disentangles intents (Wang et al., SIGIR 2020, arXiv 2007.01764)."""

    def adapt(self, part: TrainingPart) -> None:
        """Compare no more rows than there are."""
        self.model.cor_batch_size = min(self.model.cor_batch_size, part.user_num, part.item_num)


class Sgl(Graph):
    """SGL contrasts two damaged graphs, drawn anew for each epoch (Wu et al., SIGIR 2021, arXiv 2010.10783)."""

    def overrides(self) -> dict[str, Callable]:
        """Leave it to `begin_epoch` to draw the graphs, which RecBole does at each switch to training."""
        return {"train": torch.nn.Module.train}

    def begin_epoch(self) -> None:
        """Draw the damaged graphs."""
        self.model.graph_construction()

    def states(self, batch: Batch) -> States:
        """Return the rows propagated over the whole graph."""
        users, items = self.model(self.model.train_graph)
        return States(embedding(batch.user, users), items)


class Ncl(Graph):
    """NCL contrasts neighbours, and clusters found anew for each epoch (Lin et al., WWW 2022, arXiv 2202.06200)."""

    def begin_epoch(self) -> None:
        """Find the clusters."""
        self.model.e_step()

    def wanted(self, parts: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Leave the loss of clusters out until the model is warm."""
        return parts[:-1] if self.epoch <= self.settings["warm_up_step"] else parts

    def overrides(self) -> dict[str, Callable]:
        """Return the makers of matrices, and of clusters without faiss, which RecBole wants on a GPU."""
        return {**MATRICES, "run_kmeans": clusters}


def clusters(model: torch.nn.Module, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the directions of at most `num_clusters` centres, and which one is the nearest to each row."""
    from sklearn.cluster import KMeans

    found = KMeans(min(model.k, len(rows)), n_init=1, random_state=np.random.randint(2**31)).fit(rows)
    centres = torch.as_tensor(found.cluster_centers_, dtype=torch.float32, device=model.device)
    return normalize(centres, dim=1), torch.as_tensor(found.labels_, dtype=torch.int64, device=model.device)


class ByUser(Adapter):
    """Its scores are known for each user once it is built, and are no inner products of tables."""

    examples = "pairs"
    learns_when_built = True

    @torch.no_grad()
    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores, float32 [B, N+1]."""
        with in_evaluation(self.setup):
            return self.model.full_sort_predict({"user": batch.user}).view(len(batch.user), -1).float()


class Gcmc(PairTraining):
    """GCMC (van den Berg et al., 2017, arXiv 1706.02263)."""

    overrides = Graph.overrides
    scores = ByUser.scores


class Pop(ByUser):
    """How often an item occurs in training."""

    def adapt(self, part: TrainingPart) -> None:
        """Count; RecBole counts an item once for each batch that it occurs in."""
        count = torch.as_tensor(np.bincount(part.train.item, minlength=part.item_num))
        self.model.item_cnt, self.model.max_cnt = count[:, None].to(self.setup.device), count.max()


def adjacency(model: torch.nn.Module) -> torch.Tensor:
    """Return D^-1/2 A D^-1/2 of the training graph, users first, as a sparse CSR tensor."""
    matrix = model.interaction_matrix
    return normalised_adjacency(
        matrix.row.astype(np.int64), matrix.col.astype(np.int64), model.n_users, model.n_items
    )


def random_walk_laplacian(model: torch.nn.Module) -> torch.Tensor:
    """Return I - D^-1 A of the training graph, as a sparse COO tensor."""
    matrix = model.interaction_matrix
    row, column = matrix.row.astype(np.int64), matrix.col.astype(np.int64) + model.n_users
    index = torch.as_tensor(np.stack([np.concatenate([row, column]), np.concatenate([column, row])]))
    n_nodes = model.n_users + model.n_items
    degree = torch.bincount(index[0], minlength=n_nodes)
    walk = torch.sparse_coo_tensor(index, 1 / degree[index[0]].float(), (n_nodes, n_nodes))
    return model.get_eye_mat(n_nodes) - walk


MATRICES = {
    "get_norm_adj_mat": lambda model: adjacency(model).to_sparse_coo(),
    "get_laplacian_matrix": random_walk_laplacian,
}
"""Methods of RecBole's classes that call a method of scipy that is gone -> ours."""
