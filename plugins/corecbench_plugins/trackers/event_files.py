"""TensorBoard: a folder of event files for each cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench.api import hookimpl
from corecbench_plugins.trackers import facts

if TYPE_CHECKING:
    from corecbench.api import CellFacts, CellResult, EpochRecord
    from corecbench_plugins.trackers import TensorboardConfig


class EventFiles:
    """FOLDER/DATASET/CELL/seedN-HASH: settings as text, epochs as steps of each side, final metrics at step 0."""

    def __init__(self, config: TensorboardConfig):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise facts.missing("tensorboard", error) from error
        self.folder, self.open = Path(config.folder).expanduser(), SummaryWriter
        self.writer: Any = None

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        """Open a folder, with the settings of the cell."""
        name = cell["name"].replace("/", "_")  # of an LLM's path
        self.writer = self.open(str(self.folder / cell["dataset"] / name / f"seed{cell['seed']}-{cell['hash']}"))
        rows = [f"| {key} | {value} |" for key, value in facts.settings(cell).items()]
        self.writer.add_text("settings", "\n".join(["| setting | value |", "|---|---|", *rows]))

    @hookimpl
    def corecbench_epoch_finished(self, record: EpochRecord) -> None:
        """Write an epoch of one side; it can be looked at while the cell trains."""
        self._write(facts.of_epoch(record), record["epoch"])
        self.writer.flush()

    @hookimpl
    def corecbench_cell_finished(self, result: CellResult) -> None:
        """Write the final metrics, and close the files."""
        self._write(facts.of_result(result), 0)
        if result["error"]:
            self.writer.add_text("error", facts.failure(result))
        self.writer.close()

    def _write(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
