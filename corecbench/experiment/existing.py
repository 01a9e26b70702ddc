"""What already lies where a plan stores its results: found before anything is trained."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

from corecbench.experiment.execution.order import needs_alone
from corecbench.experiment.number_formats import of_other_formats
from corecbench.experiment.preflight import check_disk
from corecbench.results.record import MEND, DamagedError, ResultsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store

PROBE_BYTES = 2**20
"""So many bytes must have room before a run begins."""


def with_existing(plan: Plan, host: Host, store: Store) -> Plan:
    """Return the plan without the cells that must not be run, for what lies in their folders.

    Under `existing="skip"` nothing that is damaged is overwritten: such a cell is left out, and so is a pair that
    is not done and needs it. Under "replace-damaged" it is run again.

    Raises:
        ResultsError: results cannot be written, or a newer version of corecbench stored some of them.
        UsageError: there is too little room on disk.
    """
    refuse_newer(plan.cells, store)
    left_out: dict[Path, str] = {}
    again = []
    if plan.config.existing == "replace-damaged":
        again = [f"run again: {cell.damage.removesuffix(f'; {MEND}')}" for cell in plan.cells if cell.damage]
    elif damaged := {cell.folder: cell.damage for cell in plan.cells if cell.damage}:
        left_out = damaged | needing(plan, host, damaged)
    noted = [f"left out: {reason}" for reason in left_out.values()]
    planned = replace(plan, left_out=left_out, notes=[*plan.notes, *again, *noted])
    if planned.n_to_do or planned.elsewhere:
        check_writable(store, [cell.folder for cell in planned.cells if not cell.done])
        check_disk(planned.to_do, plan.config, store.root, plan.cache, len(plan.downloads))
    differing = of_other_formats(planned, store) if planned.n_to_do else []
    return replace(planned, notes=[*planned.notes, *differing])


def needing(plan: Plan, host: Host, damaged: Iterable[Path]) -> dict[Path, str]:
    """Return the folders of pairs that start from a damaged cell -> why they cannot be run."""
    needs, found = needs_alone(plan, host), {}
    for cell in plan.cells:
        if cell.sharing is None or cell.done or cell.damage:
            continue
        alone = plan.solo_of(cell)
        if alone.folder in damaged and needs(cell):
            found[cell.folder] = f"{cell.folder}: it needs {alone.folder}, which is damaged"
    return found


def refuse_newer(cells: Iterable[Cell], store: Store) -> None:
    for cell in cells:
        if not cell.done and not cell.damage and os.path.lexists(cell.folder):
            with contextlib.suppress(DamagedError):
                store.read(cell.folder)


def check_writable(store: Store, folders: Iterable[Path]) -> None:
    """Raise a ResultsError if cells cannot be stored, as far as that can be known before."""
    folders = list(folders)
    store.check_own(folders)
    try:
        place = nearest(store.own_folder)
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
        for place in dict.fromkeys(nearest(folder.parent) for folder in folders):
            os.scandir(place).close()  # refuses what is no folder
            if not os.access(place, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ResultsError(
            f"{place}: results cannot be written here ({error.strerror}); nothing was trained; make room or choose "
            "another folder by --results"
        ) from error


def nearest(folder: Path) -> Path:
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each)), folder)
