"""Adapter of RecBole's FEARec, which contrasts histories that have the same next item.

M interactions, L positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from corecbench_plugins.recbole_models.sequential_adapters import PrefixStates

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench.api import Interactions
    from corecbench_plugins.recbole_models.training_part import TrainingPart

MAX_PREFIXES = 20
"""Most prefixes with the same next item that FEARec contrasts."""


class FeaRec(PrefixStates):
    """FEARec contrasts histories with the same next item (Du et al., SIGIR 2023, arXiv 2304.09184)."""

    def training_part(self, train: Interactions) -> TrainingPart:
        """Return a training part with at most `MAX_PREFIXES` prefixes for each next item, drawn at random."""
        self.settings["train_batch_size"] = 1  # of a table that the model makes anew where sizes differ
        part = super().training_part(train)
        length = self.setup.max_history
        end = np.flatnonzero(train.user[1:] == train.user[:-1]) + 1  # positions of the next items
        end = end[torch.randperm(len(end)).numpy()]
        order = np.argsort(train.item[end], kind="stable")
        rank = np.arange(len(end)) - np.searchsorted(train.item[end][order], train.item[end][order])
        end = end[order[rank < MAX_PREFIXES]]
        start = np.maximum(np.searchsorted(train.user, train.user[end]), end - length)
        index = start[:, None] + np.arange(length)
        history = np.where(index < end[:, None], train.item[np.minimum(index, len(train.item) - 1)], 0)
        columns = {"item": train.item[end], "item_list": history, "item_length": end - start}
        part.inter_feat = part.interaction({name: torch.as_tensor(column) for name, column in columns.items()})
        return part

    def overrides(self) -> dict[str, Callable[..., Any]]:
        """Replace RecBole's search for the same next item, which takes time quadratic in the number of prefixes."""
        return {"get_same_item_index": same_next_items}


def same_next_items(model: torch.nn.Module, part: TrainingPart) -> dict[int, np.ndarray]:
    """Return item -> the rows of the prefixes that it comes next after."""
    target = part.inter_feat["item"].numpy()
    return {item: np.flatnonzero(target == item) for item in np.unique(target).tolist()}
