"""Every hook that a plugin can implement, in the order in which they fire.

Registration hooks return a list of components. Lifecycle hooks return nothing; what they raise is reported as a
warning and never stops a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

from corecbench.api import PROJECT, Component

if TYPE_CHECKING:
    from corecbench.experiment.cells import Cell

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def corecbench_datasets() -> list[Component]:  # type: ignore[empty-body]
    """Offer data sets: `build(config) -> DatasetSource`."""


@hookspec
def corecbench_domain_models() -> list[Component]:  # type: ignore[empty-body]
    """Offer domain models: `build(config, setup, ids) -> Recommender`."""


@hookspec
def corecbench_llms() -> list[Component]:  # type: ignore[empty-body]
    """Offer LLM backends: `build(config, setup, ids | None) -> Recommender`; without ids it reads texts only."""


@hookspec
def corecbench_sharing_modules() -> list[Component]:  # type: ignore[empty-body]
    """Offer information-sharing modules: `build(config, setup) -> SharingModule`."""


@hookspec
def corecbench_metrics() -> list[Component]:  # type: ignore[empty-body]
    """Offer metrics: `build(config) -> Metric`."""


@hookspec
def corecbench_reporters() -> list[Component]:  # type: ignore[empty-body]
    """Offer reporters: `build(config) -> Reporter`, which writes the table in one format."""


@hookspec
def corecbench_trackers() -> list[Component]:  # type: ignore[empty-body]
    """Offer trackers: `build(config)` returns an object that implements the hooks below, asked for by --tracker."""


@hookspec
def corecbench_cell_started(cell: Cell) -> None:
    """Called before a cell is trained."""


@hookspec
def corecbench_progress(cell: Cell, what: str, done: int, total: int) -> None:
    """Called during long work outside the epochs, such as a download or the encoding of item texts."""


@hookspec
def corecbench_epoch_finished(cell: Cell, record: dict[str, Any]) -> None:
    """Called after each epoch.

    The record has `side`, `turn`, `epoch`, `loss`, `validation` (NDCG@10), `duration_s` and `planned_epochs`, the
    most that the cell will train, both sides together.
    """


@hookspec
def corecbench_cell_finished(cell: Cell, result: dict[str, Any]) -> None:
    """Called when a cell is stored, failed or not, with the contents of its result.json."""
