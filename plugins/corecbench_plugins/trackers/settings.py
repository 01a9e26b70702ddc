"""Settings of the trackers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MlflowConfig:
    """Settings of MLflow."""

    uri: str = ""
    """Address of the tracking server or store. If empty, MLFLOW_TRACKING_URI or MLflow's own default counts."""
    experiment: str = "corecbench"
    """Name of the experiment that the runs belong to."""


@dataclass(frozen=True)
class WandbConfig:
    """Settings of Weights & Biases."""

    project: str = "corecbench"
    """Name of the project that the runs belong to."""
    entity: str = ""
    """User or team that owns the project. If empty, it is the one that is logged in."""
    mode: Literal["", "online", "offline"] = ""
    """Whether runs are sent at once or, offline, later by `wandb sync`. If empty, WANDB_MODE or online counts."""
    folder: str = "."
    """Folder in which the folder `wandb` is made."""


@dataclass(frozen=True)
class TensorboardConfig:
    """Settings of TensorBoard."""

    folder: str = "runs"
    """Folder that the event files go to."""
