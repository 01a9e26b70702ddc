"""Runs the cell of a stored record again, from the record alone."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from corecbench.api import CellResult, CorecbenchError, UsageError
from corecbench.experiment.number_formats import auto_as_in
from corecbench.experiment.session import Steps, prepare
from corecbench.results.run_files import run_settings
from corecbench.settings.config import load

if TYPE_CHECKING:
    from pathlib import Path

    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Entry

BENCHMARK = "reproduced"
"""The benchmark of results that were made again."""


def run_again(
    stored: Entry, host: Host, out: Path, dataset: str | None = None, steps: Steps | None = None
) -> Entry:
    """Run a stored cell again from its record, and return the new folder and record.

    A pair is run behind its domain model alone where it starts from it. Nothing is taken from earlier results.
    The data set is looked for where the record says, unless it is named.

    Raises:
        UsageError: the cell cannot be run again; the message says why.
    """
    folder, record = stored
    try:
        check_known(record)
        (values,) = run_settings(BENCHMARK, [record])
        given = {**values, "jobs": 1, "existing": "replace", "threads": threads_in(record)}
        if dataset is not None:
            given["datasets"] = [dataset]
        experiment = prepare(load(None, given, []), host, out, steps)
        cell = find(record, experiment.plan)
        if cell.folder.resolve() == folder.resolve():
            raise UsageError(f"the new result would replace {folder}; choose another folder by --results")
        needed = {each.folder for each in (*alone(cell, experiment.plan, host), cell)}
        left_out = {each.folder: "not needed" for each in experiment.plan.cells if each.folder not in needed}
        for state in (experiment.plan.cache / "begun").glob(f"{cell.start_hash}-seed{cell.seed}-*"):
            state.unlink(missing_ok=True)  # else the first turn of a pair would not be trained again
        needed_cells = replace(experiment, plan=replace(experiment.plan, left_out=left_out))
        with auto_as_in(record):
            found = needed_cells.run(progress=True)[-1]
        if found["error"] is not None:
            raise UsageError(found["error"]["message"])
    except CorecbenchError as error:
        raise UsageError(f"cell {record['cell']['name']} cannot be run again: {error}") from error
    return cell.folder, found


def check_known(record: CellResult) -> None:
    """Raise a UsageError if a cell has no ranks, or settings alone of its domain model are unknown."""
    if not record["sides"]:
        raise UsageError("it failed, so there are no ranks to compare with")
    cell = record["cell"]
    domain = cell["domain"]
    if domain in record.get("in_pairs", {}) and domain not in record.get("run", {}).get("alone", {}):
        raise UsageError(f"an earlier version stored it and did not say which settings {domain} has alone")


def threads_in(record: CellResult) -> int | None:
    """Return the number of threads that computed a cell; earlier versions named it as part of the machine."""
    stated: dict[str, Any] = dict(record.get("run", {}))
    named = re.search(r"(\d+) threads?$", record.get("machine", ""))
    threads: int | None = stated.get("threads", named and int(named[1]))
    return threads


def find(record: CellResult, plan: Plan) -> Cell:
    """Return the cell of a record in a plan.

    Raises:
        UsageError: the data or their split are not those of the record.
    """
    known, data = record["cell"], record["data"]
    cell = next(each for each in plan.cells if (each.name, each.seed) == (known["name"], known["seed"]))
    pairs = {
        "data set": (cell.data.dataset.fingerprint, data["fingerprint"]),
        "split": (cell.data.split.fingerprint, data["split_fingerprint"]),
    }
    for what, (here, there) in pairs.items():
        if here != there:
            raise UsageError(
                f"the {what} is another one now (fingerprint {here[:12]}, there {there[:12]}); name the right data "
                "set by --dataset"
            )
    return cell


def alone(cell: Cell, plan: Plan, host: Host) -> list[Cell]:
    """Return the cell of the domain model alone that a pair starts from, if it does."""
    from corecbench.experiment.execution.order import needs_alone

    return [plan.solo_of(cell)] if cell.sharing is not None and needs_alone(plan, host)(cell) else []
