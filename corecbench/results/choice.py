"""Which settings of a cell are meant where a folder holds several, such as those of an earlier and a later run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from corecbench.api import CellResult, UsageError
from corecbench.settings.configure import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from corecbench.results.store import Entry, Store


class CellKey(NamedTuple):
    """A cell on a data set, whatever its settings and seed."""

    dataset: str
    name: str


@dataclass(frozen=True)
class Choice:
    """How one of several settings of a cell is chosen."""

    latest: bool = False
    """Whether the settings are taken that were run last."""
    picks: tuple[tuple[str, str], ...] = ()
    """Cells and hashes of the settings to take. A cell may be there several times, for several data sets."""

    def of(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return results in which no cell has several settings for a seed.

        Raises:
            UsageError: one has, and nothing says which to take.
        """
        for cell, records in by_cell(chosen := self._taken(entries)).items():
            seeds = [record["cell"]["seed"] for record in records]
            if twice := [seed for seed in seeds if seeds.count(seed) > 1]:
                raise UsageError(_several(cell, [each for each in records if each["cell"]["seed"] == twice[0]]))
        return chosen

    def narrowed(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return results without the settings that are not taken; those of which nothing is said stay.

        Raises:
            UsageError: what is picked is not stored, or two settings of a cell are picked.
        """
        self.check(entries)
        return self._taken(entries)

    def of_each(self, results: Mapping[Store, Sequence[Entry]]) -> dict[Store, list[Entry]]:
        """Return the same of each of several benchmarks.

        Raises:
            UsageError: as in `of`, or what is picked is stored in none of them.
        """
        self.check(entry for entries in results.values() for entry in entries)
        return {store: self.of(entries) for store, entries in results.items()}

    def check(self, entries: Iterable[Entry]) -> None:
        """Raise a UsageError if what is picked is not stored."""
        if not self.picks:
            return
        hashes: dict[str, set[str]] = {}
        for _, record in entries:
            hashes.setdefault(record["cell"]["name"], set()).add(record["hash"])
        for name, hash8 in self.picks:
            if name not in hashes:
                raise unknown("cell", name, hashes)
            if hash8 not in hashes[name]:
                raise unknown(f"hash of cell {name}", hash8, hashes[name])

    def _taken(self, entries: Sequence[Entry]) -> list[Entry]:
        chosen = {cell: self._hashes(cell, found) for cell, found in by_cell(entries).items()}
        return [entry for entry in entries if entry[1]["hash"] in chosen[key_of(entry[1])]]

    def _hashes(self, cell: CellKey, records: Sequence[CellResult]) -> set[str]:
        """Return the hashes of the settings to take of a cell, all of them where nothing is said."""
        hashes = {record["hash"] for record in records}
        picked = hashes & {hash8 for name, hash8 in self.picks if name == cell.name}
        if len(picked) > 1:
            raise UsageError(f"{cell.dataset}: two settings of {cell.name} are picked: {', '.join(sorted(picked))}")
        if picked:
            return picked
        if self.latest:
            return {latest(records)["hash"]}
        return hashes


AS_STORED = Choice()
"""Nothing is chosen, so several settings of a cell are an error."""


def choice_of(latest: bool = False, pick: Mapping[str, str | Sequence[str]] | None = None) -> Choice:
    """Return the choice that a user has made; a cell may have several hashes, those of several data sets.

    >>> choice_of(pick={"sasrec": "0123abcd"})
    Choice(latest=False, picks=(('sasrec', '0123abcd'),))
    """
    pairs = [(name, (of,) if isinstance(of, str) else of) for name, of in (pick or {}).items()]
    return Choice(latest, tuple((name, hash8) for name, hashes in pairs for hash8 in hashes))


def read_picks(texts: Iterable[str]) -> dict[str, list[str]]:
    """Return cell -> hashes from texts such as "sasrec=0123abcd".

    Raises:
        UsageError: a text is none such.

    >>> read_picks(["sasrec=0123abcd", "sasrec=89abcdef"])
    {'sasrec': ['0123abcd', '89abcdef']}
    """
    picks: dict[str, list[str]] = {}
    for text in texts:
        name, _, hash8 = text.rpartition("=")
        if not (name and hash8):
            raise UsageError(f"a pick is CELL=HASH, the name of a cell and 8 digits; got {text!r}")
        picks.setdefault(name, []).append(hash8)
    return picks


def key_of(record: CellResult) -> CellKey:
    return CellKey(record["cell"]["dataset"], record["cell"]["name"])


def by_cell(entries: Iterable[Entry]) -> dict[CellKey, list[CellResult]]:
    cells: dict[CellKey, list[CellResult]] = {}
    for _, record in entries:
        cells.setdefault(key_of(record), []).append(record)
    return cells


def latest(records: Iterable[CellResult]) -> CellResult:
    return max(records, key=lambda record: (started(record), record["hash"]))


def started(record: CellResult) -> datetime:
    try:
        time = datetime.fromisoformat(record["started"])
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _several(cell: CellKey, records: Iterable[CellResult]) -> str:
    """Return the error of several settings of a cell in one line."""
    in_order = sorted(records, key=started, reverse=True)
    seed, hash8 = in_order[0]["cell"]["seed"], in_order[0]["hash"]
    splits = sorted({str(each["protocol"].get("split", "leave-one-out")) for each in in_order})
    if len(splits) > 1:
        return (
            f"{cell.dataset}: {cell.name} is stored under {' and '.join(splits)}, which share no table; compare "
            f"them by --set report.protocols=true, or take the latest of each cell by --latest"
        )
    dated = ", ".join(f"{each['hash']} ({started(each):%Y-%m-%d %H:%M})" for each in in_order)
    return (
        f"{cell.dataset}: several settings of {cell.name} are stored for seed {seed}: {dated}; "
        f"take the latest of each cell by --latest, or one by --pick {cell.name}={hash8} (in Python "
        "latest=True or pick={CELL: HASH}); `corecbench results prune` lists the old ones"
    )
