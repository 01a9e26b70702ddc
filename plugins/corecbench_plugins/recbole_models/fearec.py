"""RecBole's FEARec, which contrasts histories that have the same next item.

M interactions, L positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from corecbench_plugins.recbole_models.sequences import Prefixes

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench.api import Interactions
    from corecbench_plugins.recbole_models.training_part import TrainingPart

PER_TARGET = 20
"""Prefixes that FEARec keeps of each target, to contrast those with the same one."""


class FeaRec(Prefixes):
    """FEARec contrasts histories with the same next item (Du et al., SIGIR 2023, arXiv 2304.09184)."""

    def training_part(self, train: Interactions) -> TrainingPart:
        """Give it at most `PER_TARGET` prefixes of each target, drawn at random."""
        self.settings["train_batch_size"] = 1  # of a table that it makes anew where sizes differ
        part = super().training_part(train)
        length = self.setup.max_history
        end = np.flatnonzero(train.user[1:] == train.user[:-1]) + 1  # places of targets
        end = end[torch.randperm(len(end)).numpy()]
        order = np.argsort(train.item[end], kind="stable")
        rank = np.arange(len(end)) - np.searchsorted(train.item[end][order], train.item[end][order])
        end = end[order[rank < PER_TARGET]]
        start = np.maximum(np.searchsorted(train.user, train.user[end]), end - length)
        index = start[:, None] + np.arange(length)
        history = np.where(index < end[:, None], train.item[np.minimum(index, len(train.item) - 1)], 0)
        columns = {"item": train.item[end], "item_list": history, "item_length": end - start}
        part.inter_feat = part.interaction({name: torch.as_tensor(column) for name, column in columns.items()})
        return part

    def overrides(self) -> dict[str, Callable]:
        """Find those with the same target; RecBole's own search takes time quadratic in their number."""
        return {"get_same_item_index": same_targets}


def same_targets(model: torch.nn.Module, part: TrainingPart) -> dict[int, np.ndarray]:
    """Return target -> the places of its prefixes."""
    target = part.inter_feat["item"].numpy()
    return {item: np.flatnonzero(target == item) for item in np.unique(target).tolist()}
