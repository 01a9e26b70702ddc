"""plugname: a line of JSON for each epoch, to be replaced by your tracker."""

import json
from dataclasses import dataclass
from pathlib import Path

from corecbench.api import CellFacts, EpochRecord, TrackerComponent, hookimpl


@dataclass(frozen=True)
class PlugnameConfig:
    """Settings of the tracker."""

    file: str = "epochs.jsonl"
    """File that the lines are appended to."""


class PlugnameTracker:
    """A tracker may implement any of the hooks about a cell. An error that it raises becomes a warning."""

    def __init__(self, config: PlugnameConfig) -> None:
        self.file = Path(config.file)

    @hookimpl
    def corecbench_epoch_finished(self, cell: CellFacts, record: EpochRecord) -> None:
        """Append a line with cell and seed, and with side, epoch, loss and validation NDCG@10."""
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"cell": cell["name"], "seed": cell["seed"], **record}) + "\n")


@hookimpl
def corecbench_trackers() -> list[TrackerComponent]:
    """Offer the tracker."""
    return [TrackerComponent("plugname", PlugnameTracker, PlugnameConfig, summary="epochs as lines of JSON")]
