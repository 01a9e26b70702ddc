"""The stored files of a finished cell: written atomically, read and checked.

    ROOT/BENCHMARK/DATASET/CELL/seed0-1a2b3c4d/
        result.json          a `CellResult`
        ranks.parquet        of a cell with one side; a joint cell has domain/ranks.parquet, llm/ranks.parquet and,
                             where the sharing module combines both, ensemble/ranks.parquet
        top.parquet          beside each: the best candidates of every user, unless the run stored none
        model/               the models, where the run keeps them; see `corecbench.keeping.folder`
    ROOT/BENCHMARK/DATASET/
        users-1a2b3c4d5e6f7a8b.parquet      the users who are tested, with their held-out items and what is known
        training-1a2b3c4d5e6f7a8b.parquet   what is known of the same users by what is trained on
        items-1a2b3c4d5e6f7a8b.parquet      with the best candidates: how often each item occurs in training

Cells share the last three with all others of the same contents, that is of the same split and share in training.
result.json has the sha256 of its own contents and of every other file, of the shared ones as users.parquet and
so on. Each file is checked when it is read. A cell that is damaged costs its own row: `Store.sound` leaves
it out and says why. Row n of users, training and ranks is the same user.

A folder appears under its name only when it is complete. Beside it lie hidden files of the same name, which readers
never look at: the lease of whoever trains the cell (`corecbench.results.lease`), the state of its training, and
what killed writers left. Only the owner of the lease writes the cell and removes these.
"""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from corecbench.api import CellResult, RowSide
from corecbench.results.checksums import is_stored, read_file, sealed
from corecbench.results.copying import new_beside, put_copy, put_in_place, share
from corecbench.results.frames import ITEMS, TOP
from corecbench.results.layout import ITEMS_FILE, RANKS_FILE, RECORD_FILE, TOP_FILE, cell_folder, side_file, slug
from corecbench.results.lease import Lease, lease_of
from corecbench.results.packed import cells_below, remove
from corecbench.results.record import SCHEMA, ResultsError, record_text, validate
from corecbench.results.record_file import read_record
from corecbench.results.tables import read_table, write_table
from corecbench.results.user_ranks import RanksReader, UserRanks, write_ranks

Entry = tuple[Path, CellResult]
"""The folder of a stored cell, and its record."""


@dataclass(frozen=True)
class Store:
    """The results of one benchmark."""

    root: Path
    benchmark: str
    damaged: dict[Path, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Folder of a cell that could not be read so far -> why, in one line that says how it is mended."""

    @property
    def own_folder(self) -> Path:
        return self.root / slug(self.benchmark)

    def folder(self, cell_name: str, dataset: str, seed: int, hash8: str) -> Path:
        return self.own_folder.joinpath(*cell_folder(cell_name, dataset, seed, hash8))

    def write(
        self,
        folder: Path,
        record: CellResult,
        ranks: Mapping[RowSide, pd.DataFrame],
        files: Mapping[str, Callable[[Path], object]] | None = None,
        top: Mapping[RowSide, pd.DataFrame] | None = None,
        keep_state: bool = False,
    ) -> CellResult:
        """Store a cell, in place of the one that the folder held.

        Whenever the process stops, the folder holds all of the old, all of the new, or is not there.

        Args:
            folder: the folder of the cell, from `folder`.
            record: the contents of result.json.
            ranks: a table for each side in the record, with the columns in COLUMNS and, where known, COUNTS.
            files: name -> a function that writes a further file to the path that it is given.
            top: a table for each side in the record, with the columns in TOP; None stores none.
            keep_state: whether the state of its training is kept, from which another attempt goes on.

        Returns:
            The record as it is stored: with the checksums of all files and its own.

        Raises:
            ResultsError: the record does not have the schema, holds what JSON cannot, such as NaN, or has other
                sides than the ranks or the best candidates.
            OSError: a file cannot be written.
        """
        validate(record, folder / RECORD_FILE)
        for name, tables in (("ranks", ranks), ("best candidates", ranks if top is None else top)):
            if set(tables) != set(record["sides"]):
                raise ResultsError(
                    f"{folder}: {name} of {sorted(tables)}, but the record has {sorted(record['sides'])}"
                )
        try:
            plain = json.loads(json.dumps({**record, "schema": SCHEMA}, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise ResultsError(f"{folder}: the record cannot be stored as JSON ({error})") from error
        remove_leftovers(folder)
        new = new_beside(folder)
        new.mkdir(parents=True)
        try:
            write_ranks(new, record["cell"], ranks)
            for side, lists in (top or {}).items():
                write_table(lists[list(TOP)], new / side_file(record["cell"], side, TOP_FILE))
            for name, write in (files or {}).items():
                write(new / name)
            stored = sealed(plain, new)
            share(new, folder, stored)
            (new / RECORD_FILE).write_text(record_text(stored), encoding="utf-8", newline="\n")
            put_in_place(new, folder)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        if not keep_state:
            shutil.rmtree(state_of(folder), ignore_errors=True)
        return stored

    def elsewhere(self, folder: Path) -> Iterator[Path]:
        inside = folder.relative_to(self.own_folder)
        for own in sorted(self.root.glob("*")):
            if own != self.own_folder and not own.is_symlink() and (own / inside).is_dir():
                yield own / inside

    def take_over(self, other: Path, folder: Path) -> None:
        """Copy a cell of another benchmark, from `elsewhere`, to its place in this one.

        A cell that was kept outside of the results, since it could not be stored, is moved.

        Raises:
            ResultsError: it cannot be written, or is damaged.
        """
        try:
            put_copy(other, folder)
        except OSError as error:
            reason = error.strerror or " ".join(str(error).split())
            raise ResultsError(f"{folder}: cannot be written ({reason}); the cell stays in {other}") from error
        if not other.is_relative_to(self.root):
            shutil.rmtree(other, ignore_errors=True)

    def drop_failed(self, folder: Path) -> None:
        """Remove failed results of the same cell and seed under other settings: this one stands in their place.

        One that another run is about to replace is left alone.
        """
        for other in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
            if other != folder and self.has_failed(other) and (lease := Lease.take(other)) is not None:
                if self.has_failed(other):
                    shutil.rmtree(other)
                lease.release()

    def has_failed(self, folder: Path) -> bool:
        try:
            return self.read(folder)["status"] == "failed"
        except ResultsError:
            return False

    def read(self, folder: Path) -> CellResult:
        return read_record(folder)

    def ranks(self, folder: Path, side: RowSide) -> pd.DataFrame:
        """Return the ranks of one side of a cell, columns as in COLUMNS and, where they were stored, COUNTS.

        Raises:
            ResultsError: the cell has no such side.
            DamagedError: the ranks are missing or damaged.
        """
        return RanksReader().stored(folder, side, self._with_side(folder, side))

    def user_ranks(
        self, folder: Path, side: RowSide, record: CellResult, reader: RanksReader | None = None
    ) -> UserRanks:
        """Return the ranks of one side of a cell, in the order of user ids.

        A reader of the ranks of many cells lets them share what they have in common.

        Raises:
            DamagedError: they are missing or damaged.
        """
        return (reader or RanksReader()).read(folder, side, record)

    def top(self, folder: Path, side: RowSide) -> pd.DataFrame:
        """Return the best candidates of every user on one side of a cell, columns as in TOP.

        Raises:
            ResultsError: they were not stored.
            DamagedError: they are damaged.
        """
        record = self._with_side(folder, side)
        name = side_file(record["cell"], side, TOP_FILE)
        if not is_stored(folder, name, record):
            raise ResultsError(
                f"{folder / name}: no best items were stored with this cell; run it again with --set run.top_k=10 "
                "--existing replace"
            )
        return read_table(read_file(folder, name, record), folder / name, TOP)

    def items(self, folder: Path) -> pd.DataFrame:
        """Return how often each item occurs in the training data of a cell, columns as in ITEMS.

        Raises:
            ResultsError: the counts were not stored.
            DamagedError: they are damaged.
        """
        record, file = self.read(folder), folder / ITEMS_FILE
        if not is_stored(folder, ITEMS_FILE, record):
            raise ResultsError(
                f"{file}: how often items occur in training was not stored with this cell; run it again with "
                "--existing replace"
            )
        return read_table(read_file(folder, ITEMS_FILE, record), file, ITEMS, once="item_id")

    def _with_side(self, folder: Path, side: RowSide) -> CellResult:
        record = self.read(folder)
        if side not in record["sides"]:
            raise ResultsError(f"{folder}: no {side} side; have: {', '.join(record['sides']) or 'none'}")
        return record

    @property
    def is_packed(self) -> bool:
        return self.root.is_file()

    def check_own(self, folders: Iterable[Path] = ()) -> None:
        """Raise a ResultsError if the folder of the benchmark is a link, which may lead anywhere.

        The same holds of the folders above cells that are to be trained, and of the states of their training.
        """
        inside = (place for folder in folders for place in (*folder.parents[1::-1], state_of(folder)))
        for place in dict.fromkeys((self.own_folder, *inside)):
            if place.is_symlink():
                raise ResultsError(f"{place}: this is a link, and links are not followed; name what it leads to")

    def checked(self, folder: Path) -> CellResult:
        """Return the record of a cell whose files are all as they were stored.

        Raises:
            ResultsError: there is no such cell, or a newer version of corecbench stored it.
            DamagedError: the record or a file is damaged.
        """
        record = self.read(folder)
        for side in record["sides"]:
            self.ranks(folder, side)
        for name in record["files"]:
            if not name.endswith(RANKS_FILE):
                read_file(folder, name, record)
        return record

    def is_done(self, folder: Path) -> bool:
        try:
            return self.checked(folder)["status"] == "ok"
        except ResultsError:
            return False

    def folders(self, dataset: str | None = None) -> list[Path]:
        pattern = slug(dataset) if dataset is not None else "*"
        return cells_below(self.own_folder, pattern)

    def records(self, dataset: str | None = None) -> Iterator[Entry]:
        """Yield every stored cell, failed ones too, ordered by data set, cell, seed and hash.

        Raises:
            ResultsError: a record is damaged or of a newer schema.
        """
        yield from sorted(((folder, self.read(folder)) for folder in self.folders(dataset)), key=_place)

    def sound(self) -> list[Entry]:
        entries = []
        for folder in self.folders():
            with self.noting(folder):
                entries.append((folder, self.read(folder)))
        return sorted(entries, key=_place)

    @contextlib.contextmanager
    def noting(self, folder: Path) -> Iterator[None]:
        try:
            yield
        except ResultsError as error:
            self.damaged[folder] = str(error)


def _place(entry: Entry) -> tuple[str, str, int, str]:
    cell = entry[1]["cell"]
    return cell["dataset"], cell["name"], cell["seed"], entry[1]["hash"]


def state_of(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.state")


def remove_leftovers(folder: Path, with_state: bool = False) -> None:
    kept = {lease_of(folder)} | (set() if with_state else {state_of(folder)})
    for leftover in set(folder.parent.glob(f".{folder.name}.*")) - kept:
        remove(leftover)
