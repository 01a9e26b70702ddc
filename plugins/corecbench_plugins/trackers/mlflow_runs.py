"""MLflow: settings are parameters, epochs are steps, and a failed cell is a failed run."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from corecbench.api import CellFacts, CellResult, EpochRecord, hookimpl
from corecbench_plugins.trackers.tracked_values import (
    cell_settings,
    epoch_values,
    failure_text,
    missing_package,
    result_values,
    run_name,
)

if TYPE_CHECKING:
    from corecbench_plugins.trackers.settings import MlflowConfig

MAX_VALUE_CHARACTERS = 6000
"""Most characters of a parameter's value that MLflow takes."""
MAX_PARAMETERS = 100
"""Most parameters that MLflow takes in one call."""


def mlflow_name(name: str) -> str:
    """Return a name in characters that MLflow allows.

    >>> mlflow_name("domain/test NDCG@10")
    'domain/test NDCG_at_10'
    """
    return re.sub(r"[^\w./: -]", "_", name.replace("@", "_at_"))


class MlflowRuns:
    """Logs a run for each cell. No run is MLflow's active one, so that a run of the caller is left alone."""

    def __init__(self, config: MlflowConfig) -> None:
        try:
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise missing_package("mlflow", error) from error
        self.client = MlflowClient(tracking_uri=config.uri or None)
        experiment = self.client.get_experiment_by_name(config.experiment)
        self.experiment = (
            experiment.experiment_id if experiment else self.client.create_experiment(config.experiment)
        )
        self.run = ""

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        """Begin a run, with the settings of the cell."""
        from mlflow.entities import Param

        self.run = self.client.create_run(self.experiment, run_name=run_name(cell)).info.run_id
        settings = [
            Param(mlflow_name(key), str(value)[:MAX_VALUE_CHARACTERS]) for key, value in cell_settings(cell).items()
        ]
        for start in range(0, len(settings), MAX_PARAMETERS):
            self.client.log_batch(self.run, params=settings[start : start + MAX_PARAMETERS])

    @hookimpl
    def corecbench_epoch_finished(self, record: EpochRecord) -> None:
        """Log an epoch of one side."""
        self._log(epoch_values(record), record["epoch"])

    @hookimpl
    def corecbench_cell_finished(self, result: CellResult) -> None:
        """Log the final metrics, and end the run."""
        self._log(result_values(result), 0)
        if result["error"]:
            self.client.set_tag(self.run, "error", failure_text(result))
        self.client.set_terminated(self.run, "FAILED" if result["error"] else "FINISHED")

    def _log(self, values: dict[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        metrics = [Metric(mlflow_name(name), value, now_ms, step) for name, value in values.items()]
        self.client.log_batch(self.run, metrics=metrics)
