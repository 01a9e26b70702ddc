"""Adapters of RecBole's models that score a pair of a user and an item by a network over both.

B users, N items, L positions of a history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import pad

from corecbench_plugins.recbole_models.adapter import Adapter, PairTraining, in_evaluation
from corecbench_plugins.recbole_models.sequential_adapters import PrefixTraining

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.api import Batch
    from corecbench_plugins.recbole_models.training_part import TrainingPart

PAIRS_PER_CALL = 8192
"""Number of pairs that are scored at once."""


class PairScores(PairTraining):
    """A model that is a network over a user and an item."""

    def adapt(self, part: TrainingPart) -> None:
        """Score by the input of the last sigmoid: the order is the same, and no score is rounded to 1."""
        score_before_sigmoid(self.model)

    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores, float32 [B, N+1]; 0 for padding."""
        return score_all_pairs(self, batch, {"user": batch.user})


class HistoryPairScores(PrefixTraining):
    """A model that is a network over a history and an item."""

    def adapt(self, part: TrainingPart) -> None:
        """Score by the input of the last sigmoid."""
        super().adapt(part)
        score_before_sigmoid(self.model)

    def rows(self, user: torch.Tensor, history: torch.Tensor) -> dict[str, torch.Tensor]:
        """Add, for each item of the history, one that the user has not interacted with. DIEN contrasts the two."""
        rows = super().rows(user, history)
        history = rows["item_list"]
        negative = torch.zeros_like(history)
        if self.training:
            negative = self.unseen.draw_items(user[:, None].expand_as(history))
        return rows | {"negative_item_list": negative.masked_fill(history == 0, 0)}

    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores, float32 [B, N+1]; 0 for padding."""
        return score_all_pairs(self, batch, self.rows(batch.user, batch.history))


def score_before_sigmoid(model: nn.Module) -> None:
    """Take the last sigmoid out of a model, if it has one."""
    if isinstance(getattr(model, "sigmoid", None), nn.Sigmoid):
        model.sigmoid = nn.Identity()


@torch.no_grad()
def score_all_pairs(adapter: Adapter, batch: Batch, columns: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the scores of each user of a batch with each item, float32 [B, N+1]; 0 for padding.

    Args:
        adapter: holds the model.
        batch: B users.
        columns: what the model reads of each user, tensors whose first dimension is B.
    """
    n_items = adapter.setup.catalog.n_items
    pairs = torch.arange(len(batch.user) * n_items, device=batch.user.device)
    scores = []
    with in_evaluation(adapter.setup):
        for block in pairs.split(PAIRS_PER_CALL):
            rows = {name: column[block // n_items] for name, column in columns.items()}
            scores.append(adapter.model.predict(rows | {"item": 1 + block % n_items}))
    return pad(torch.cat(scores).view(-1, n_items), (1, 0))
