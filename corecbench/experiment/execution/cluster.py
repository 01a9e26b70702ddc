"""Runs cells on a Dask cluster.

A cell that was handed over belongs to the cluster: it goes on when this process is gone. It has the same key each
time that the same run is started on the same results, so a process that comes back follows the cell that is running
instead of starting it again. Dask gives the cell of a worker that is lost to another one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import queue
import time
from typing import TYPE_CHECKING, Any, Self

from corecbench.api import CorecbenchError, UsageError
from corecbench.experiment.execution.cluster_worker import BEGUN, ENDED, POOL, Event, run_task
from corecbench.experiment.execution.executor import Ended
from corecbench.experiment.execution.task import make_task

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from distributed import Client, LocalCluster

    from corecbench.experiment.attempt import Tell
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store

TIMEOUT_S = 10
"""Seconds in which a scheduler must answer."""
LOOK_S = 2.0
"""Seconds after which it is looked whether the scheduler is still there."""
GONE = "the connection to the Dask scheduler is lost; the same command goes on where it stopped"
CANCELLED = "a cell was cancelled on the Dask cluster; the same command goes on where it stopped"
MISSING = "the executor dask needs Dask; install it by `pip install 'corecbench[dask]'`"


class Cluster:
    """A Dask cluster, or one of this machine's processes if the run names no scheduler."""

    backlog = True

    def __init__(self, plan: Plan, host: Host, store: Store, slots: int, n_threads: int | None) -> None:
        self.plan, self.host, self.store = plan, host, store
        self.slots, self.n_threads = slots, n_threads
        self.topic = f"corecbench-{digest(str(store.root.resolve()), store.benchmark)}"
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        """Events in cells, as JSON, and futures of cells that have ended."""
        self.cells: dict[str, Cell] = {}
        """Dask's key -> the cell, for all that run or wait there."""
        self.futures: dict[str, Any] = {}
        self.begun: set[str] = set()
        """Keys of cells that a worker has taken."""
        self.handed_over: set[str] = set()
        """Keys of cells that the cluster was given."""

    def __enter__(self) -> Self:
        self.local: LocalCluster | None = None
        self.client = self.connect()
        self.client.subscribe_topic(self.topic, lambda event: self.heard.put(event[1]))
        for event in going_on([message for _, message in self.client.get_events(self.topic)]):
            self.heard.put(event)
        return self

    def connect(self) -> Client:
        """Return the client of the scheduler that the run names, or of a new cluster on this machine.

        Raises:
            CorecbenchError: Dask is not installed.
            UsageError: no scheduler answers.
        """
        try:
            from distributed import Client, LocalCluster
        except ImportError as error:
            raise CorecbenchError(MISSING) from error

        address, resources = self.plan.config.scheduler, self.plan.config.resources
        if address is None:
            self.local = LocalCluster(
                n_workers=self.slots,
                threads_per_worker=1,
                processes=False,  # each worker runs its cells in a process anyhow
                dashboard_address=None,
                memory_limit=0,
                resources=resources or None,
            )
            return Client(self.local, set_as_default=False)
        where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
        try:
            if "scheduler_file" in where:
                os.stat(address)  # for a file that is not there Dask would wait for ever
            return Client(**where, timeout=TIMEOUT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(f"no Dask scheduler answers at {address} within {TIMEOUT_S} s") from error

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Leave the cluster. After an error or an interruption, cells that have not begun are taken back."""
        if error is not None and self.local is None:
            waiting = [future for key, future in self.futures.items() if key not in self.begun]
            with contextlib.suppress(Exception):
                self.client.cancel(waiting, force=True)
        if self.local is not None:
            for worker in self.local.workers.values():
                if (pool := vars(worker).get(POOL)) is not None:
                    pool.end()
        with contextlib.suppress(Exception):
            self.client.close(timeout=TIMEOUT_S)
        if self.local is not None:
            self.local.close(timeout=TIMEOUT_S)

    def submit(self, cell: Cell) -> None:
        """Hand a cell over with the resources of the run, or follow it if the cluster has it already."""
        from distributed import fire_and_forget

        place = str(cell.folder.resolve())
        key = f"{cell.name}-{digest(place, cell.hash)}"
        if key in self.handed_over:  # its process was killed; under the same key Dask would answer the same at once
            key = f"{cell.name}-{digest(place, cell.hash, 'again')}"
        self.handed_over.add(key)
        task = make_task(cell, self.plan, self.host, self.store)
        self.cells[key] = cell
        future = self.client.submit(
            run_task,
            task,
            self.n_threads,
            self.topic,
            key,
            key=key,
            pure=False,
            resources=self.plan.config.resources or None,
        )
        fire_and_forget(future)
        self.futures[key] = future
        future.add_done_callback(self.heard.put)

    def wait(self, tell: Tell, seconds: float | None = None) -> Ended | None:
        """Return the next cell that ends, None if none ends within so many seconds.

        Meanwhile `tell` is told what happens in all that are running.

        Raises:
            CorecbenchError: the scheduler is gone, or somebody has cancelled a cell there.
        """
        until = math.inf if seconds is None else time.monotonic() + seconds
        while True:
            try:
                heard = self.heard.get(timeout=max(0.0, min(LOOK_S, until - time.monotonic())))
            except queue.Empty:
                if self.client.status != "running":
                    raise CorecbenchError(GONE) from None
                if time.monotonic() >= until:
                    return None
                continue
            if not isinstance(heard, str):
                return self.ended(heard)
            event = Event(*json.loads(heard))
            if event.hook_name == BEGUN:
                self.begun.add(event.key)
            elif event.key in self.cells and event.hook_name != ENDED:
                tell(event.hook_name, **event.arguments)

    def ended(self, future: Any) -> Ended:
        """Return the cell of a future that is done."""
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        cell = self.cells.pop(future.key)
        del self.futures[future.key]
        try:
            end = future.result()
        except KilledWorker as error:
            return Ended(cell, None, f"its Dask worker ended {error.allowed_failures + 1} times")
        except CancelledError as error:
            raise CorecbenchError(GONE if self.client.status != "running" else CANCELLED) from error
        return Ended(cell, *end)


def going_on(messages: Iterable[str]) -> list[str]:
    """Return the events of those cells of the past that have begun and not ended."""
    kept: dict[str, list[str]] = {}
    for message in messages:
        event = Event(*json.loads(message))
        if event.hook_name == ENDED:
            kept.pop(event.key, None)
        else:
            kept.setdefault(event.key, []).append(message)
    return [message for of_cell in kept.values() for message in of_cell]


def digest(*parts: str | Path) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]
