"""Estimates how long a run will still take: from the epochs that are left, and the time that epochs have taken."""

from __future__ import annotations

import heapq
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from corecbench.api import EpochRecord
    from corecbench.experiment.work import Kind, Stretch, Work

LATEST = 20
"""Number of the latest epochs of a model that tell how long its next ones take."""


@dataclass
class Running:
    """A cell that is running."""

    work: Work
    started_s: float
    heard_s: float
    """When it started, or its latest epoch ended."""
    turn: int = 0
    """Number of its present turn, from 0."""
    trained: int = 0
    """Epochs in this turn."""
    best: tuple[float, int] = (-1.0, 0)
    """The best validation in this turn, and its epoch there."""
    in_epochs_s: float = 0.0
    """Seconds of all its epochs."""
    between_s: float = 0.0
    """Seconds between its turns."""


class Speeds:
    """The seconds that an epoch of a model takes on a data set, with and without learning from the other side."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str, bool], list[float]] = defaultdict(list)
        self.before: dict[tuple[str, str], list[float]] = defaultdict(list)
        """Data set and model -> seconds before later turns, such as for the states of the side that is frozen."""

    def add(self, dataset: str, stretch: Stretch, seconds: float) -> None:
        self.known[dataset, stretch.model, stretch.coupled].append(seconds)

    def of(self, dataset: str, stretch: Stretch) -> float | None:
        for coupled in (stretch.coupled, not stretch.coupled):
            if seconds := self.known.get((dataset, stretch.model, coupled)):
                return statistics.fmean(seconds[-LATEST:])
        return None


class Remaining:
    """The time that is left of a run. Time is given by the caller, in seconds of one clock."""

    def __init__(self, works: Mapping[Any, Work]) -> None:
        self.waiting: dict[Hashable, Work] = dict(works)
        self.running: dict[Hashable, Running] = {}
        self.speeds = Speeds()
        self.needed: dict[tuple[str, str], int] = {}
        """Data set and model -> the epochs that it needed in a turn that was its first."""
        self.beside: dict[Kind, float] = {}
        """Kind -> the least seconds that a finished cell of it took beside its epochs."""
        self.slots = 1

    def started(self, key: Hashable, now_s: float) -> None:
        self.running[key] = Running(self.waiting.pop(key), now_s, now_s)
        self.slots = max(self.slots, len(self.running))

    def trained(self, key: Hashable, record: EpochRecord, now_s: float) -> None:
        """Note an epoch of a cell."""
        cell, turn = self.running[key], max(0, record["turn"] - 1)
        between_s, cell.heard_s = max(0.0, now_s - cell.heard_s - record["duration_s"]), now_s
        cell.in_epochs_s += record["duration_s"]
        if turn >= len(cell.work.stretches):
            return
        if turn != cell.turn:
            self.turn_ended(cell)
            cell.turn, cell.trained, cell.best = turn, 0, (-1.0, 0)
            cell.between_s += between_s
            self.speeds.before[cell.work.kind.dataset, stretch_of(cell).model].append(between_s)
        cell.trained += 1
        cell.best = max(cell.best, (record["validation"], cell.trained), key=lambda each: each[0])
        self.speeds.add(cell.work.kind.dataset, cell.work.stretches[turn], record["duration_s"])

    def turn_ended(self, cell: Running) -> None:
        stretch, stretches = stretch_of(cell), cell.work.stretches
        model = cell.work.kind.dataset, stretch.model
        is_first = cell.turn == [each.model for each in stretches].index(stretch.model)
        if is_first and 0 < cell.trained < stretch.most:
            self.needed[model] = cell.trained
        elif model in self.needed:
            self.needed[model] = max(cell.trained, self.needed[model])

    def ended(self, key: Hashable, now_s: float) -> None:
        cell = self.running.pop(key)
        if cell.work.stretches:
            self.turn_ended(cell)
        kind, seconds = cell.work.kind, now_s - cell.started_s - cell.in_epochs_s - cell.between_s
        self.beside[kind] = max(0.0, min(seconds, self.beside.get(kind, seconds)))

    def left_s(self, now_s: float) -> float | None:
        running = [self.of_running(cell, now_s) for cell in list(self.running.values())]
        counted = Counter(list(self.waiting.values()))  # seeds are alike
        waiting = [seconds for work, n in counted.items() for seconds in [self.of_waiting(work)] * n]
        known = [each for each in (*running, *waiting) if each is not None]
        if len(known) < len(running) + len(waiting):
            return None
        return side_by_side(known[: len(running)], known[len(running) :], self.slots)

    def of_waiting(self, work: Work) -> float | None:
        beside = self.beside.get(work.kind)
        if not work.stretches:
            return 0.0 if beside is None and work.kind.parts == "reference" else beside
        seconds = [self.of_stretch(work, each, self.likely(work, each)) for each in work.stretches]
        between_s = sum(self.before(work, each) for each in work.stretches[1:])
        known = sum(each for each in seconds if each is not None)
        return None if None in seconds else (beside or 0.0) + between_s + known

    def of_running(self, cell: Running, now_s: float) -> float | None:
        """Return the seconds that are left of a cell."""
        if not cell.work.stretches:
            whole = self.of_waiting(cell.work)
            return None if whole is None else max(0.0, whole - (now_s - cell.started_s))
        seconds = [self.of_stretch(cell.work, stretch_of(cell), self.left_of_turn(cell))]
        later = cell.work.stretches[cell.turn + 1 :]
        seconds += [self.of_stretch(cell.work, each, self.likely(cell.work, each)) for each in later]
        if None in seconds:
            return None
        between_s = sum(self.before(cell.work, each) for each in later)
        work_s = between_s + sum(each for each in seconds if each is not None)
        if cell.in_epochs_s:
            return max(0.0, work_s - (now_s - cell.heard_s))
        first_s = self.speeds.of(cell.work.kind.dataset, stretch_of(cell)) or 0.0  # it is over in an epoch's time
        in_first_s = now_s - cell.started_s - self.beside.get(cell.work.kind, 0.0)
        return max(0.0, work_s - min(in_first_s, first_s))

    def before(self, work: Work, stretch: Stretch) -> float:
        known = self.speeds.before.get((work.kind.dataset, stretch.model))
        return statistics.fmean(known[-LATEST:]) if known else 0.0

    def of_stretch(self, work: Work, stretch: Stretch, epochs: int) -> float | None:
        each = self.speeds.of(work.kind.dataset, stretch)
        return 0.0 if epochs == 0 else None if each is None else epochs * each

    def likely(self, work: Work, stretch: Stretch) -> int:
        needed = self.needed.get((work.kind.dataset, stretch.model), 0)
        return min(stretch.most, needed or stretch.likely)

    def left_of_turn(self, cell: Running) -> int:
        stretch = stretch_of(cell)
        until = max(self.likely(cell.work, stretch), cell.best[1] + stretch.patience)
        return min(until, stretch.most) - cell.trained


def stretch_of(cell: Running) -> Stretch:
    return cell.work.stretches[cell.turn]


def side_by_side(running: Iterable[float], waiting: Iterable[float], slots: int) -> float:
    """Return when the last of some cells ends: those that wait begin in the order of their length, longest first.

    >>> side_by_side([10, 30], [20, 5], slots=2)
    35
    """
    ends = sorted(running)
    ends = [0.0] * (slots - len(ends)) + ends
    for seconds in sorted(waiting, reverse=True):
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)


def in_words(seconds: float) -> str:
    """Return a time that is left in a few characters.

    >>> in_words(42.4), in_words(125), in_words(7500)
    ('42 s', '2 min', '2 h 5 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
