"""Which cells can run now, and which of them first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corecbench.api import SIDES
from corecbench.experiment.cells import label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from corecbench.api import Side
    from corecbench.experiment.cells import Cell

PAIR, LLM, DOMAIN = 3, 2, 1
"""How long a cell usually takes, in comparison with others: a pair takes longest, a domain model alone shortest."""


@dataclass
class Queue:
    """The cells of a run that were not handed over yet, in the order in which they would best be."""

    left: list[Cell]
    waiting: Mapping[Path, Path] = field(default_factory=dict)
    """Folder of a pair -> that of the cell which it waits for."""

    def next(self) -> Cell | None:
        """Return the first cell that waits for nothing, None if there is none now."""
        for place, cell in enumerate(self.left):
            if cell.folder not in self.waiting:
                return self.left.pop(place)
        return None

    def ended(self, cell: Cell) -> None:
        """Let the pairs go that waited for a cell."""
        self.waiting = {pair: solo for pair, solo in self.waiting.items() if solo != cell.folder}


def side_by_side(cells: Sequence[Cell], starts_anew: Callable[[Cell], bool]) -> Queue:
    """Return the queue of cells of which several run at once.

    A pair waits for the cell of its domain model alone if it starts from it. Of the cells that wait for nothing,
    the first is the one whose chain of work is longest: its own time, and that of the pairs behind it. Behind an
    LLM alone stand all its pairs, since they read the texts that it encodes. Equal chains keep the plan's order.

    Args:
        cells: those of the plan that are not done, in its order.
        starts_anew: whether a pair needs nothing of its domain model alone.
    """
    alone = {key(cell, side): cell.folder for cell in cells if cell.sharing is None for side in SIDES}
    waiting: dict[Path, Path] = {}
    has_pairs: set[Path] = set()
    for pair in (cell for cell in cells if cell.sharing is not None):
        domain, llm = (alone.get(key(pair, side)) for side in SIDES)
        if domain is not None and not starts_anew(pair):
            waiting[pair.folder] = domain
            has_pairs.add(domain)
        if llm is not None:
            has_pairs.add(llm)

    def chain(cell: Cell) -> int:
        return time_of(cell) + (PAIR if cell.folder in has_pairs else 0)

    return Queue(sorted(cells, key=chain, reverse=True), waiting)


def key(cell: Cell, side: Side) -> tuple[Side, str | None, str, int]:
    """Return what a pair and the cell of one of its models alone have in common."""
    return side, label_of(cell.domain if side == "domain" else cell.llm), cell.data.name, cell.seed


def time_of(cell: Cell) -> int:
    """Return how long a cell usually takes, in comparison with others."""
    return PAIR if cell.sharing is not None else LLM if cell.llm is not None else DOMAIN
