"""Where tasks are carried out in a worker process: plugins and data sets are kept from one cell to the next."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corecbench.api import CellResult, CorecbenchError
from corecbench.data.loaded import read_datasets
from corecbench.experiment import process
from corecbench.experiment.layout import choices_on, lay_out
from corecbench.experiment.plan import Plan
from corecbench.experiment.runner import run_cell
from corecbench.experiment.timed_steps import timed
from corecbench.plugin.discovery import installed
from corecbench.plugin.host import Host
from corecbench.results.store import Store

if TYPE_CHECKING:
    import threading

    from corecbench.experiment.attempt import Tell
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.execution.task import CellTask
    from corecbench.experiment.work import Timed
    from corecbench.settings.config import RunConfig


@dataclass
class Workplace:
    """The plugins, and the plan of each data set, of the run that the last task belonged to."""

    last: CellTask | None = None
    host: Host = field(default_factory=Host)
    plans: list[tuple[RunConfig, Plan]] = field(default_factory=list)
    """Settings on one data set, and the plan of its cells."""

    def run(self, task: CellTask, tell: Tell, stop: threading.Event | None = None) -> CellResult | Timed:
        """Train, rank and store the cell of a task, and return its record; or time a few of its steps.

        When `stop` is set, the training is to end.

        Raises:
            Stopped: the training was asked to end, and its state is written.
            CorecbenchError: the cell is not found here as it was sent.
        """
        self.prepare(task)
        store = Store(task.root, task.config.benchmark)
        plan = self.plan(task, store)
        cell = find(task, plan)
        return (
            timed(cell, plan, self.host) if task.only_timed else run_cell(cell, plan, self.host, store, tell, stop)
        )

    def prepare(self, task: CellTask) -> None:
        """Make folder, environment and plugins those of the task's run.

        Raises:
            CorecbenchError: its working folder is not here, or libraries have other versions.
        """
        check_versions(task)
        try:
            os.chdir(task.folder)
        except OSError as error:
            raise CorecbenchError(
                f"worker: cannot enter {task.folder} ({error.strerror}); the folder of the run must be there on "
                "every machine"
            ) from error
        for name in [name for name in os.environ if name.startswith("CORECBENCH_")]:
            del os.environ[name]
        os.environ.update(task.environment)
        if self.last is None or run_of(self.last) != run_of(task):
            known = {*(origin.name for origin in installed()), *(path.stem for path in task.files)}
            self.host, self.plans = Host.discover(task.files, [name for name in task.blocked if name in known]), []
        self.last = task

    def plan(self, task: CellTask, store: Store) -> Plan:
        """Return the plan of the task's data set, which is read if it is not here yet."""
        for config, plan in self.plans:
            if config == task.config:
                return plan
        (data,) = read_datasets(task.config, self.host)
        cells = lay_out(data, *choices_on(data, task.config, self.host), task.config, store)
        made = Plan(task.config, cells, (), (), task.cache)
        self.plans.append((task.config, made))
        return made


def check_versions(task: CellTask) -> None:
    for library, here in process.versions().items():
        there = task.versions.get(library)
        if here != there and library != "python":
            raise CorecbenchError(
                f"worker: {library} is {here} here and {there} where the run began; install the same versions"
            )


def run_of(task: CellTask) -> tuple[object, ...]:
    return task.files, task.blocked, task.folder, task.root, dict(task.environment)


def find(task: CellTask, plan: Plan) -> Cell:
    """Return the cell of a task in the plan that was made here.

    Raises:
        CorecbenchError: there is none, or one with another hash.
    """
    named = [cell for cell in plan.cells if (cell.name, cell.seed) == (task.name, task.seed)]
    if not named:
        raise CorecbenchError(f"worker: there is no cell {task.name} of seed {task.seed} here")
    found = next((cell for cell in named if cell.hash == task.hash), None)
    if found is None:
        raise CorecbenchError(
            f"worker: cell {task.name} has the hash {named[0].hash} here and {task.hash} where the run began; "
            "versions of plugins, data and settings must be the same on every machine"
        )
    return found
