"""MLflow: settings are parameters, epochs are steps, and a failed cell is a failed run."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from corecbench.api import hookimpl
from corecbench_plugins.trackers import facts

if TYPE_CHECKING:
    from corecbench.api import CellFacts, CellResult, EpochRecord
    from corecbench_plugins.trackers import MlflowConfig

LONGEST = 6000
"""Characters of a parameter's value."""
MOST = 100
"""Parameters in one call."""


def allowed(name: str) -> str:
    """Return a name as MLflow takes it.

    >>> allowed("domain/test NDCG@10")
    'domain/test NDCG_at_10'
    """
    return re.sub(r"[^\w./: -]", "_", name.replace("@", "_at_"))


class MlflowRuns:
    """A run for each cell. None is MLflow's active run, so that a caller's own is left alone."""

    def __init__(self, config: MlflowConfig):
        try:
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise facts.missing("mlflow", error) from error
        self.client = MlflowClient(tracking_uri=config.uri or None)
        found = self.client.get_experiment_by_name(config.experiment)
        self.experiment = found.experiment_id if found else self.client.create_experiment(config.experiment)
        self.run = ""

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        """Begin a run, with the settings of the cell."""
        from mlflow.entities import Param

        self.run = self.client.create_run(self.experiment, run_name=facts.title(cell)).info.run_id
        settings = [Param(allowed(key), str(value)[:LONGEST]) for key, value in facts.settings(cell).items()]
        for first in range(0, len(settings), MOST):
            self.client.log_batch(self.run, params=settings[first : first + MOST])

    @hookimpl
    def corecbench_epoch_finished(self, record: EpochRecord) -> None:
        """Log an epoch of one side."""
        self._log(facts.of_epoch(record), record["epoch"])

    @hookimpl
    def corecbench_cell_finished(self, result: CellResult) -> None:
        """Log the final metrics, and end the run."""
        self._log(facts.of_result(result), 0)
        if result["error"]:
            self.client.set_tag(self.run, "error", facts.failure(result))
        self.client.set_terminated(self.run, "FAILED" if result["error"] else "FINISHED")

    def _log(self, values: dict[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        metrics = [Metric(allowed(name), value, now_ms, step) for name, value in values.items()]
        self.client.log_batch(self.run, metrics=metrics)
