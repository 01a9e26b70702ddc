"""Every hook that a plugin can implement, in the order in which they fire.

Registration hooks return a list of components. Lifecycle hooks return nothing; an exception from one is reported as
a warning and never stops a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

from corecbench.api import PROJECT

if TYPE_CHECKING:
    from corecbench.api import (
        CellFacts,
        CellResult,
        ControlComponent,
        DatasetComponent,
        DomainModelComponent,
        EpochRecord,
        LlmComponent,
        MetricComponent,
        ReporterComponent,
        SharingComponent,
        TrackerComponent,
    )

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def corecbench_datasets() -> list[DatasetComponent]:  # type: ignore[empty-body]
    """Offer data sets: `build(config) -> DatasetSource`."""


@hookspec
def corecbench_domain_models() -> list[DomainModelComponent]:  # type: ignore[empty-body]
    """Offer domain models: `build(config, setup, ids) -> Recommender`."""


@hookspec
def corecbench_llms() -> list[LlmComponent]:  # type: ignore[empty-body]
    """Offer LLM backends: `build(config, setup, ids) -> Recommender`; ids are None for an LLM alone."""


@hookspec
def corecbench_sharing_modules() -> list[SharingComponent]:  # type: ignore[empty-body]
    """Offer information-sharing modules: `build(config, setup) -> SharingModule`."""


@hookspec
def corecbench_controls() -> list[ControlComponent]:  # type: ignore[empty-body]
    """Offer controls of pairs: `build(config)` returns an object that says what is changed."""


@hookspec
def corecbench_metrics() -> list[MetricComponent]:  # type: ignore[empty-body]
    """Offer metrics: `build(config) -> Metric`."""


@hookspec
def corecbench_reporters() -> list[ReporterComponent]:  # type: ignore[empty-body]
    """Offer reporters: `build(config) -> Reporter`, which writes the table in one format."""


@hookspec
def corecbench_trackers() -> list[TrackerComponent]:  # type: ignore[empty-body]
    """Offer trackers: `build(config)` returns an object that implements the hooks below, which runs ask for."""


@hookspec
def corecbench_cell_started(cell: CellFacts) -> None:
    """Called before a cell is trained."""


@hookspec
def corecbench_progress(cell: CellFacts, what: str, done: int, total: int) -> None:
    """Called during long work outside the epochs, such as a download or the encoding of item texts."""


@hookspec
def corecbench_epoch_finished(cell: CellFacts, record: EpochRecord) -> None:
    """Called after each epoch."""


@hookspec
def corecbench_cell_finished(cell: CellFacts, result: CellResult) -> None:
    """Called when a cell is stored, failed or not, with the contents of its result.json."""
