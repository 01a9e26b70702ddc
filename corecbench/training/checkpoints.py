"""Where the training of a cell stands, on disk: one that was killed goes on from there and ends as if undisturbed.

A state is written at the end of each turn and, within a turn, after so many minutes. What follows from the seed and
the weights, such as the states of the side that is frozen, is not written but computed again: so within a turn two
states are kept, that at its start and the latest.

The state after a first turn in which no side learns from the other serves other cells that begin in the same way,
too, such as a pair and its control `no-mutual`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from corecbench.toolkit import load_tensors, save_tensors, set_aside, workspace
from corecbench.toolkit.caches import remove_left_behind
from corecbench.training import side_state
from corecbench.training.weights import below

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from corecbench.api import EpochRecord, Side
    from corecbench.training.loop import SideTraining
    from corecbench.training.turns import PlannedTurn

    Sides = Mapping[Side, SideTraining]
    OnEpoch = Callable[[EpochRecord], None]

FIRST_S = 60.0
"""Seconds after which the first state of a cell is written."""
TURN, EPOCH = "turn.safetensors", "epoch.safetensors"
"""The state at the end of the latest turn, and the latest state within a turn."""
STATE_VERSION = 2
"""Version of what a state holds. States of other versions have other names in the cache, and are not read."""
KEPT = 24
"""Most states after a first turn that are kept for other cells; the oldest go first."""


class Stopped(BaseException):
    """The training was asked to end, and its state is written. It is no failure of the cell."""


@dataclass
class Checkpoints:
    """The states of one cell, and the `Pauses` of its turns."""

    folder: Path
    """Where the states of the cell are, while it is trained."""
    shared: Path | None = None
    """The file of the state after a first turn that other cells may begin with; None for a cell without one."""
    minutes: float = 5.0
    """Least minutes between two states within a turn. The first one is written after FIRST_S at the latest."""
    records: list[EpochRecord] = field(default_factory=list)
    """The epochs so far."""
    written: float = field(default_factory=time.monotonic)
    has_state: bool = False
    """Whether a state has been written."""
    write_failed: bool = False
    """Whether one could not be written, which is said once."""
    n_turns: int = 0
    """The number of turns that are over."""
    latest: State | None = None
    """The state within the turn that comes next, if that was begun before."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the training is to end: it writes its state after the present epoch, and raises `Stopped`."""

    def recording(self, on_epoch: OnEpoch) -> OnEpoch:
        def record_and_tell(record: EpochRecord) -> None:
            self.records.append(record)
            on_epoch(record)

        return record_and_tell

    def resume(self, sides: Sides, turns: Sequence[PlannedTurn], on_epoch: OnEpoch) -> int:
        """Put the state after the latest turn back and tell its epochs.

        Args:
            sides: all sides of the cell.
            turns: all turns of the cell.
            on_epoch: is told of the epochs.

        Returns:
            The number of turns that need not be trained again; 0 if there is no state, or one that is damaged.
        """
        self.sides, self.turns, self.on_epoch = sides, turns, on_epoch
        remove_left_behind(self.folder)
        state = read(self.folder / TURN, cell=self.folder.name)
        if state is None and self.shared is not None and turns and turns[0].sharing is None:
            state = read(self.shared, begins=self.shared.name)
            state = state if state is not None and state.facts["first"] == first_of(turns) else None
        self.n_turns = 0 if state is None else int(state.facts["turns"])
        latest = read(self.folder / EPOCH, cell=self.folder.name)
        self.latest = latest if latest is not None and latest.facts["turns"] == self.n_turns else None
        if state is not None:
            self.put_back(state)
        return self.n_turns

    def put_back(self, state: State) -> None:
        for side, facts in state.facts["sides"].items():
            side_state.put_back(self.sides[side], below(state.tensors, side), facts)
        torch.set_rng_state(state.tensors["random"])
        for device, known in below(state.tensors, "random.cuda").items():
            torch.cuda.set_rng_state(known, int(device))
        for record in state.facts["records"][len(self.records) :]:
            self.on_epoch(record)

    def begun(self) -> None:
        latest, self.latest = self.latest, None
        if latest is not None:
            self.put_back(latest)

    def epoch_ended(self) -> None:
        """Write the state, if the last one is old enough.

        Raises:
            Stopped: the training is to end.
        """
        stop = self.stop.is_set()
        wait_s = 60 * self.minutes if self.has_state else min(FIRST_S, 60 * self.minutes)
        if stop or time.monotonic() - self.written >= wait_s:
            self.write(self.folder / EPOCH)
        if stop:
            raise Stopped

    def turn_ended(self) -> None:
        """Write the state after a turn; for other cells too, if it is a first turn without coupling.

        Raises:
            Stopped: the training is to end.
        """
        self.n_turns += 1
        self.write(self.folder / TURN, first=first_of(self.turns))
        if not (self.folder / TURN).exists():
            return
        (self.folder / EPOCH).unlink(missing_ok=True)
        is_shared = self.n_turns == 1 and self.turns[0].sharing is None
        if is_shared and self.shared is not None and not self.shared.exists():
            self.share(self.shared)
        if self.stop.is_set():
            raise Stopped

    def share(self, shared: Path) -> None:
        with workspace(shared.parent) as folder, contextlib.suppress(FileNotFoundError):
            shutil.copyfile(self.folder / TURN, folder / shared.name)
            os.replace(folder / shared.name, shared)
        for old in sorted(shared.parent.glob("*.safetensors*"), key=modified, reverse=True)[KEPT:]:
            old.unlink(missing_ok=True)

    def write(self, file: Path, **further: Any) -> None:
        try:
            self._write(file, **further)
        except (OSError, SafetensorError) as error:
            self.written = time.monotonic()  # not after every epoch
            if not self.write_failed:
                logging.getLogger(__name__).warning("%s: the state of the cell cannot be written (%s)", file, error)
            self.write_failed = True

    def _write(self, file: Path, **further: Any) -> None:
        """Write the state: all of it or nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {"random": torch.get_rng_state()}
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            tensors |= {f"random.cuda.{n}": known for n, known in enumerate(torch.cuda.get_rng_state_all())}
        facts: dict[str, Any] = {"turns": self.n_turns, "records": self.records, "sides": {}, **further}
        facts |= {"cell": self.folder.name, "begins": self.shared and self.shared.name}
        for side, training in self.sides.items():
            if training.epochs:
                of_side, facts["sides"][side] = side_state.state_of(training)
                tensors |= {f"{side}.{name}": tensor for name, tensor in of_side.items()}
        try:
            text = json.dumps(facts)
        except TypeError:  # a plugin's module remembers something (`get_extra_state`) that JSON cannot hold
            return
        save_tensors(file, tensors, text)
        self.written, self.has_state = time.monotonic(), True


@dataclass(frozen=True)
class State:
    """A state as it was read."""

    tensors: Mapping[str, torch.Tensor]
    facts: Mapping[str, Any]


def read(file: Path, **wanted: str) -> State | None:
    """Return a state; None if there is none. One that is damaged or has other facts than `wanted` is set aside."""
    found = load_tensors(file)
    if found is not None:
        with contextlib.suppress(ValueError, AttributeError):  # the facts of another kind of file
            facts = json.loads(found.facts)
            if all(facts.get(name) == value for name, value in wanted.items()):
                return State(found.tensors, facts)
    if file.exists():
        set_aside(file, "is damaged, or no state of this cell")
    return None


def first_of(turns: Sequence[PlannedTurn]) -> list[Any]:
    return [turns[0].side, turns[0].epochs]


def modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
