"""Weights & Biases: settings are the config, epochs the history of each side, and final metrics the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    from corecbench_plugins.trackers.settings import WandbConfig


class WandbRuns:
    """Logs a run for each cell. The runs of a data set are a group."""

    def __init__(self, config: WandbConfig) -> None:
        try:
            import wandb
        except ImportError as error:
            raise missing_package("wandb", error) from error
        self.config, self.wandb = config, wandb
        self.run: Any = None

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        """Begin a run, with the settings of the cell."""
        self.run = self.wandb.init(
            project=self.config.project,
            entity=self.config.entity or None,
            mode=self.config.mode or None,
            dir=self.config.folder,
            name=run_name(cell),
            group=cell["dataset"],
            config=cell_settings(cell),
            reinit="create_new",
            settings=self.wandb.Settings(silent=True, console="off"),
        )
        for side in ("domain", "llm"):  # each side counts its own epochs
            self.run.define_metric(f"{side}/epoch")
            self.run.define_metric(f"{side}/*", step_metric=f"{side}/epoch")

    @hookimpl
    def corecbench_epoch_finished(self, record: EpochRecord) -> None:
        """Log an epoch of one side."""
        self.run.log({f"{record['side']}/epoch": record["epoch"], **epoch_values(record)})

    @hookimpl
    def corecbench_cell_finished(self, result: CellResult) -> None:
        """Set the summary, and end the run."""
        self.run.summary.update(result_values(result))
        if result["error"]:
            self.run.summary["error"] = failure_text(result)
        self.run.finish(exit_code=int(bool(result["error"])))
