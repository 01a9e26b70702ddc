"""Adapters of RecBole's general models that know a user by the set of all items of the user.

The set holds the items of the training part and of the history that is given, so at test time the validation item.
B users, N items, d the width of a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from corecbench.api import Batch, Interactions, States
from corecbench_plugins.recbole_models.adapter import (
    Adapter,
    PairTraining,
    UserTraining,
    as_in_recbole,
    in_evaluation,
    own_scores,
)

if TYPE_CHECKING:
    from corecbench_plugins.recbole_models.training_part import TrainingPart


class ItemSetAdapter(Adapter):
    """A model that knows a user by the set of the user's items."""

    def fit(self, train: Interactions) -> None:
        """Keep the training items of each user, then build the model."""
        matrix = self.training_part(train).inter_matrix("csr")
        self.offsets = torch.as_tensor(matrix.indptr, dtype=torch.int64)
        self.training_items = torch.as_tensor(matrix.indices, dtype=torch.int64)
        super().fit(train)

    def item_sets(self, batch: Batch) -> torch.Tensor:
        """Return the item set of each user, float32 [B, N+1]: 1 for an item of the user, else 0."""
        user = batch.user.cpu()
        count = self.offsets[user + 1] - self.offsets[user]
        row = torch.arange(len(user)).repeat_interleave(count)
        position = torch.arange(int(count.sum())) - (count.cumsum(0) - count).repeat_interleave(count)
        sets = torch.zeros(len(user), self.setup.catalog.n_items + 1)
        sets[row, self.training_items[self.offsets[user].repeat_interleave(count) + position]] = 1
        sets.scatter_(1, batch.history.cpu(), 1)[:, 0] = 0
        return sets.to(batch.user.device)


class Autoencoder(ItemSetAdapter, UserTraining):
    """A model that recovers the set of a user's items from the set."""

    @torch.no_grad()
    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores of all items, float32 [B, N+1]."""
        with in_evaluation(self.setup):
            training = self.model.get_rating_matrix(batch.user)  # weighted by time where a parameter asks for it
            rows = torch.where(training != 0, training, self.item_sets(batch))
            self.model.get_rating_matrix = lambda user: rows
            try:
                scores: torch.Tensor = self.model.full_sort_predict({"user": batch.user})
            finally:
                del self.model.get_rating_matrix
        return scores.view(len(batch.user), -1)


class RecVae(Autoencoder):
    """RecVAE trains encoder and decoder by turns (Shenbin et al., WSDM 2020, arXiv 1912.11160).

    A turn is a number of batches here: `n_enc_epochs` for the encoder, then `n_dec_epochs` for the decoder. The
    prior is made by the encoder as it was before the epoch.
    """

    def fit(self, train: Interactions) -> None:
        """Build the model."""
        super().fit(train)
        self.n_batches = 0

    def begin_epoch(self) -> None:
        """Take the encoder as it is for the prior."""
        self.model.update_prior()

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the loss of encoder or decoder, whichever has its turn. The other part has no gradient."""
        encoding, decoding = self.settings["n_enc_epochs"], self.settings["n_dec_epochs"]
        encodes = self.n_batches % (encoding + decoding) < encoding
        self.n_batches += self.training
        frozen = self.model.decoder if encodes else self.model.encoder
        frozen.requires_grad_(False)
        try:
            return self.own_loss({"user": batch.user.unique()}, encoder_flag=encodes)
        finally:
            frozen.requires_grad_(True)


class ItemSimilarity(ItemSetAdapter):
    """A model that sums an item's similarities to the user's items. They are computed once, when it is built."""

    examples = "pairs"
    learns_when_built = True

    def adapt(self, part: TrainingPart) -> None:
        """Keep the similarities of items. A model of similar users has none."""
        model = self.model
        by_users = getattr(model, "method", "item") == "user"
        self.similarity: Any = None if by_users else getattr(model, "item_similarity", getattr(model, "w", None))

    @torch.no_grad()
    def scores(self, batch: Batch) -> torch.Tensor:
        """Return the scores, float32 [B, N+1]."""
        if self.similarity is None:
            return own_scores(self, batch)
        scores = self.set_scores(self.item_sets(batch).cpu().numpy())
        return torch.as_tensor(np.asarray(scores, dtype=np.float32), device=batch.user.device)

    def set_scores(self, sets: np.ndarray) -> np.ndarray:
        """Return scores for item sets, both float32 [B, N+1]."""
        return self.summed_similarities(sets)

    def summed_similarities(self, sets: np.ndarray) -> np.ndarray:
        """Return for each item the sum of its similarities to the items of a set, [B, N+1]."""
        return np.asarray((self.similarity.T @ sets.T).T)


class AdmmSlim(ItemSimilarity):
    """ADMM SLIM (Steck et al., WSDM 2020), without the noise that RecBole adds to its scores."""

    def set_scores(self, sets: np.ndarray) -> np.ndarray:
        """Return the sums; of centred sets where the parameter `center_columns` asks for it."""
        if not self.model.center_columns:
            return self.summed_similarities(sets)
        means: np.ndarray = self.model.item_means
        scores: np.ndarray = self.summed_similarities(sets - means) + means
        return scores


class AsymKnn(ItemSimilarity):
    """AsymKNN has asymmetric cosines as similarities (Aiolli, RecSys 2013)."""

    def set_scores(self, sets: np.ndarray) -> np.ndarray:
        """Return the sums divided by powers of the norms of the set and of the similarities, as RecBole does."""
        model = self.model
        set_norm = np.sqrt((sets**2).sum(axis=1, keepdims=True)) ** (2 * model.beta)
        item_norm = np.sqrt(np.asarray(model.w.power(2).sum(axis=1))) ** (2 * (1 - model.beta))
        scores: np.ndarray = (self.summed_similarities(sets) / (set_norm * item_norm.T + 1e-6)) ** model.q
        return scores


class Fism(ItemSetAdapter, PairTraining):
    """FISM sums the rows of the items of a user (Kabbur et al., KDD 2013).

    score = n^-alpha * sum of source rows . target row + bias. The bias of the user is left out: it changes no
    order.
    """

    def states(self, batch: Batch) -> States:
        """Return [n^-alpha * sum, 1] and [target row, bias], one wider than the table."""
        sets = self.item_sets(batch)
        summed = sets @ self.model.item_src_embedding.weight  # [B, d]
        scale = sets.sum(dim=1, keepdim=True).clamp(min=1) ** -self.model.alpha
        item = torch.cat([self.model.item_dst_embedding.weight, self.model.item_bias[:, None]], dim=1)
        return States(torch.cat([scale * summed, torch.ones_like(scale)], dim=1), item)


class Nais(ItemSetAdapter, PairTraining):
    """NAIS weights the items of a user by attention (He et al., TKDE 2018, arXiv 1809.07053)."""

    @torch.no_grad()
    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores, float32 [B, N+1], with the item sets in place of the training items."""
        items = [row.nonzero().squeeze(1) for row in self.item_sets(batch)]
        model = self.model
        training = model.history_item_matrix, model.history_lens
        model.history_item_matrix = nn.utils.rnn.pad_sequence(items, batch_first=True)
        model.history_lens = torch.tensor([len(row) for row in items], device=batch.user.device)
        try:
            with in_evaluation(self.setup):
                scores: torch.Tensor = model.full_sort_predict({"user": torch.arange(len(items))})
        finally:
            model.history_item_matrix, model.history_lens = training
        return scores.view(len(items), -1)


class Dmf(ItemSetAdapter, PairTraining):
    """DMF reads the rows and columns of the training matrix (Xue et al., IJCAI 2017)."""

    def states(self, batch: Batch) -> States:
        """Return the output of the two networks, for a user's items and for an item's users in training."""
        model = self.model
        user = model.user_fc_layers(model.user_linear(self.item_sets(batch)))
        with as_in_recbole():
            return States(user, model.get_item_embedding())
