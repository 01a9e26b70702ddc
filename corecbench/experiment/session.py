"""A run from its settings to its stored cells, which both the command line and Python call."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corecbench.api import CellResult, UsageError
from corecbench.experiment import process
from corecbench.experiment.controls import with_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from corecbench.experiment.execution.executor import Executor
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig


def make_plan(config: RunConfig, host: Host, store: Store) -> Plan:
    from corecbench.experiment.existing import with_existing
    from corecbench.experiment.plan import make_plan

    return with_existing(make_plan(config, host, store), host, store)


def run_plan(plan: Plan, host: Host, store: Store) -> Sequence[CellResult]:
    from corecbench.experiment.execution.schedule import run

    return run(plan, host, store, executor_for(plan, host, store))


def executor_for(plan: Plan, host: Host, store: Store) -> Executor:
    """Return what runs the cells of a plan."""
    jobs, threads = min(jobs_of(plan.config), max(1, plan.n_to_do)), threads_of(plan.config)
    if plan.config.executor == "dask":
        from corecbench.experiment.execution.cluster import Cluster

        return Cluster(plan, host, store, jobs, threads)
    from corecbench.experiment.execution.processes import Processes

    return Processes(plan, host, store, jobs, threads)


def threads_of(config: RunConfig) -> int | None:
    """Return the number of threads of a cell: one on a processor, and with a GPU as many as torch chooses.

    It must not depend on the machine: sums over several threads have other last digits.
    """
    if config.threads is not None:
        return config.threads
    return 1 if on_processor(config) else None


def jobs_of(config: RunConfig) -> int:
    if config.jobs is not None:
        return config.jobs
    if not on_processor(config):
        return 1
    return max(1, process.n_cores() // (threads_of(config) or 1))


def on_processor(config: RunConfig) -> bool:
    return config.device.partition(":")[0] == "cpu"


@dataclass(frozen=True)
class Steps:
    """How a run is planned and carried out."""

    make_plan: Callable[[RunConfig, Host, Store], Plan] = make_plan
    run_plan: Callable[[Plan, Host, Store], Sequence[CellResult]] = run_plan


@dataclass(frozen=True)
class Experiment:
    """A run that is planned."""

    plan: Plan
    host: Host
    store: Store
    steps: Steps

    def run(self, progress: bool = False, every_epoch: bool = False, log: bool = False) -> Sequence[CellResult]:
        """Run every cell that is not done, and return the records of all, in the order of the plan.

        Progress is shown on stderr, and the log is a file beside the results.
        """
        from corecbench.experiment.log import logged
        from corecbench.experiment.progress import key_of, shown
        from corecbench.experiment.work import work_of

        to_do = self.plan.to_do
        with contextlib.ExitStack() as around:
            if progress:
                works = {key_of(cell.facts): work_of(cell, self.plan, self.host) for cell in to_do}
                around.enter_context(shown(self.host, works, every_epoch))
            if log and to_do:
                around.enter_context(logged(self.host, self.store))
            return self.steps.run_plan(self.plan, self.host, self.store)


def prepare(config: RunConfig, host: Host, out: Path, steps: Steps | None = None) -> Experiment:
    """Check the settings of a run and plan it.

    Raises:
        UsageError: nothing is asked for, or something that does not exist.
        DataError: a data set cannot be used.
        ResultsError: results cannot be written, or are of a newer version of corecbench.
    """
    if not config.models and not (config.llms and config.solo_llms):
        needed = "--models, --llm or both" if config.solo_llms else "--models, or --solo-llms beside --llm"
        raise UsageError(f"nothing to run; give {needed} (`corecbench describe models` shows some)")
    config = with_ledger(config, host)
    host.check_settings(config)

    from corecbench.results.store import Store

    store, steps = Store(out, config.benchmark), steps or Steps()
    return Experiment(steps.make_plan(config, host, store), host, store, steps)
