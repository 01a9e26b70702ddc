"""RecBole's general models whose users are the items that they have: at test time with the validation item.

A user has the items of the training part and those of the history that is shown.
B users, U users in all, N items, H items of a user, d the width of a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from corecbench.api import States
from corecbench_plugins.recbole_models.adapter import (
    Adapter,
    PairTraining,
    UserTraining,
    as_in_recbole,
    in_evaluation,
)

if TYPE_CHECKING:
    from corecbench.api import Batch, Interactions
    from corecbench_plugins.recbole_models.training_part import TrainingPart


class OfItems(Adapter):
    """Knows the training items of each user."""

    def fit(self, train: Interactions) -> None:
        """Keep them; then build the model."""
        matrix = self.training_part(train).inter_matrix("csr")
        self.start = torch.as_tensor(matrix.indptr, dtype=torch.int64)
        self.of_users = torch.as_tensor(matrix.indices, dtype=torch.int64)
        super().fit(train)

    def has(self, batch: Batch) -> torch.Tensor:
        """Return which items each user has, float32 [B, N+1]: 1 or 0, padding 0."""
        user = batch.user.cpu()
        count = self.start[user + 1] - self.start[user]
        row = torch.arange(len(user)).repeat_interleave(count)
        offset = torch.arange(int(count.sum())) - (count.cumsum(0) - count).repeat_interleave(count)
        has = torch.zeros(len(user), self.setup.catalog.n_items + 1)
        has[row, self.of_users[self.start[user].repeat_interleave(count) + offset]] = 1
        has.scatter_(1, batch.history.cpu(), 1)[:, 0] = 0
        return has.to(batch.user.device)


class Autoencoder(OfItems, UserTraining):
    """Recovers a user's items from themselves."""

    @torch.no_grad()
    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores of all items, float32 [B, N+1]."""
        with in_evaluation(self.setup):
            known = self.model.get_rating_matrix(batch.user)  # weighted by time where that is asked for
            rows = torch.where(known != 0, known, self.has(batch))
            self.model.get_rating_matrix = lambda user: rows
            try:
                return self.model.full_sort_predict({"user": batch.user}).view(len(batch.user), -1)
            finally:
                del self.model.get_rating_matrix


class RecVae(Autoencoder):
    """RecVAE trains encoder and decoder by turns (Shenbin et al., WSDM 2020, arXiv 1912.11160).

    Here by turns of a batch: `n_enc_epochs` of the encoder, then `n_dec_epochs` of the decoder. The prior is that
    of the encoder before the epoch.
    """

    def fit(self, train: Interactions) -> None:
        """Build the model."""
        super().fit(train)
        self.n_batches = 0

    def begin_epoch(self) -> None:
        """Renew the prior."""
        self.model.update_prior()

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the loss of the part whose turn it is; the other one has no gradient."""
        encoding, decoding = self.settings["n_enc_epochs"], self.settings["n_dec_epochs"]
        encodes = self.n_batches % (encoding + decoding) < encoding
        self.n_batches += self.training
        resting = self.model.decoder if encodes else self.model.encoder
        resting.requires_grad_(False)
        try:
            return self.own_loss({"user": batch.user.unique()}, encoder_flag=encodes)
        finally:
            resting.requires_grad_(True)


class Similarity(OfItems):
    """Sums an item's similarities to the items that the user has, found in one pass over the training part."""

    examples = "pairs"
    learns_when_built = True

    def adapt(self, part: TrainingPart) -> None:
        """Take the similarities over; of a model of similar users there are none."""
        model = self.model
        by_users = getattr(model, "method", "item") == "user"
        self.similarity = None if by_users else getattr(model, "item_similarity", getattr(model, "w", None))

    @torch.no_grad()
    def scores(self, batch: Batch) -> torch.Tensor:
        """Return the scores, float32 [B, N+1]."""
        if self.similarity is None:
            with in_evaluation(self.setup):
                return self.model.full_sort_predict({"user": batch.user}).view(len(batch.user), -1).float()
        scores = self.of_items(self.has(batch).cpu().numpy())
        return torch.as_tensor(np.asarray(scores, dtype=np.float32), device=batch.user.device)

    def of_items(self, has: np.ndarray) -> np.ndarray:
        """Return scores for rows of items, both float32 [B, N+1]."""
        return self.summed(has)

    def summed(self, has: np.ndarray) -> np.ndarray:
        """Return the sum of the similarities to the items of a row."""
        return np.asarray((self.similarity.T @ has.T).T)


class AdmmSlim(Similarity):
    """ADMM SLIM (Steck et al., WSDM 2020), without the noise that RecBole adds to its scores."""

    def of_items(self, has: np.ndarray) -> np.ndarray:
        """Centre the rows first, if that was asked for."""
        if not self.model.center_columns:
            return self.summed(has)
        return self.summed(has - self.model.item_means) + self.model.item_means


class AsymKnn(Similarity):
    """Asymmetric cosines (Aiolli, RecSys 2013)."""

    def of_items(self, has: np.ndarray) -> np.ndarray:
        """Divide by the norms of the row and of the similarities, each to its power, as RecBole does."""
        model = self.model
        of_row = np.sqrt((has**2).sum(axis=1, keepdims=True)) ** (2 * model.beta)
        of_item = np.sqrt(np.asarray(model.w.power(2).sum(axis=1))) ** (2 * (1 - model.beta))
        return (self.summed(has) / (of_row * of_item.T + 1e-6)) ** model.q


class Fism(OfItems, PairTraining):
    """FISM sums the rows of the items that a user has (Kabbur et al., KDD 2013).

    score = n^-alpha * sum of source rows . target row + bias; the bias of a user changes no order.
    """

    def states(self, batch: Batch) -> States:
        """Return [n^-alpha * sum, 1] and [target row, bias], one wider than the table."""
        has = self.has(batch)
        summed = has @ self.model.item_src_embedding.weight  # [B, d]
        scale = has.sum(dim=1, keepdim=True).clamp(min=1) ** -self.model.alpha
        item = torch.cat([self.model.item_dst_embedding.weight, self.model.item_bias[:, None]], dim=1)
        return States(torch.cat([scale * summed, torch.ones_like(scale)], dim=1), item)


class Nais(OfItems, PairTraining):
    """NAIS weights the items that a user has by attention (He et al., TKDE 2018, arXiv 1809.07053)."""

    @torch.no_grad()
    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores, float32 [B, N+1]; user by user, since each has attention to all items."""
        items = [row.nonzero().squeeze(1) for row in self.has(batch)]
        model, of_training = self.model, (self.model.history_item_matrix, self.model.history_lens)
        model.history_item_matrix = nn.utils.rnn.pad_sequence(items, batch_first=True)
        model.history_lens = torch.tensor([len(row) for row in items], device=batch.user.device)
        try:
            with in_evaluation(self.setup):
                return model.full_sort_predict({"user": torch.arange(len(items))}).view(len(items), -1)
        finally:
            model.history_item_matrix, model.history_lens = of_training


class Dmf(OfItems, PairTraining):
    """DMF reads the rows and columns of the training matrix (Xue et al., IJCAI 2017)."""

    def states(self, batch: Batch) -> States:
        """Return what its two networks make of a user's items and of an item's users in training."""
        model = self.model
        user = model.user_fc_layers(model.user_linear(self.has(batch)))
        with as_in_recbole():
            return States(user, model.get_item_embedding())
