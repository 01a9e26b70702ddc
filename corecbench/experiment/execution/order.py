"""Which cells can run now, and which of them first.

The sharing module of a pair says whether the pair needs what its domain model learnt alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corecbench.experiment.cells import Cell, label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host

PAIR, LLM, DOMAIN = 3, 2, 1
"""How long a cell usually takes, in comparison with others: a pair takes longest, a domain model alone shortest."""


@dataclass
class Queue:
    """The cells of a run that were not handed over yet, in the order in which they would best be."""

    left: list[Cell]
    waiting: Mapping[Path, Path] = field(default_factory=dict)
    """Folder of a pair -> that of the cell which it waits for."""

    def next(self, put_off: Callable[[Cell], bool] = lambda cell: False) -> Cell | None:
        """Return the first cell that waits for nothing, None if there is none now.

        Args:
            put_off: whether another cell had better be first, if there is one.
        """
        ready = [cell for cell in self.left if cell.folder not in self.waiting]
        first = next((cell for cell in ready if not put_off(cell)), next(iter(ready), None))
        if first is not None:
            self.left.remove(first)
        return first

    def hold(self, cell: Cell, needs_alone: Callable[[Cell], bool]) -> None:
        """Let pairs wait for the cell of their domain model alone, since another run trains it."""
        if cell.sharing is None and cell.domain is not None:
            pairs = [pair for pair in self.left if pair.sharing is not None and key(pair) == key(cell)]
            held = {pair.folder: cell.folder for pair in pairs if needs_alone(pair)}
            self.waiting = {**self.waiting, **held}

    def ended(self, cell: Cell) -> None:
        """Let the pairs go that waited for a cell."""
        self.waiting = {pair: solo for pair, solo in self.waiting.items() if solo != cell.folder}


def side_by_side(cells: Sequence[Cell], needs_alone: Callable[[Cell], bool]) -> Queue:
    """Return the queue of cells of which several run at once.

    A pair waits for the cell of its domain model alone if it needs it. Of the cells that wait for nothing,
    the first is the one whose chain of work is longest: its own time, and that of the pairs that wait for it. Equal
    chains keep the plan's order.

    Args:
        cells: those of the plan that are not done, in its order.
        needs_alone: whether a pair needs what its domain model learnt alone.
    """
    alone = {key(cell): cell.folder for cell in cells if cell.sharing is None and cell.domain is not None}
    waiting: dict[Path, Path] = {}
    for pair in (cell for cell in cells if cell.sharing is not None):
        domain = alone.get(key(pair))
        if domain is not None and needs_alone(pair):
            waiting[pair.folder] = domain
    waited_for = set(waiting.values())

    def chain(cell: Cell) -> int:
        return time_of(cell) + (PAIR if cell.folder in waited_for else 0)

    return Queue(sorted(cells, key=chain, reverse=True), waiting)


def key(cell: Cell) -> tuple[str | None, str, int]:
    """Return what a pair and the cell of its domain model alone have in common."""
    return label_of(cell.domain), cell.data.name, cell.seed


def same_texts(one: Cell, other: Cell) -> bool:
    """Return whether two cells read the same texts by the same LLM, which the first of them encodes for all."""
    if one.llm is None:
        return False
    return (label_of(one.llm), one.data.whole_name) == (label_of(other.llm), other.data.whole_name)


def begin_alike(one: Cell, other: Cell) -> bool:
    """Return whether two pairs have the same first turn, after which the first of them writes its state for all."""
    return one.sharing is not None and (one.start_hash, one.seed) == (other.start_hash, other.seed)


def time_of(cell: Cell) -> int:
    """Return how long a cell usually takes, in comparison with others."""
    return PAIR if cell.sharing is not None else LLM if cell.llm is not None else DOMAIN


def needs_alone(plan: Plan, host: Host) -> Callable[[Cell], bool]:
    """Return what says of a pair whether it needs what its domain model learnt alone.

    It builds each sharing module once for each data set.
    """
    known: dict[tuple[str, str], bool] = {}

    def ask(cell: Cell) -> bool:
        if cell.domain is not None and not cell.domain.joint:
            return True
        key = cell.data.name, "" if cell.sharing is None else cell.sharing.label
        if key not in known:
            known[key] = says_so(cell, plan, host)
        return known[key]

    return ask


def says_so(cell: Cell, plan: Plan, host: Host) -> bool:
    """Return whether the sharing module of a pair needs the model alone. If it cannot be built, the pair waits."""
    from corecbench.api import Setup
    from corecbench.plugin.abilities import sharing_abilities

    if cell.sharing is None:
        return True
    try:
        setup = Setup(cell.data.catalog, cell.max_history, cell.seed, "cpu", plan.cache)
        abilities = sharing_abilities(host.build(cell.sharing, setup))
    except (Exception, SystemExit):
        return True
    return abilities.alone_unless_better or abilities.start_from == "pretrained"
