"""TensorBoard: a folder of event files for each cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench.api import CellFacts, CellResult, EpochRecord, hookimpl
from corecbench_plugins.trackers.tracked_values import (
    cell_settings,
    epoch_values,
    failure_text,
    missing_package,
    result_values,
)

if TYPE_CHECKING:
    from corecbench_plugins.trackers.settings import TensorboardConfig


class EventFiles:
    """Writes the folder FOLDER/DATASET/CELL/seedN-HASH. Final metrics are step 0, and epochs are steps from 1."""

    def __init__(self, config: TensorboardConfig) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise missing_package("tensorboard", error) from error
        self.folder, self.open = Path(config.folder).expanduser(), SummaryWriter
        self.writer: Any = None

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        """Open a folder, and write the settings of the cell."""
        name = cell["name"].replace("/", "_")  # the path of an LLM is part of the name
        self.writer = self.open(str(self.folder / cell["dataset"] / name / f"seed{cell['seed']}-{cell['hash']}"))
        rows = [f"| {key} | {value} |" for key, value in cell_settings(cell).items()]
        self.writer.add_text("settings", "\n".join(["| setting | value |", "|---|---|", *rows]))

    @hookimpl
    def corecbench_epoch_finished(self, record: EpochRecord) -> None:
        """Write an epoch of one side, so that it can be looked at while the cell trains."""
        self._write(epoch_values(record), record["epoch"])
        self.writer.flush()

    @hookimpl
    def corecbench_cell_finished(self, result: CellResult) -> None:
        """Write the final metrics, and close the files."""
        self._write(result_values(result), 0)
        if result["error"]:
            self.writer.add_text("error", failure_text(result))
        self.writer.close()

    def _write(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
