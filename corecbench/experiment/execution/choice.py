"""How the cells of a run are run, by its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.experiment import process
from corecbench.experiment.execution.processes import Processes

if TYPE_CHECKING:
    from corecbench.experiment.execution.executor import Executor
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig


def executor_for(plan: Plan, host: Host, store: Store) -> Executor:
    """Return what runs the cells of a plan."""
    n_to_do = plan.n_to_do
    jobs, threads = min(jobs_of(plan.config), max(1, n_to_do)), threads_of(plan.config)
    if plan.config.executor == "dask":
        from corecbench.experiment.execution.cluster import Cluster

        return Cluster(plan, host, store, jobs, threads)
    return Processes(plan, host, store, jobs, threads)


def threads_of(config: RunConfig) -> int | None:
    """Return the number of threads of a cell: one on a processor, and with a GPU as many as torch chooses.

    It must not depend on the machine: sums over several threads have other last digits.
    """
    if config.threads is not None:
        return config.threads
    return 1 if on_processor(config) else None


def jobs_of(config: RunConfig) -> int:
    """Return the number of cells that run side by side: all cores are used, and one cell has the GPU for itself."""
    if config.jobs is not None:
        return config.jobs
    if not on_processor(config):
        return 1
    return max(1, process.n_cores() // (threads_of(config) or 1))


def on_processor(config: RunConfig) -> bool:
    """Return whether models are trained on the processor."""
    return config.device.partition(":")[0] == "cpu"
