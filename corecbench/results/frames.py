"""The stored tables of a side: ranks and best candidates, with ids instead of indices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from corecbench.api import Catalog, Interactions
    from corecbench.data.split import Split
    from corecbench.evaluation.ranking import Ranks

COLUMNS = ("user_id", "target_item_id", "rank", "n_candidates")
"""The columns of a table of ranks: str, str, int64, int64; one row per tested user. `rank` is stored in
ranks.parquet, and what does not differ between cells in users.parquet."""

USER_COLUMNS = ("user_id", "target_item_id", "n_candidates")
"""The columns of users.parquet, beside those of FACTS that are known and not among TRAINING_FACTS."""

COUNTS = ("history_length", "target_frequency")
"""Further columns of users.parquet, int64: the interactions of the user before those that are held out, not cut to
`max_history`, and the training interactions of the held-out item. Results from before these were stored are read
without them."""

FLAGS = ("user_trains", "user_is_new", "target_is_cold", "target_is_new", "target_is_tied")
"""Further columns of users.parquet, bool, each only where it can differ between users: whether the user is in the
share that trains, whether the user does nothing before the first cut under the split by time, whether the held-out
item is left out of training, whether it does not exist yet in training under the split by time, and whether another
interaction of the user has its time, so that time does not decide which of them is held out for test. Results from
before these were stored are read without them."""

SIMILARITY = "text_similarity"
"""A further column of users.parquet, float32: what `target_similarity` says of the held-out item and the history.
Its last digits can differ between machines. Older results lack it."""

BEST_RANK = "best_rank"
"""A further column of ranks.parquet, int64, only of imported lists that end before a held-out item: the best rank
that the item can have. `rank` is then the worst one; they are equal where the rank is known."""

TRAINING_FACTS = ("target_frequency", "user_trains", "target_is_cold")
"""Those of FACTS that differ where others train; they are stored in training.parquet."""

RANK_COLUMNS = ("rank", BEST_RANK)
"""The columns of ranks.parquet."""

FACTS = (*COUNTS, *FLAGS, SIMILARITY)
"""All columns of users.parquet and training.parquet beyond USER_COLUMNS, by which users can be sliced."""

TOP = ("user_id", "position", "item_id", "score")
"""The columns of top.parquet: str, int64 from 1, str, float32. There is a row for each of a user's best candidates;
of equal scores the lower index comes first. Ties count against the model in a rank. So a held-out item of rank 10
is among the first 10, and one among them has a rank beyond 10 if enough other items have its score."""

ITEMS = ("item_id", "frequency")
"""The columns of items.parquet: str, int64; all items of the catalogue and their training interactions."""


def ranks_frame(ranks: Ranks, catalog: Catalog, split: Split, similarity: np.ndarray | None = None) -> pd.DataFrame:
    """Return the table of ranks to store, with the facts of users and held-out items.

    Args:
        ranks: of one side.
        catalog: users and items.
        split: what was trained on, and what is known of users.
        similarity: float32 [T], the column SIMILARITY of the tested users in their order.
    """
    place = split.held["test"].users.searchsorted(ranks.users)
    facts = {
        "user_trains": None if split.trains is None else split.trains[ranks.users],
        "user_is_new": None if split.new_users is None else split.new_users[place],
        "target_is_cold": None if split.cold is None else split.cold[ranks.target],
        "target_is_new": ranks.target > catalog.n_known_items if catalog.n_new_items else None,
        "target_is_tied": None if split.tied is None or not split.tied.any() else split.tied[place],
        SIMILARITY: None if similarity is None else similarity[place],
    }
    return pd.DataFrame(
        {
            "user_id": [catalog.user_ids[user] for user in ranks.users],
            "target_item_id": [catalog.item_ids[item] for item in ranks.target],
            "rank": ranks.rank,
            "n_candidates": ranks.n_candidates,
            "history_length": split.history_length[place],
            "target_frequency": item_frequency(catalog, split.train)[ranks.target],
            **{name: values for name, values in facts.items() if values is not None},
        }
    )


def top_frame(ranks: Ranks, catalog: Catalog) -> pd.DataFrame:
    """Return the table of best candidates to store."""
    row, place = np.nonzero(ranks.top_items)
    return pd.DataFrame(
        {
            "user_id": [catalog.user_ids[user] for user in ranks.users[row]],
            "position": place + 1,
            "item_id": [catalog.item_ids[item] for item in ranks.top_items[row, place]],
            "score": ranks.top_scores[row, place],
        }
    )


def item_frequency(catalog: Catalog, train: Interactions) -> np.ndarray:
    return np.bincount(train.item, minlength=catalog.n_items + 1)


def items_frame(catalog: Catalog, train: Interactions) -> pd.DataFrame:
    return pd.DataFrame({"item_id": list(catalog.item_ids[1:]), "frequency": item_frequency(catalog, train)[1:]})


def known_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns in COLUMNS, and those of FACTS and BEST_RANK that exist.

    Raises:
        KeyError: a column of COLUMNS is missing.
    """
    return frame[[*COLUMNS, *(name for name in (*FACTS, BEST_RANK) if name in frame)]]
