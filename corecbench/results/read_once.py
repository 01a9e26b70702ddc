"""A store for reports, which read the same ranks for several tables and plots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corecbench.results.checksums import read_file
from corecbench.results.layout import RANKS_FILE, side_file
from corecbench.results.store import Store
from corecbench.results.tables import ranks_table
from corecbench.results.user_ranks import RanksReader, UserRanks

if TYPE_CHECKING:
    from pathlib import Path

    from corecbench.api import CellResult, RowSide


@dataclass(frozen=True)
class ReadOnce(Store):
    """A store that keeps the ranks that it has read in memory, for tables and plots of the same cells."""

    _kept: dict[tuple[Path, RowSide], UserRanks] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _reader: RanksReader = field(default_factory=RanksReader, init=False, repr=False, compare=False)

    def user_ranks(self, folder: Path, side: RowSide, record: CellResult) -> UserRanks:
        """Return the same as `Store.user_ranks`. The caller must not change it."""
        if (folder, side) not in self._kept:
            name, n_users = side_file(record["cell"], side, RANKS_FILE), record["sides"][side]["n_users"]
            data = read_file(folder, name, record)
            self._kept[folder, side] = self._reader.read(
                data, n_users, lambda data: ranks_table(data, folder / name, n_users)
            )
        return self._kept[folder, side]
