"""The training part in the form of RecBole's data set object.

U users, N items, H the length of the longest list of a row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from corecbench_plugins.recbole_models.classes import recbole_attribute

if TYPE_CHECKING:
    import scipy.sparse

    from corecbench.api import Interactions, Setup
    from corecbench_plugins.recbole_models.parameters import Parameters

RecBoleInteraction: TypeAlias = Any
"""RecBole's class of columns, which has no types."""
Lists: TypeAlias = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Values of each row [rows, H], 1 where there is a value and 0 for padding [rows, H], number of values [rows]."""


class TrainingPart:
    """Gives RecBole's classes the training interactions and the titles of items. There are no other features."""

    uid_field, iid_field, time_field = "user", "item", "time"
    dataset_path = ""

    def __init__(self, setup: Setup, train: Interactions, parameters: Parameters) -> None:
        self.train, self.config, self.texts = train, parameters, setup.catalog.item_texts
        self.rows = {"user": setup.catalog.n_users + 1, "item": setup.catalog.n_items + 1}
        self.user_num, self.item_num = self.rows["user"], self.rows["item"]
        self.inter_num = len(train.user)
        self.field2seqlen = {"item_list": setup.max_history}
        self.interaction = recbole_attribute("data.interaction", "Interaction")
        feature = recbole_attribute("utils", "FeatureType")
        self.field2type = {"user": feature.TOKEN, "item": feature.TOKEN, "title": feature.TOKEN_SEQ}
        columns = {"user": train.user, "item": train.item, "time": np.arange(len(train.user))}
        self.inter_feat = self.interaction({name: torch.as_tensor(column) for name, column in columns.items()})

    def num(self, field: str) -> int:
        """Return the number of rows of a table, padding included."""
        if field == "title" and field not in self.rows:
            self.rows[field] = int(self.title_words().max()) + 1
        return self.rows[field]

    def inter_matrix(self, form: str, value_field: str | None = None) -> scipy.sparse.spmatrix:
        """Return the matrix [U+1, N+1] with 1 where a user has interacted with an item."""
        import scipy.sparse

        pairs = np.unique(np.stack([self.train.user, self.train.item]), axis=1)
        ones = np.ones(pairs.shape[1], dtype=np.float32)
        return scipy.sparse.coo_matrix((ones, pairs), (self.user_num, self.item_num)).asformat(form)

    def history_item_matrix(self, value_field: str | None = None, max_history_len: int | None = None) -> Lists:
        """Return the items of each user [U+1, H], 1 for each and 0 for padding, and their number [U+1]."""
        return lists_by_row(self.train.user, self.train.item, self.user_num, max_history_len)

    def history_user_matrix(self, value_field: str | None = None, max_history_len: int | None = None) -> Lists:
        """Return the users of each item [N+1, H], 1 for each and 0 for padding, and their number [N+1]."""
        order = np.argsort(self.train.item, kind="stable")
        return lists_by_row(self.train.item[order], self.train.user[order], self.item_num, max_history_len)

    def get_user_feature(self) -> RecBoleInteraction:
        """Return the features of users: their row numbers."""
        return self.interaction({"user": torch.arange(self.user_num)})

    def get_item_feature(self) -> RecBoleInteraction:
        """Return the features of items: row numbers and, for a model that selects titles, words of titles."""
        features = {"item": torch.arange(self.item_num)}
        if self.config["selected_features"]:
            features["title"] = torch.as_tensor(self.title_words())
        return self.interaction(features)

    def title_words(self) -> np.ndarray:
        """Return the numbers of the words of each title, int64 [N+1, words of the longest], padded with 0."""
        titles = [re.findall(r"\w+", text.lower()) for text in self.texts]
        number = {word: 1 + n for n, word in enumerate(sorted({word for words in titles for word in words}))}
        numbered = np.zeros((len(titles), max(1, *map(len, titles))), dtype=np.int64)
        for row, words in zip(numbered, titles, strict=True):
            row[: len(words)] = [number[word] for word in words]
        return numbered


def lists_by_row(row: np.ndarray, value: np.ndarray, n_rows: int, longest: int | None) -> Lists:
    """Return the latest values of each row, padded with 0; 1 for each value and 0 for padding; and their number.

    >>> ids, ones, lengths = lists_by_row(np.array([1, 1, 3]), np.array([5, 6, 5]), n_rows=4, longest=None)
    >>> ids.tolist(), lengths.tolist()
    ([[0, 0], [5, 6], [0, 0], [5, 0]], [0, 2, 0, 1])
    """
    count = np.bincount(row, minlength=n_rows)
    width = max(1, min(int(count.max(initial=0)), longest or len(row)))
    column = np.arange(len(row)) - np.searchsorted(row, row) - np.maximum(count[row] - width, 0)
    kept = column >= 0
    ids = np.zeros((n_rows, width), dtype=np.int64)
    ids[row[kept], column[kept]] = value[kept]
    lengths = torch.as_tensor(np.minimum(count, width))
    ones = (torch.arange(width) < lengths[:, None]).float()
    return torch.as_tensor(ids), ones, lengths
