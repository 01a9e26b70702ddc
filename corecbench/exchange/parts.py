"""The parts of a split as tables with ids. M interactions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from corecbench.data.loaded import SplitDataset


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of a split as tables with ids, user by user, the oldest interaction first."""

    data: SplitDataset
    max_history: int
    """Number of most recent items of a history, where a layout lists histories."""

    @cached_property
    def _part(self) -> np.ndarray:
        """The part of each interaction, int64 [M]: 0 for training, 1 for validation, 2 for test."""
        user = self.data.dataset.user
        counts = np.bincount(user, minlength=self.data.catalog.n_users + 1)
        last = np.cumsum(counts)[self.data.split.users] - 1
        part = np.zeros(len(user), dtype=np.int64)
        part[last - 1], part[last] = 1, 2
        return part

    def _of(self, *parts: int) -> pd.DataFrame:
        dataset, chosen = self.data.dataset, np.isin(self._part, parts)
        user_ids, item_ids = (
            np.array(ids, dtype=object) for ids in (dataset.catalog.user_ids, dataset.catalog.item_ids)
        )
        return pd.DataFrame(
            {
                "user_id": user_ids[dataset.user[chosen]],
                "item_id": item_ids[dataset.item[chosen]],
                "timestamp": dataset.timestamp[chosen],
            }
        )

    @cached_property
    def train(self) -> pd.DataFrame:
        """The training interactions: user_id, item_id, timestamp."""
        return self._of(0)

    @cached_property
    def validation(self) -> pd.DataFrame:
        """The validation item of each tested user, with the same columns."""
        return self._of(1)

    @cached_property
    def test(self) -> pd.DataFrame:
        """The test item of each tested user, with the same columns."""
        return self._of(2)

    @cached_property
    def all(self) -> pd.DataFrame:
        """All interactions in order, with the same columns and `part`: 0, 1 or 2."""
        return self._of(0, 1, 2).assign(part=self._part)

    @cached_property
    def items(self) -> pd.DataFrame:
        """The items: item_id, title."""
        catalog = self.data.catalog
        return pd.DataFrame({"item_id": catalog.item_ids[1:], "title": catalog.item_texts[1:]}, dtype=str)
