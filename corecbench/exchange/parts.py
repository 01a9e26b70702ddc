"""The parts of a split as tables with ids. M interactions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench.data.split import first_of_each

if TYPE_CHECKING:
    from corecbench.data.loaded import SplitDataset
    from corecbench.data.split import HeldItems

LEFT_OUT = 3
"""The part of an interaction that is in none."""


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of a split as tables with ids, user by user, the oldest interaction first."""

    data: SplitDataset
    max_history: int
    """Number of most recent items of a history, where a layout lists histories."""

    @cached_property
    def _part(self) -> np.ndarray:
        """The part of each interaction, int64 [M]: 0 for training, 1 for validation, 2 for test, 3 for none."""
        split, n_users = self.data.split, self.data.catalog.n_users
        n_train, counts = (
            np.bincount(user, minlength=n_users + 1) for user in (split.train.user, self.data.dataset.user)
        )
        part = np.where(first_of_each(n_train, counts), 0, LEFT_OUT)
        for number, held in enumerate((split.held["validation"], split.held["test"]), start=1):
            part[self._place(held)] = number
        return part

    @staticmethod
    def _place(held: HeldItems) -> np.ndarray:
        return np.asarray(held.seen.start + held.seen.length)

    @cached_property
    def _n_known(self) -> np.ndarray:
        user = self.data.dataset.user
        counts = np.bincount(user)
        n_known: np.ndarray = np.arange(len(user)) - (np.cumsum(counts) - counts)[user]
        for held in self.data.split.held.values():
            n_known[self._place(held)] = held.known.length
        return n_known

    def _of(self, *parts: int) -> pd.DataFrame:
        dataset, chosen = self.data.dataset, np.isin(self._part, parts)
        items = self.data.split.held["test"].known.items  # of all interactions, in the order of the split
        user_ids, item_ids = (
            np.array(ids, dtype=object) for ids in (dataset.catalog.user_ids, dataset.catalog.item_ids)
        )
        return pd.DataFrame(
            {
                "user_id": user_ids[dataset.user[chosen]],
                "item_id": item_ids[items[chosen]],
                "timestamp": dataset.timestamp[chosen],
            }
        )

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Name -> table: train, validation and test with user_id, item_id and timestamp, and the items with titles.

        What is in no part because of equal times is the table `left_out`, if there is any.
        """
        catalog = self.data.catalog
        items = pd.DataFrame({"item_id": catalog.item_ids[1:], "title": catalog.item_texts[1:]}, dtype=str)
        tables = {name: self._of(part) for part, name in enumerate(("train", "validation", "test"))}
        left_out = self._of(LEFT_OUT)
        return {**tables, "items": items, **({"left_out": left_out} if len(left_out) else {})}

    @cached_property
    def all(self) -> pd.DataFrame:
        """All interactions in order, with the same columns, `part` and `n_known`.

        The parts are 0, 1 and 2 for training, validation and test, 3 for none. The history of an interaction is
        the first `n_known` of its user.
        """
        return self._of(0, 1, 2, LEFT_OUT).assign(part=self._part, n_known=self._n_known)
