"""RecBole's models that score a pair of a user and an item by a network over both.

B users, N items, L positions of a history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import pad

from corecbench_plugins.recbole_models.adapter import PairTraining, in_evaluation
from corecbench_plugins.recbole_models.sequences import PrefixTraining

if TYPE_CHECKING:
    from corecbench.api import Batch
    from corecbench_plugins.recbole_models.training_part import TrainingPart

PAIRS_AT_A_TIME = 8192


class PairScores(PairTraining):
    """A network over a user and an item."""

    def adapt(self, part: TrainingPart) -> None:
        """Score by what goes into the last sigmoid: the order is the same, and none is rounded to 1."""
        if isinstance(getattr(self.model, "sigmoid", None), nn.Sigmoid):
            self.model.sigmoid = nn.Identity()

    def users(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Return what the network reads of each user."""
        return {"user": batch.user}

    @torch.no_grad()
    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores of each pair, float32 [B, N+1]; padding has 0."""
        columns, n_items = self.users(batch), self.setup.catalog.n_items
        pairs = torch.arange(len(batch.user) * n_items, device=batch.user.device)
        scored = []
        with in_evaluation(self.setup):
            for some in pairs.split(PAIRS_AT_A_TIME):
                rows = {name: column[some // n_items] for name, column in columns.items()}
                scored.append(self.model.predict(rows | {"item": 1 + some % n_items}))
        return pad(torch.cat(scored).view(-1, n_items), (1, 0))


class SequencePairScores(PrefixTraining):
    """A network over a history and an item."""

    def adapt(self, part: TrainingPart) -> None:
        """Score by what goes into the last sigmoid."""
        super().adapt(part)
        PairScores.adapt(self, part)

    def rows(self, user: torch.Tensor, history: torch.Tensor) -> dict[str, torch.Tensor]:
        """Add an item that the user has not interacted with for each one of the history, which DIEN contrasts."""
        rows = super().rows(user, history)
        history = rows["item_list"]
        other = self.unseen.items(user[:, None].expand_as(history)) if self.training else torch.zeros_like(history)
        return rows | {"negative_item_list": other.masked_fill(history == 0, 0)}

    def users(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the histories."""
        return self.rows(batch.user, batch.history)

    scores = PairScores.scores
