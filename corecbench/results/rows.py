"""The identity of a row and of a stored result, and how users name cells and rows."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from corecbench.data.reduction import NOTHING_LEFT_OUT, Reduction, reduction_of
from corecbench.results.record import ResultsError, own_side, sides_of, variant_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from corecbench.api import CellRecord, CellResult, RowSide
    from corecbench.results.store import Entry


# --- identity -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RowKey:
    """The identity of a row: one side of a cell on one data set. A row has a result for each of its seeds."""

    dataset: str
    side: RowSide
    domain: str | None
    llm: str | None
    sharing: str | None
    control: str | None = None
    reduction: Reduction = NOTHING_LEFT_OUT
    """What is left out of training, which the name of the data set says too."""
    is_reference: bool = field(default=False, compare=False)
    """Whether it is the row of a quick model without an LLM, over the strongest of which gains are said."""

    @property
    def whole_dataset(self) -> str:
        return self.reduction.whole(self.dataset)

    @property
    def pooled(self) -> RowKey:
        return self.under(window=0)

    @property
    def without_windows(self) -> RowKey:
        return self.under(window=0, windows=1)

    @property
    def at_full_share(self) -> RowKey:
        return self.under(train_share=1.0)

    def under(self, **reduction: Any) -> RowKey:
        other = replace(self.reduction, **reduction)
        return replace(self, dataset=other.name_of(self.whole_dataset), reduction=other)

    @property
    def is_pooled(self) -> bool:
        return self.reduction.windows > 1 and not self.reduction.window

    @property
    def own(self) -> str | None:
        return self.domain if own_side(self.side) == "domain" else self.llm

    @property
    def partner(self) -> str | None:
        return self.llm if own_side(self.side) == "domain" else self.domain

    @property
    def solo(self) -> RowKey:
        side = own_side(self.side)
        domain, llm = (self.domain, None) if side == "domain" else (None, self.llm)
        return RowKey(self.dataset, side, domain, llm, sharing=None, reduction=self.reduction)

    @property
    def is_solo(self) -> bool:
        return self == self.solo

    @property
    def cell(self) -> str:
        return "+".join(part for part in (self.domain, self.llm, self.sharing, self.control) if part)

    @property
    def name(self) -> str:
        return f"{self.cell}:{self.side}" if self.sharing else self.cell

    @property
    def model(self) -> str:
        return " + ".join(name for name in (self.domain, self.llm) if name)

    def is_control(self, unshared: Collection[str]) -> bool:
        """Return whether the row is there only to judge other rows by.

        Such a row is a control, or one of a pair whose module is among those that share nothing.
        """
        return self.control is not None or self.sharing in unshared

    def is_called(self, name: str, benchmark: str | None = None) -> bool:
        return name in names_of(self.cell, [self.side], benchmark)

    def on(self, dataset: str) -> RowKey:
        return replace(self, dataset=dataset)


PARTS = tuple(field.name for field in fields(RowKey) if field.compare and field.name != "reduction")
"""The fields that tell rows apart, in order, without the reduction, which the name of the data set says."""


def rows_of(cell: CellRecord) -> list[RowKey]:
    parts = cell["domain"], cell["llm"], cell["sharing"], cell.get("control")
    known = reduction_of(cell), cell.get("reference", False)
    return [RowKey(cell["dataset"], side, *parts, *known) for side in sides_of(cell)]


def by_row(entries: Iterable[Entry]) -> dict[RowKey, dict[int, Entry]]:
    """Return the stored results of each row by seed, with the rows in the order of a table.

    Earlier versions ranked an LLM of a pair that has no epochs. That is no row where a later one stored the pair,
    too.

    Raises:
        ResultsError: a cell has two results for a seed.
    """
    rows: dict[RowKey, dict[int, Entry]] = {}
    stored = [(rows_of(record["cell"]), (folder, record)) for folder, record in entries]
    unranked = {
        replace(keys[0].pooled, side="llm") for keys, (_, of) in stored if of["cell"].get("llm_epochs") == 0
    }
    for keys, (folder, record) in stored:
        seed = record["cell"]["seed"]
        for key in (key for key in keys if key.pooled not in unranked):
            earlier, _ = rows.setdefault(key, {}).setdefault(seed, (folder, record))
            if earlier != folder:
                raise ResultsError(f"two results for one row and seed, {earlier} and {folder}; keep one of them")
    return {key: rows[key] for key in in_order(rows)}


def in_order(keys: Collection[RowKey]) -> list[RowKey]:
    """Return rows in the order of a table.

    The parts of a data set stand beside each other, those on which fewer users train first. References come first.
    Of the others a model alone comes first, then its pairs by partner and sharing module. The ensemble of a pair
    follows the row of its domain side, and each row is followed by its controls.
    """
    datasets = list(dict.fromkeys(key.whole_dataset for key in keys))
    named = {part: list(dict.fromkeys(getattr(key, part) for key in keys)) for part in PARTS[1:]}

    def place(key: RowKey) -> tuple[Any, ...]:
        at = {part: places.index(getattr(key, part)) for part, places in named.items()}
        own, partner = ("domain", "llm") if own_side(key.side) == "domain" else ("llm", "domain")
        control = key.control is not None, at["control"]
        in_pair = at[partner], at["sharing"], key.side == "ensemble", control
        of_part = key.reduction.window, key.reduction.train_share, key.reduction.cold_items
        dataset = datasets.index(key.whole_dataset), *of_part
        return *dataset, own_side(key.side), not key.is_reference, at[own], not key.is_solo, *in_pair

    return sorted(keys, key=place)


class ResultKey(NamedTuple):
    """The identity of a stored result. Two results with the same key come from the same settings and seed."""

    dataset: str
    cell: str
    seed: int
    hash: str


def result_key(record: CellResult) -> ResultKey:
    cell = record["cell"]
    return ResultKey(cell["dataset"], cell["name"], cell["seed"], record["hash"])


def variants_of(entries: Iterable[Entry]) -> dict[str, str]:
    found = {}
    for _, record in entries:
        label = record["cell"]["sharing"]
        if label and (whole := variant_of(record, label)):
            found[label] = whole
    return found


# --- names given by users -----------------------------------------------------------------------------------------


def names_of(cell: str, sides: Iterable[RowSide], benchmark: str | None = None) -> list[str]:
    """Return the names by which a user may mean a cell or one of its sides.

    >>> names_of("sasrec", ["domain"], "tuned")
    ['sasrec', 'tuned/sasrec', 'sasrec:domain', 'tuned/sasrec:domain']
    """
    short = [cell, *(f"{cell}:{side}" for side in sides)]
    return [name for each in short for name in (each, *([f"{benchmark}/{each}"] if benchmark else []))]


def is_named(record: CellResult, names: Collection[str], benchmark: str | None = None) -> bool:
    cell = record["cell"]
    return not set(names_of(cell["name"], sides_of(cell), benchmark)).isdisjoint(names)
