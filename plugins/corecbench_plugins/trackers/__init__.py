"""Trackers send settings, every epoch and final metrics of each cell to MLflow, Weights & Biases or TensorBoard.

The package of a tracker is an extra. It is imported when a run asks for the tracker.
"""

from __future__ import annotations

from corecbench.api import TrackerComponent, hookimpl
from corecbench_plugins.trackers.settings import MlflowConfig, TensorboardConfig, WandbConfig


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
