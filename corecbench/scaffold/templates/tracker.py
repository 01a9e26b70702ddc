"""plugname: a line of JSON for each epoch, to be replaced by your tracker."""

import json
from dataclasses import dataclass
from pathlib import Path

from corecbench.api import TrackerComponent, hookimpl


@dataclass(frozen=True)
class PlugnameConfig:
    """Settings."""

    file: str = "epochs.jsonl"


class PlugnameTracker:
    """It may implement any of the hooks about a cell; what it raises becomes a warning."""

    def __init__(self, config: PlugnameConfig):
        self.file = Path(config.file)

    @hookimpl
    def corecbench_epoch_finished(self, cell, record):
        """Add a line: which cell and seed, and side, epoch, loss and validation NDCG@10."""
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"cell": cell["name"], "seed": cell["seed"], **record}) + "\n")


@hookimpl
def corecbench_trackers():
    """Offer the tracker."""
    return [TrackerComponent("plugname", PlugnameTracker, PlugnameConfig, summary="epochs as lines of JSON")]
