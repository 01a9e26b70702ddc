"""The ranks of one side of a cell in the order of user ids. Cells share what they have in common. U users.

All cells of a data set rank the same held-out items of the same users; only their ranks differ. Rows of
ranks.parquet, users.parquet and training.parquet stand in the same order.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from corecbench.results.checksums import read_file
from corecbench.results.frames import (
    BEST_RANK,
    FACTS,
    RANK_COLUMNS,
    TRAINING_FACTS,
    USER_COLUMNS,
    known_columns,
)
from corecbench.results.layout import RANKS_FILE, TRAINING_FILE, USERS_FILE, side_file
from corecbench.results.record import ResultsError
from corecbench.results.record_file import read_record
from corecbench.results.tables import check_candidates, read_table, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from corecbench.api import CellRecord, CellResult, RowSide


@dataclass(frozen=True, eq=False)
class Users:
    """The tested users of a side and what is known of them."""

    stored: pd.DataFrame
    """USER_COLUMNS, and FACTS where they are known, in the order in which they are stored."""

    @functools.cached_property
    def order(self) -> np.ndarray:
        return np.asarray(self.stored["user_id"].argsort(kind="stable"))

    @functools.cached_property
    def facts(self) -> pd.DataFrame:
        return self.stored.drop(columns="n_candidates").iloc[self.order].set_index("user_id")

    @functools.cached_property
    def n_candidates(self) -> np.ndarray:
        candidates: np.ndarray = np.asarray(self.stored["n_candidates"])[self.order]
        return candidates


@dataclass(frozen=True, eq=False)
class UserRanks:
    """The ranks of one side of a cell, in the order of user ids."""

    facts: pd.DataFrame
    """The test item of each user, and FACTS where they are stored, indexed by user_id in order. Sides share facts
    that are the same."""
    rank: np.ndarray
    """int64 [U], from 1."""
    n_candidates: np.ndarray
    """int64 [U]."""
    best: np.ndarray | None = None
    """int64 [U], the best ranks that are possible, `rank` being the worst ones; None where all are known."""

    def frame(self) -> pd.DataFrame:
        bound = {} if self.best is None else {BEST_RANK: self.best}
        return self.facts.assign(rank=self.rank, n_candidates=self.n_candidates, **bound)


@dataclass(frozen=True, eq=False)
class RanksReader:
    """Reads the ranks of many cells, whose users and facts it keeps."""

    _by_digest: dict[tuple[str | None, ...], Users] = field(default_factory=dict, init=False, repr=False)

    def stored(self, folder: Path, side: RowSide, record: CellResult) -> pd.DataFrame:
        """Return the table of ranks of a side, columns and rows as they were given to `Store.write`.

        Raises:
            DamagedError: the ranks are missing or damaged.
        """
        users, ranks = self._read(folder, side, record)
        return known_columns(users.stored.join(ranks))

    def read(self, folder: Path, side: RowSide, record: CellResult) -> UserRanks:
        users, ranks = self._read(folder, side, record)
        in_order = ranks.iloc[users.order]
        best = in_order[BEST_RANK].to_numpy() if BEST_RANK in ranks else None
        return UserRanks(users.facts, in_order["rank"].to_numpy(), users.n_candidates, best)

    def _read(self, folder: Path, side: RowSide, record: CellResult) -> tuple[Users, pd.DataFrame]:
        name, n_users = side_file(record["cell"], side, RANKS_FILE), record["sides"][side]["n_users"]
        file = folder / name
        contents = read_file(folder, name, record)
        ranks = read_table(contents, file, ("rank",), RANK_COLUMNS, n_users)
        users = self._users(folder, record, n_users)
        check_candidates(ranks, users.stored["n_candidates"], file)
        return users, ranks

    def _users(self, folder: Path, record: CellResult, n_users: int) -> Users:
        """Return the users of a cell, which it shares with other cells of its data set."""
        if "files" not in record:  # the record as it was before it was stored
            record = read_record(folder)
        files = record.get("files", {})
        digests = files.get(USERS_FILE), files.get(TRAINING_FILE)
        known = self._by_digest.get(digests)
        if known is None or len(known.stored) != n_users:
            users = read_file(folder, USERS_FILE, record)
            frame = read_table(users, folder / USERS_FILE, USER_COLUMNS, FACTS, n_users, once="user_id")
            if TRAINING_FILE in files:
                training = read_file(folder, TRAINING_FILE, record)
                frame = frame.join(read_table(training, folder / TRAINING_FILE, (), TRAINING_FACTS, n_users))
            known = Users(frame[[*USER_COLUMNS, *(name for name in FACTS if name in frame)]])
            self._by_digest[digests] = known
        return known


def write_ranks(folder: Path, cell: CellRecord, ranks: Mapping[RowSide, pd.DataFrame]) -> None:
    """Write the ranks of each side of a cell, and once the users that all sides have in common.

    A table of ranks has COLUMNS and, where they are known, FACTS and BEST_RANK.

    Raises:
        ResultsError: the sides rank different users, or the same in different orders.
    """
    common: pd.DataFrame | None = None
    for side, given in ranks.items():
        frame = known_columns(given).reset_index(drop=True)
        own = [name for name in RANK_COLUMNS if name in frame]
        users = frame.drop(columns=own)
        if common is None:
            common = users
            of_training = [name for name in TRAINING_FACTS if name in frame]
            write_table(users.drop(columns=of_training), folder / USERS_FILE)
            if of_training:
                write_table(users[of_training], folder / TRAINING_FILE)
        if not common.equals(users):
            raise ResultsError(f"{folder}: the {side} side ranks other users than {next(iter(ranks))}")
        file = folder / side_file(cell, side, RANKS_FILE)
        file.parent.mkdir(exist_ok=True)
        write_table(frame[own], file)
