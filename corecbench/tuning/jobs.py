"""Several processes that search side by side, and share their trials through the stored study."""

from __future__ import annotations

import dataclasses
import multiprocessing
import sys
from typing import TYPE_CHECKING, Any

import click

from corecbench.api import CorecbenchError
from corecbench.tuning.budget import needs_optuna
from corecbench.tuning.search import Search, ValidationData
from corecbench.tuning.study import open_study
from corecbench.tuning.trials import optimise

if TYPE_CHECKING:
    from pathlib import Path

    from corecbench.tuning.budget import Budget


def run_jobs(search: Search, budget: Budget, folder: Path) -> None:
    """Search in so many processes, and wait for them.

    Raises:
        CorecbenchError: one of them ended with an error, which it has printed.
    """
    context = multiprocessing.get_context("spawn")
    plain = {field.name: getattr(search, field.name) for field in dataclasses.fields(search)}
    host = plain.pop("host")
    work = (host.files, host.blocked, plain.pop("data"), plain, budget, folder)
    processes = [context.Process(target=search_here, args=work) for _ in range(budget.jobs)]
    for process in processes:
        process.start()
    try:
        for process in processes:
            process.join()
    except KeyboardInterrupt:  # they have heard of it, too, and end their trials
        for process in processes:
            process.join()
        raise
    if failed := [process for process in processes if process.exitcode]:
        raise CorecbenchError(f"{len(failed)} of {len(processes)} processes of the search ended with an error")


def search_here(
    files: tuple[Path, ...],
    blocked: tuple[str, ...],
    data: ValidationData,
    plain: dict[str, Any],
    budget: Budget,
    folder: Path,
) -> None:
    """Search in this process, which another one has started."""
    from corecbench.plugin.host import Host

    needs_optuna()
    search = Search(Host.discover(files, blocked), data, **plain)
    try:
        optimise(search, open_study(search, folder), budget, folder, click.echo)
    except CorecbenchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
