"""The ranks of one side of a cell in the order of user ids. Cells share what they have in common. U users.

All cells of a data set rank the same held-out items of the same users; only their ranks differ. So other columns
are decoded for the first cell only. Later files hold the same bytes for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corecbench.results.frames import BEST_RANK, COLUMNS, FACTS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

Content = tuple[tuple[str, str, str, bytes], ...]
"""Name, type, compression and stored bytes of some columns. Columns with the same content hold the same values."""


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
        """Return the ranks as a table with the columns of `Store.ranks`, indexed by user_id in order."""
        bound = {} if self.best is None else {BEST_RANK: self.best}
        return self.facts.assign(rank=self.rank, n_candidates=self.n_candidates, **bound)


def in_order(ranks: pd.DataFrame) -> UserRanks:
    """Return stored ranks in the order of user ids."""
    return _arranged(ranks, _order(ranks))


@dataclass(frozen=True, eq=False)
class _Known:
    """Columns that were read before, and the place of each user in their file."""

    ranks: UserRanks
    order: np.ndarray
    """int64 [U]."""


@dataclass(frozen=True, eq=False)
class RanksReader:
    """Reads the files of ranks of many cells."""

    _known: dict[Content, _Known] = field(default_factory=dict, init=False, repr=False)

    def read(self, data: bytes, n_users: int, checked: Callable[[bytes], pd.DataFrame]) -> UserRanks:
        """Return the ranks in a file, in the order of user ids.

        Args:
            data: the contents of ranks.parquet.
            n_users: the number of users that the record of the cell states.
            checked: decodes and checks the contents, and returns the ranks as they are stored.

        Raises:
            DamagedError: from `checked`.
        """
        content, rank = _split(data)
        known = self._known.get(content) if content else None
        if known is not None and rank is not None and len(rank) == n_users:
            in_place, n_candidates = rank[known.order], known.ranks.n_candidates
            if ((in_place >= 1) & (in_place <= n_candidates)).all():
                return UserRanks(known.ranks.facts, in_place, n_candidates, known.ranks.best)
        ranks = checked(data)
        order = _order(ranks)
        found = _arranged(ranks, order)
        if content:
            self._known[content] = _Known(found, order)
        return found


def _order(ranks: pd.DataFrame) -> np.ndarray:
    """Return the place of each user in a table of ranks, int64 [U], in the order of user ids."""
    return np.asarray(ranks["user_id"].argsort(kind="stable"))


def _arranged(ranks: pd.DataFrame, order: np.ndarray) -> UserRanks:
    arranged = ranks.iloc[order].set_index("user_id")
    rank, n_candidates = (arranged[name].to_numpy() for name in ("rank", "n_candidates"))
    facts = arranged[["target_item_id", *(name for name in FACTS if name in arranged)]].copy()
    best = arranged[BEST_RANK].to_numpy() if BEST_RANK in arranged else None
    return UserRanks(facts, rank, n_candidates, best)


def _split(data: bytes) -> tuple[Content | None, np.ndarray | None]:
    """Return the content of all columns but the ranks, and the ranks, int64 [U] in the order of the file.

    Either is None where the file is damaged or laid out in another way than `Store.write` does.
    """
    try:
        source = pq.ParquetFile(pa.BufferReader(data))
        if source.num_row_groups != 1 or not set(COLUMNS) <= set(source.schema_arrow.names):
            return None, None
        group = source.metadata.row_group(0)
        chunks = [group.column(number) for number in range(group.num_columns)]
        content = tuple(
            (
                chunk.path_in_schema,
                f"{chunk.physical_type} {source.schema.column(number).logical_type}",
                chunk.compression,
                data[_start(chunk) : _start(chunk) + chunk.total_compressed_size],
            )
            for number, chunk in enumerate(chunks)
            if chunk.path_in_schema != "rank"
        )
        column = source.read(columns=["rank"], use_threads=False).column("rank")
    except (OSError, ValueError):  # pyarrow's own errors are among these
        return None, None
    whole = column.type == pa.int64() and column.null_count == 0
    return content, column.to_numpy() if whole else None


def _start(chunk: pq.ColumnChunkMetaData) -> int:
    """Return where the pages of a column begin in its file."""
    pages = (chunk.dictionary_page_offset, chunk.data_page_offset)
    return min(int(page) for page in pages if page is not None)
