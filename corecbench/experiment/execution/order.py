"""Which cells can run now, and which of them first.

The sharing module of a pair says whether the pair needs what its domain model learnt alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from corecbench.experiment.cells import Cell, label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host

Need = Literal["start", "end"]
"""When a pair needs what its domain model learnt alone: to start from it, or to be compared with it at its end."""

PAIR, LLM, DOMAIN = 3, 2, 1
"""How long a cell usually takes, in comparison with others: a pair takes longest, a domain model alone shortest."""
FIRST = 10
"""More than any chain of work: references are quick, and a reader sees what there is to beat."""


@dataclass
class Queue:
    """The cells of a run that were not handed over yet, in the order in which they would best be."""

    left: list[Cell]
    waiting: Mapping[Path, Path] = field(default_factory=dict)
    """Folder of a pair -> that of the cell which it waits for."""
    at_end: frozenset[Path] = frozenset()
    """Folders of pairs that wait only until that cell is handed over, since they need it at their end."""

    def next(self, put_off: Callable[[Cell], bool] = lambda cell: False) -> Cell | None:
        ready = [cell for cell in self.left if cell.folder not in self.waiting]
        first = next((cell for cell in ready if not put_off(cell)), next(iter(ready), None))
        if first is not None:
            self.left.remove(first)
        return first

    def hold(self, cell: Cell, needs_alone: Callable[[Cell], Need | None]) -> None:
        if is_alone(cell):
            pairs = [pair for pair in self.left if pair.sharing is not None and key(pair) == key(cell)]
            held = {pair.folder: cell.folder for pair in pairs if needs_alone(pair)}
            self.waiting = {**self.waiting, **held}

    def begun(self, cell: Cell) -> None:
        self.waiting = {
            pair: solo for pair, solo in self.waiting.items() if solo != cell.folder or pair not in self.at_end
        }

    def back(self, pair: Cell, others: Sequence[Cell]) -> None:
        """Take a pair back that has come to its end. It waits for the cell of its domain model alone, if that runs.

        The others are the cells that are running or will be, beside those of the queue.
        """
        alone = next((cell for cell in [*self.left, *others] if is_alone(cell) and key(cell) == key(pair)), None)
        if alone is not None:
            self.waiting, self.at_end = {**self.waiting, pair.folder: alone.folder}, self.at_end - {pair.folder}
        self.left.insert(0, pair)

    def ended(self, cell: Cell) -> None:
        self.waiting = {pair: solo for pair, solo in self.waiting.items() if solo != cell.folder}


def side_by_side(
    cells: Sequence[Cell], needs_alone: Callable[[Cell], Need | None], takes_back: bool = False
) -> Queue:
    """Return the queue of cells of which several run at once.

    A pair waits for the cell of its domain model alone if it needs it: until it ends or, where a pair that needs it
    at its end is taken back if it has come there first, until it begins. Of the cells that wait for nothing,
    references come first, then those whose chain of work is longest: its own time, and that of the pairs that wait
    for it. Equal chains keep the plan's order.

    Args:
        cells: those of the plan that are not done, in its order.
        needs_alone: when a pair needs what its domain model learnt alone; None for never.
        takes_back: whether pairs are taken back.
    """
    alone = {key(cell): cell.folder for cell in cells if is_alone(cell)}
    waiting: dict[Path, Path] = {}
    at_end = set()
    for pair in (cell for cell in cells if cell.sharing is not None):
        domain = alone.get(key(pair))
        if domain is not None and (need := needs_alone(pair)):
            waiting[pair.folder] = domain
            if takes_back and need == "end":
                at_end.add(pair.folder)
    waited_for = set(waiting.values())

    def chain(cell: Cell) -> int:
        if is_alone(cell) and cell.domain is not None and cell.domain.is_reference:
            return FIRST
        return time_of(cell) + (PAIR if cell.folder in waited_for else 0)

    return Queue(sorted(cells, key=chain, reverse=True), waiting, frozenset(at_end))


def is_alone(cell: Cell) -> bool:
    return cell.sharing is None and cell.domain is not None


def key(cell: Cell) -> tuple[str | None, str, int]:
    return label_of(cell.domain), cell.data.name, cell.seed


def same_texts(one: Cell, other: Cell) -> bool:
    if one.llm is None:
        return False
    return (label_of(one.llm), one.data.whole_name) == (label_of(other.llm), other.data.whole_name)


def begin_alike(one: Cell, other: Cell) -> bool:
    return one.sharing is not None and (one.start_hash, one.seed) == (other.start_hash, other.seed)


def time_of(cell: Cell) -> int:
    return PAIR if cell.sharing is not None else LLM if cell.llm is not None else DOMAIN


def needs_alone(plan: Plan, host: Host) -> Callable[[Cell], Need | None]:
    """Return what says of a pair when it needs what its domain model learnt alone, None for never.

    It builds each sharing module once for each data set.
    """
    known: dict[tuple[str, str], Need | None] = {}

    def ask(cell: Cell) -> Need | None:
        if cell.domain is not None and not cell.domain.joint:
            return "start"
        key = cell.data.name, "" if cell.sharing is None else cell.sharing.label
        if key not in known:
            known[key] = says_so(cell, plan, host)
        return known[key]

    return ask


def says_so(cell: Cell, plan: Plan, host: Host) -> Need | None:
    """Return when the sharing module of a pair needs the model alone. If it cannot be built, the pair waits."""
    from corecbench.api import Setup
    from corecbench.plugin.abilities import sharing_abilities

    if cell.sharing is None or not cell.sharing.trains:
        return "start"
    try:
        setup = Setup(cell.data.catalog, cell.max_history, cell.seed, "cpu", plan.cache)
        abilities = sharing_abilities(host.build(cell.sharing, setup))
    except (Exception, SystemExit):
        return "start"
    if abilities.start_from == "pretrained":
        return "start"
    return "end" if abilities.alone_unless_better else None
