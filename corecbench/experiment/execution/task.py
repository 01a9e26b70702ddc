"""A cell as it is sent to another process: what is needed to find it again, and no data."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import PROJECT
from corecbench.experiment import process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig


@dataclass(frozen=True)
class CellTask:
    """Everything from which another process, maybe of another machine, can plan a cell anew and run it."""

    config: RunConfig
    """The settings of the run, on the one data set of the cell."""
    name: str
    """The name of the cell."""
    seed: int
    hash: str
    """The hash of the cell: other data, settings or versions in the other process would show in it."""
    root: Path
    """The folder of the results."""
    cell_folder: Path
    """The folder of the cell in it."""
    cache: Path
    files: tuple[Path, ...]
    """Files of plugins."""
    blocked: tuple[str, ...]
    """Plugins that are left out."""
    folder: Path
    """The working folder, which relative paths in the settings start from."""
    versions: Mapping[str, str]
    """Library -> its version where the run was started."""
    environment: Mapping[str, str]
    """The variables of the environment that corecbench reads, such as the folder of data sets."""
    has_foreign_code: bool
    """Whether a plugin of another distribution has a part in the cell. It may change anything in its process, so no
    other cell runs there afterwards. Beside a cell without any, no such code is loaded."""
    only_timed: bool = False
    """Whether a few steps of the cell are timed, in place of running it."""


def make_task(cell: Cell, plan: Plan, host: Host, store: Store) -> CellTask:
    """Return the task of one cell of a plan."""
    config = replace(
        plan.config,
        datasets=(cell.data.selected.label,),
        window=cell.data.reduction.window,
        existing="replace",  # whether a cell is done was decided by the plan
        trackers=(),
    )
    foreign, files, blocked = has_foreign_code(cell, plan, host), host.files, host.blocked
    if not foreign:
        config, files = of_ours(config, plan), ()
        others = (info.name for info in host.plugins() if info.distribution not in ("", PROJECT))
        blocked = (*blocked, *(name for name in others if name not in blocked))
    return CellTask(
        config,
        cell.name,
        cell.seed,
        cell.hash,
        Path(os.path.abspath(store.root)),
        Path(os.path.abspath(cell.folder)),
        Path(os.path.abspath(plan.cache)),
        files,
        blocked,
        Path.cwd(),
        process.versions(),
        {name: value for name, value in os.environ.items() if name.startswith("CORECBENCH_")},
        foreign,
    )


def has_foreign_code(cell: Cell, plan: Plan, host: Host) -> bool:
    metrics = (host.select("metrics", name, plan.config.settings) for name in plan.config.metrics)
    parts = (cell.data.selected, *cell.components, cell.control, *metrics)
    return any(part is not None and part.plugin.distribution != PROJECT for part in parts)


def of_ours(config: RunConfig, plan: Plan) -> RunConfig:
    """Return the settings without the components of other distributions."""
    parts = [part for cell in plan.cells for part in (*cell.components, cell.control) if part is not None]
    theirs = {(part.kind, part.label) for part in parts if part.plugin.distribution != PROJECT}

    def ours(kind: str, labels: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(label for label in labels if (kind, label) not in theirs)

    return replace(
        config,
        models=ours("models", config.models),
        llms=ours("llms", config.llms),
        sharing=ours("sharing", config.sharing),
        controls=ours("controls", config.controls),
    )
