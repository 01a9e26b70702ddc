"""Runs the cell of a stored record again, from the record alone, and compares both cells."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from corecbench.api import CellResult, CorecbenchError, UsageError
from corecbench.evaluation.measuring import measure_checked
from corecbench.experiment.number_formats import auto_as_in
from corecbench.experiment.session import Steps, prepare
from corecbench.results.recommendation import check_data
from corecbench.results.run_files import run_settings
from corecbench.results.store import Store
from corecbench.settings.config import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from corecbench.api import Metric, RowSide
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
    if not record["sides"]:
        raise UsageError("it failed, so there are no ranks to compare with")
    cell = record["cell"]
    domain = cell["domain"]
    if domain in record.get("in_pairs", {}) and domain not in record.get("run", {}).get("alone", {}):
        raise UsageError(f"an earlier version stored it and did not say which settings {domain} has alone")


def threads_in(record: CellResult) -> int | None:
    stated: dict[str, Any] = dict(record.get("run", {}))
    named = re.search(r"(\d+) threads?$", record.get("machine", ""))
    threads: int | None = stated.get("threads", named and int(named[1]))
    return threads


def find(record: CellResult, plan: Plan) -> Cell:
    """Return the cell of a record in a plan.

    Raises:
        DataError: the data or their split are not those of the record.
    """
    known = record["cell"]
    cell = next(each for each in plan.cells if (each.name, each.seed) == (known["name"], known["seed"]))
    check_data(cell.data.dataset, cell.data.split, record)
    return cell


def alone(cell: Cell, plan: Plan, host: Host) -> list[Cell]:
    from corecbench.experiment.execution.order import needs_alone

    return [plan.solo_of(cell)] if cell.sharing is not None and needs_alone(plan, host)(cell) else []


# --- both results -------------------------------------------------------------------------------------------------


METRIC = "NDCG@10"

COMPARED = (
    *("hash", "versions", "plugins", "commit", "device", "machine", "dtypes", "algorithms"),
    *("fingerprints", "settings", "protocol", "data"),
)
"""Fields of a record on which ranks may depend."""


@dataclass(frozen=True)
class ComparedSide:
    """The ranks of one side before and after."""

    side: RowSide
    n_users: int
    """Number of users before."""
    n_unshared: int
    """Number of users that only one of both ranks."""
    n_differing: int
    """Number of users of both whose rank differs."""
    before: float
    """NDCG@10 before."""
    after: float

    @property
    def is_equal(self) -> bool:
        return not self.n_unshared and not self.n_differing

    def __str__(self) -> str:
        if self.is_equal:
            return f"{self.side}: equal for all {self.n_users} users"
        unshared = f"; {self.n_unshared} users are ranked by one of both only" if self.n_unshared else ""
        return (
            f"{self.side}: {self.n_differing} of {self.n_users} users have another rank{unshared}; "
            f"{METRIC} {self.before:.4f} there, {self.after:.4f} here ({self.after - self.before:+.4f})"
        )


def compared(before: Entry, after: Entry, metric: Metric) -> list[ComparedSide]:
    """Return how each side of a cell compares with the same side of the cell run again.

    Earlier versions ranked an LLM of a pair that has no epochs. Nothing is there to compare such a row with.

    Raises:
        ResultsError: ranks are missing or damaged.
    """
    store = Store(before[0], "")  # the folders are known
    found = []
    for side in (each for each in before[1]["sides"] if each in after[1]["sides"]):
        old, new = (store.ranks(folder, side).set_index("user_id") for folder, _ in (before, after))
        shared = old.index.intersection(new.index)
        differing = int((old.loc[shared, "rank"].to_numpy() != new.loc[shared, "rank"].to_numpy()).sum())
        unshared = len(old.index.symmetric_difference(new.index))
        found.append(ComparedSide(side, len(old), unshared, differing, mean_of(old, metric), mean_of(new, metric)))
    return found


def mean_of(ranks: pd.DataFrame, metric: Metric) -> float:
    values = measure_checked(METRIC, metric, ranks["rank"].to_numpy(), ranks["n_candidates"].to_numpy(), None)
    return float(values.mean())


def differences(before: CellResult, after: CellResult) -> Iterator[str]:
    yield from (f"{side}: ranked there, no row here" for side in before["sides"] if side not in after["sides"])
    old, new = (dict(flat({key: record[key] for key in COMPARED if key in record})) for record in (before, after))  # type: ignore[literal-required]
    for name in dict.fromkeys((*old, *new)):
        values = [str(known[name]) if name in known else "not recorded" for known in (old, new)]
        if values[0] != values[1]:
            yield f"{name}: {values[0]} there, {values[1]} here"


def flat(values: Mapping[str, Any], owner: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings with their names.

    >>> list(flat({"versions": {"torch": "2.6"}, "commit": None}))
    [('versions torch', '2.6'), ('commit', None)]
    """
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{owner}{name} ")
        else:
            yield f"{owner}{name}", value
