"""The stored files of a finished cell: written atomically, read and checked.

    ROOT/BENCHMARK/DATASET/CELL/seed0-1a2b3c4d/
        result.json          a `CellResult`
        ranks.parquet        of a cell with one side; a joint cell has domain/ranks.parquet, llm/ranks.parquet and,
                             where the sharing module combines both, ensemble/ranks.parquet
        top.parquet          beside each: the best candidates of every user, unless the run stored none
        model/               the models, where the run keeps them; see `corecbench.keeping.folder`
        items.parquet        with these: how often each item occurs in training; absent from older results

A folder appears under its name only when it is complete. Beside it lie hidden files of the same name, which readers
never look at: the lease of whoever trains the cell (`corecbench.results.lease`), the state of its training, and
what killed writers left. Only the owner of the lease writes the cell and removes these.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from corecbench.api import CellRecord, CellResult, RowSide, ordinary_file
from corecbench.data.durable import sync
from corecbench.results.frames import ITEMS, TOP, known_columns
from corecbench.results.lease import Lease, lease_of
from corecbench.results.privacy import is_private, without_private
from corecbench.results.record import ResultsError, sides_of, validate
from corecbench.results.user_ranks import RanksReader, UserRanks, in_order

Entry = tuple[Path, CellResult]
"""The folder of a stored cell, and its record."""

RANKS_FILE, TOP_FILE, ITEMS_FILE = "ranks.parquet", "top.parquet", "items.parquet"
MODEL = "model"
"""Name of the folder with the models of a cell, if they are kept, in that of the cell."""


def slug(label: str) -> str:
    """Return a name for a file that is safe in a path, readable, and tells labels apart.

    >>> slug("sasrec+llama+bdlm")
    'sasrec+llama+bdlm'
    >>> slug("llama:org/model")
    'llama-org-model-824a0d'
    """
    safe = re.sub(r"[^A-Za-z0-9._+-]+", "-", label).strip("-.")[:100]
    if safe == label and label:
        return safe
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{safe}-{digest}".lstrip("-")


def _side_folder(cell: CellRecord, side: RowSide) -> Path:
    """Return the folder of a side's files, relative to that of its cell."""
    return Path(side if len(sides_of(cell)) > 1 else "")


@dataclass(frozen=True)
class Store:
    """The results of one benchmark."""

    root: Path
    benchmark: str

    def folder(self, cell_name: str, dataset: str, seed: int, hash8: str) -> Path:
        """Return the folder of the result of a cell, whether it exists or not."""
        return self.root / slug(self.benchmark) / slug(dataset) / slug(cell_name) / f"seed{seed}-{hash8}"

    def write(
        self,
        folder: Path,
        record: CellResult,
        ranks: Mapping[RowSide, pd.DataFrame],
        files: Mapping[str, Callable[[Path], object]] | None = None,
        top: Mapping[RowSide, pd.DataFrame] | None = None,
        keep_state: bool = False,
    ) -> None:
        """Store a cell, in place of the one that the folder held.

        Whenever the process stops, the folder holds all of the old, all of the new, or is not there.

        Args:
            folder: the folder of the cell, from `folder`.
            record: the contents of result.json.
            ranks: a table for each side in the record, with the columns in COLUMNS and, where known, COUNTS.
            files: name -> a function that writes a further file to the path that it is given.
            top: a table for each side in the record, with the columns in TOP; None stores none.
            keep_state: whether the state of its training is kept, from which another attempt goes on.

        Raises:
            ResultsError: the record does not have the schema, holds what JSON cannot, such as NaN, or has other
                sides than the ranks or the best candidates.
        """
        validate(record, folder / "result.json")
        for name, tables in (("ranks", ranks), ("best candidates", ranks if top is None else top)):
            if set(tables) != set(record["sides"]):
                raise ResultsError(
                    f"{folder}: {name} of {sorted(tables)}, but the record has {sorted(record['sides'])}"
                )
        try:
            text = json.dumps(record, allow_nan=False, sort_keys=True, indent=2)
        except (TypeError, ValueError) as error:
            raise ResultsError(f"{folder}: the record cannot be stored as JSON ({error})") from error
        remove_leftovers(folder)
        new = folder.with_name(f".{folder.name}.{os.getpid()}.new")
        new.mkdir(parents=True)
        try:
            (new / "result.json").write_text(text + "\n", encoding="utf-8")
            for side, frame in ranks.items():
                place = new / _side_folder(record["cell"], side)
                place.mkdir(exist_ok=True)
                known_columns(frame).to_parquet(place / RANKS_FILE, index=False, compression="zstd")
                if top is not None:
                    top[side][list(TOP)].to_parquet(place / TOP_FILE, index=False, compression="zstd")
            for name, write in (files or {}).items():
                write(new / name)
            _put_in_place(new, folder)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        if not keep_state:
            shutil.rmtree(state_of(folder), ignore_errors=True)

    def elsewhere(self, folder: Path) -> Iterator[Path]:
        """Yield the folders of the same cell, seed and hash in other benchmarks that lie beside this one.

        Args:
            folder: the folder of the cell, from `folder`.
        """
        inside = folder.relative_to(self.root / slug(self.benchmark))
        yield from sorted(other for other in self.root.glob(f"*/{inside}") if other != folder)

    def take_over(self, other: Path, folder: Path) -> None:
        """Copy a cell of another benchmark, from `elsewhere`, to its place in this one."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = folder.with_name(f".{folder.name}.{os.getpid()}.new")
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(other, new)
        _put_in_place(new, folder)

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
        """Return whether a cell is stored as one that failed."""
        try:
            return self.read(folder)["status"] == "failed"
        except ResultsError:
            return False

    def read(self, folder: Path) -> CellResult:
        """Return the record of a cell.

        Raises:
            ResultsError: it is missing, damaged or of another schema.
        """
        file = folder / "result.json"
        try:
            text = ordinary_file(file).read_text(encoding="utf-8")
            record = json.loads(text, parse_constant=_refuse_constant)
        except FileNotFoundError as error:
            raise ResultsError(f"{file}: no such result") from error
        except (OSError, ValueError) as error:
            raise ResultsError(f"{file}: cannot be read ({error}); run the cell again") from error
        validated = validate(record, file)
        return without_private(validated) if is_private(text) else validated

    def ranks(self, folder: Path, side: RowSide) -> pd.DataFrame:
        """Return the ranks of one side of a cell, columns as in COLUMNS and, where they were stored, COUNTS.

        Raises:
            ResultsError: they are missing or damaged.
        """
        record, place = self._side(folder, side)
        file = place / RANKS_FILE
        frame = _read(file, known_columns)
        expected = record["sides"][side]["n_users"]
        if len(frame) != expected:
            raise ResultsError(f"{file}: {len(frame)} users, but result.json counts {expected}; run the cell again")
        for name, what in {"rank": "a rank", "n_candidates": "a number of candidates"}.items():
            if not pd.api.types.is_integer_dtype(frame[name]) or (frame[name] < 1).any():
                raise ResultsError(f"{file}: {what} is a whole number from 1 on; run the cell again")
        if frame["user_id"].duplicated().any():
            raise ResultsError(f"{file}: a user is there twice; run the cell again")
        return frame

    def user_ranks(self, folder: Path, side: RowSide, record: CellResult) -> UserRanks:
        """Return the ranks of one side of a cell, in the order of user ids.

        Args:
            folder: the folder of the cell.
            side: a side that has ranks.
            record: the record of the cell.

        Raises:
            ResultsError: they are missing or damaged.
        """
        return in_order(self.ranks(folder, side))

    def top(self, folder: Path, side: RowSide) -> pd.DataFrame:
        """Return the best candidates of every user on one side of a cell, columns as in TOP.

        Raises:
            ResultsError: they were not stored, or are damaged.
        """
        file = self._side(folder, side)[1] / TOP_FILE
        if not file.exists():
            raise ResultsError(
                f"{file}: no best items were stored with this cell; run it again with --top-k 10 --existing replace"
            )
        return _read(file, lambda frame: frame[list(TOP)])

    def items(self, folder: Path) -> pd.DataFrame:
        """Return how often each item occurs in the training data of a cell, columns as in ITEMS.

        Raises:
            ResultsError: the counts were not stored, or are damaged.
        """
        file = folder / ITEMS_FILE
        if not file.exists():
            raise ResultsError(
                f"{file}: how often items occur in training was not stored with this cell; run it again with "
                "--existing replace"
            )
        return _read(file, lambda frame: frame[list(ITEMS)])

    def _side(self, folder: Path, side: RowSide) -> tuple[CellResult, Path]:
        """Return the record of a cell and the folder of a side's files."""
        record = self.read(folder)
        if side not in record["sides"]:
            raise ResultsError(f"{folder}: no {side} side; have: {', '.join(record['sides']) or 'none'}")
        return record, folder / _side_folder(record["cell"], side)

    def is_done(self, folder: Path) -> bool:
        """Return whether all rows of a cell succeeded and their ranks can be read."""
        try:
            record = self.read(folder)
            for side in record["sides"]:
                self.ranks(folder, side)
        except ResultsError:
            return False
        return record["status"] == "ok"

    def records(self, dataset: str | None = None) -> Iterator[tuple[Path, CellResult]]:
        """Yield every stored cell, failed ones too, ordered by data set, cell, seed and hash.

        Raises:
            ResultsError: a record is damaged or of another schema.
        """
        pattern = slug(dataset) if dataset is not None else "*"
        files = (self.root / slug(self.benchmark)).glob(f"{pattern}/*/seed*/result.json")
        read = [(file.parent, self.read(file.parent)) for file in files]
        yield from sorted(read, key=_place)


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
            file = folder / _side_folder(record["cell"], side) / RANKS_FILE
            n_users = record["sides"][side]["n_users"]
            read = self._reader.read(file, n_users, lambda: self.ranks(folder, side))
            self._kept[folder, side] = read
        return self._kept[folder, side]


def _read(file: Path, columns: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """Return the columns of a stored table that `columns` takes."""
    try:
        return columns(pd.read_parquet(ordinary_file(file)))
    except Exception as error:  # pyarrow and pandas raise errors of many kinds for a damaged file
        reason = " ".join(str(error).split())
        raise ResultsError(f"{file}: cannot be read ({reason}); run the cell again") from error


def _place(entry: tuple[Path, CellResult]) -> tuple[str, str, int, str]:
    cell = entry[1]["cell"]
    return cell["dataset"], cell["name"], cell["seed"], entry[1]["hash"]


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def state_of(folder: Path) -> Path:
    """Return the folder in which the state of a cell's training is kept until the cell is stored."""
    return folder.with_name(f".{folder.name}.state")


def remove_leftovers(folder: Path, with_state: bool = False) -> None:
    """Remove what killed writers of a cell have left and, if that is wished, the state of its training."""
    kept = {lease_of(folder)} | (set() if with_state else {state_of(folder)})
    for leftover in set(folder.parent.glob(f".{folder.name}.*")) - kept:
        shutil.rmtree(leftover, ignore_errors=True)
        leftover.unlink(missing_ok=True)


def _put_in_place(new: Path, folder: Path) -> None:
    """Make a complete folder durable and give it its name."""
    for path in (*new.rglob("*"), new):
        sync(path)
    old = new.with_suffix(".old")
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)
