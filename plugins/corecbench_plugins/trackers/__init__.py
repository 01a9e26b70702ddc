"""Trackers: settings, every epoch and the final metrics of each cell, for MLflow, Weights & Biases or TensorBoard.

Their packages are extras, imported when a run asks for the tracker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from corecbench.api import TrackerComponent, hookimpl


@dataclass(frozen=True)
class MlflowConfig:
    """Where runs go."""

    uri: str = ""
    """Of the tracking server or store; if empty, MLFLOW_TRACKING_URI or MLflow's own default."""
    experiment: str = "corecbench"


@dataclass(frozen=True)
class WandbConfig:
    """Where runs go."""

    project: str = "corecbench"
    entity: str = ""
    """User or team; if empty, the one that is logged in."""
    mode: Literal["", "online", "offline"] = ""
    """If empty, WANDB_MODE or online. Offline runs are sent later by `wandb sync`."""
    folder: str = "."
    """In which the folder `wandb` is made."""


@dataclass(frozen=True)
class TensorboardConfig:
    """Where event files go."""

    folder: str = "runs"


@hookimpl
def corecbench_trackers() -> list[TrackerComponent]:
    """Offer `mlflow`, `wandb` and `tensorboard`."""
    return [
        TrackerComponent(
            "mlflow",
            "corecbench_plugins.trackers.mlflow_runs:MlflowRuns",
            MlflowConfig,
            summary="a run of MLflow for each cell (extra mlflow)",
        ),
        TrackerComponent(
            "wandb",
            "corecbench_plugins.trackers.wandb_runs:WandbRuns",
            WandbConfig,
            summary="a run of Weights & Biases for each cell (extra wandb)",
        ),
        TrackerComponent(
            "tensorboard",
            "corecbench_plugins.trackers.event_files:EventFiles",
            TensorboardConfig,
            summary="event files of TensorBoard for each cell (extra tensorboard)",
        ),
    ]
