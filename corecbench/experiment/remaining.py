"""Estimates how long a run will still take, from the measured time of the cells that are finished."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from corecbench.api import CellRecord


class Kind(NamedTuple):
    """Cells of one kind take a similar time."""

    dataset: str
    parts: str
    """What is trained: "domain", "llm" or "pair"."""


def kind_of(cell: CellRecord) -> Kind:
    """Return the kind of a cell."""
    parts = "pair" if cell["sharing"] else "llm" if cell["llm"] else "domain"
    return Kind(cell["dataset"], parts)


@dataclass
class Running:
    """A cell that is running."""

    kind: Kind
    started_s: float
    share: float = 0.0
    """Share of its most epochs that it has trained."""


class Remaining:
    """The time that is left of a run. Time is given by the caller, in seconds of one clock."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.waiting = Counter(kinds)
        self.running: dict[Hashable, Running] = {}
        self.finished: list[tuple[Kind, float]] = []
        self.slots = 1

    def started(self, key: Hashable, kind: Kind, now_s: float) -> None:
        """Note that a cell starts."""
        self.waiting[kind] -= 1
        self.running[key] = Running(kind, now_s)
        self.slots = max(self.slots, len(self.running))

    def trained(self, key: Hashable, share: float) -> None:
        """Note which share of its most epochs a cell has trained."""
        self.running[key].share = share

    def ended(self, key: Hashable, now_s: float) -> None:
        """Note that a cell ended."""
        cell = self.running.pop(key)
        self.finished.append((cell.kind, now_s - cell.started_s))

    def left_s(self, now_s: float) -> float | None:
        """Return the seconds that are left, None before anything is known. They fall between two reports, too."""
        running = [self.of_running(cell, now_s) for cell in list(self.running.values())]
        waiting = [(n, self.expected_s(kind, now_s)) for kind, n in list(self.waiting.items()) if n > 0]
        if any(each is None for each in running) or any(each is None for _, each in waiting):
            return None
        known = [each for each in running if each is not None]
        work = sum(known) + sum(n * each for n, each in waiting if each is not None)
        return max([work / self.slots, *known])

    def of_running(self, cell: Running, now_s: float) -> float | None:
        """Return the seconds that are left of a cell: measured on finished ones, then on its own epochs."""
        elapsed_s = now_s - cell.started_s
        expected_s = self.measured_s(cell.kind)
        if expected_s is not None and elapsed_s < expected_s:
            return expected_s - elapsed_s
        return elapsed_s * (1 - cell.share) / cell.share if cell.share else None if expected_s is None else 0.0

    def expected_s(self, kind: Kind, now_s: float) -> float | None:
        """Return how long a cell that waits will take: as the finished ones, else as the running ones."""
        measured = self.measured_s(kind)
        if measured is not None:
            return measured
        running = [cell for cell in list(self.running.values()) if cell.share]
        same = [cell for cell in running if cell.kind == kind] or running
        guesses = [(now_s - cell.started_s) / cell.share for cell in same]
        return statistics.fmean(guesses) if guesses else None

    def measured_s(self, kind: Kind) -> float | None:
        """Return the mean time of the finished cells of a kind, else of those with the same parts, else None."""
        same = [seconds for other, seconds in self.finished if other == kind]
        alike = [seconds for other, seconds in self.finished if other.parts == kind.parts]
        return statistics.fmean(same or alike) if same or alike else None


def in_words(seconds: float) -> str:
    """Return a time that is left in a few characters.

    >>> in_words(42.4), in_words(125), in_words(7500)
    ('42 s', '2 min', '2 h 5 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
