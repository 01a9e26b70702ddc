"""What imported files are checked against: the users who are tested, their held-out items and their candidates.

T tested users, S pairs of a user and an item that the user saw before, M lines of a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench.api import DataError
from corecbench.evaluation.ranking import without_targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import Catalog
    from corecbench.data.loaded import SplitDataset


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The ranking task of the test items of a data set."""

    data: SplitDataset
    file: str
    """The file that is checked, for errors."""

    @property
    def catalog(self) -> Catalog:
        return self.data.catalog

    @property
    def users(self) -> np.ndarray:
        return self.data.split.held["test"].users

    @cached_property
    def target(self) -> np.ndarray:
        target: np.ndarray = self.data.split.held["test"].target
        return target

    @cached_property
    def seen(self) -> np.ndarray:
        seen = self.data.split.held["test"].seen
        return self.pair(*without_targets(*seen.pairs(np.arange(len(self.target))), self.target))

    @cached_property
    def n_candidates(self) -> np.ndarray:
        row = self.seen // (self.catalog.n_items + 1)
        exists = self.data.split.held["test"].exists
        n_items = self.catalog.n_items if exists is None else exists.n_items
        return np.asarray(n_items - np.bincount(row, minlength=len(self.target)))

    def exists(self, row: np.ndarray, item: np.ndarray) -> np.ndarray:
        exists = self.data.split.held["test"].exists
        return np.ones(len(row), dtype=bool) if exists is None else exists.has(row, item)

    def pair(self, row: np.ndarray, item: np.ndarray) -> np.ndarray:
        return np.asarray(row * (self.catalog.n_items + 1) + item)

    def rows(self, user_ids: np.ndarray) -> np.ndarray:
        """Return the row of each user in the task, int64 [M]; -1 for a user who is not tested.

        Raises:
            DataError: a user is not in the data set.
        """
        user = self._known("user", user_ids, self.catalog.user_ids)
        row_of = np.full(self.catalog.n_users + 1, -1)
        row_of[self.users] = np.arange(len(self.target))
        return np.asarray(row_of[user])

    def items(self, item_ids: np.ndarray) -> np.ndarray:
        """Return the index of each item, int64 [M].

        Raises:
            DataError: an item is not in the data set.
        """
        return self._known("item", item_ids, self.catalog.item_ids)

    def user_id(self, row: int) -> str:
        return self.catalog.user_ids[int(self.users[row])]

    def check_all_there(self, missing: np.ndarray, what: str, advice: str) -> None:
        if missing.any():
            raise DataError(
                f"{self.file}: {int(missing.sum()):,} of {len(missing):,} tested users have no {what}, such as "
                f"'{self.user_id(int(np.argmax(missing)))}'; {advice}"
            )

    def _known(self, what: str, ids: np.ndarray, known: Sequence[str]) -> np.ndarray:
        index = pd.Index(known, dtype=object).get_indexer(ids)
        unknown = index < 1  # 0 is padding
        if unknown.any():
            n_different = len(set(ids[unknown]))
            raise DataError(
                f"{self.file}: {n_different:,} {what}s are not in data set '{self.catalog.name}', such as "
                f"{str(ids[np.argmax(unknown)])!r:.40}; it has {what}s such as {known[1]!r:.40}"
            )
        return np.asarray(index, dtype=np.int64)
