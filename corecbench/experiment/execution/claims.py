"""The claims of a run, so that of several runs that share a results folder one trains each cell."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Self

from corecbench.experiment.cells import Cell, is_done
from corecbench.results.lease import HEARTBEAT_S, Lease, lease_of, owner_of
from corecbench.results.record import ResultsError
from corecbench.results.store import Store, remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from corecbench.api import CellResult
    from corecbench.experiment.plan import Plan

Stamp = tuple[int, int]
"""Tells a stored result from another one in its place."""


class Claims:
    """The leases of the cells that a run trains. They are renewed within the context, and given back after it."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.store = store
        self.keep_models = plan.config.keep_models
        again = plan.config.existing == "replace" or plan.config.retry_failed
        self.before = {cell.folder: stamp_of(cell.folder) for cell in plan.cells} if again else {}
        """Folder -> the result that is to be replaced."""
        self.leases: dict[Path, Lease] = {}

    def __enter__(self) -> Self:
        self.renewing = contextlib.ExitStack()
        self.renewing.enter_context(renewed(self.leases))
        return self

    def __exit__(self, *error: object) -> None:
        self.renewing.close()
        for lease in self.leases.values():
            lease.release()
        self.leases.clear()

    def take(self, cell: Cell) -> bool:
        lease = self.leases.get(cell.folder) or Lease.take(cell.folder)
        if lease is not None:
            self.leases[cell.folder] = lease
        return lease is not None

    def found(self, cell: Cell) -> CellResult | None:
        """Return what another run has stored of a cell since this run was planned."""
        folder = cell.folder
        if stamp_of(folder) in (None, self.before.get(folder)):
            return None
        with contextlib.suppress(ResultsError):  # it is damaged, and run again
            done = is_done(folder, cell.llm is not None, self.store, self.keep_models)
            if done or self.store.has_failed(folder):
                return self.store.read(folder)
        return None

    def give_back(self, cell: Cell) -> None:
        lease = self.leases.pop(cell.folder, None)
        if lease is not None:
            lease.release()

    def copy(self, cell: Cell, other: Path) -> bool:
        if not self.take(cell):
            return False
        self.store.take_over(other, cell.folder)
        remove_leftovers(cell.folder, with_state=True)
        self.give_back(cell)
        return True

    def tidy(self, cells: Iterable[Cell]) -> None:
        for cell in cells:
            if any(cell.folder.parent.glob(f".{cell.folder.name}.*")) and self.take(cell):
                remove_leftovers(cell.folder, with_state=cell.done)
                self.give_back(cell)


@contextlib.contextmanager
def renewed(leases: dict[Path, Lease]) -> Iterator[None]:
    """Renew leases, also those that are added, for as long as the context lasts."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(HEARTBEAT_S):
            for lease in list(leases.values()):
                lease.renew()

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def stamp_of(folder: Path) -> Stamp | None:
    try:
        found = (folder / "result.json").stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def owner_in_words(cell: Cell) -> str:
    owner = owner_of(lease_of(cell.folder))
    return "another run" if owner is None else str(owner)
