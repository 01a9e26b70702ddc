"""The points at which runs are killed."""

from __future__ import annotations

from dataclasses import dataclass

EXECUTION, TRAINING = "corecbench.experiment.execution", "corecbench.training"
CELL_TRAINING, SIDE, STATES = (
    f"{TRAINING}.cell:CellTraining",
    f"{TRAINING}.loop:SideTraining",
    f"{TRAINING}.checkpoints",
)
PAIR_EPOCHS = 11
"""Epochs of the models alone; those of the pair follow."""


@dataclass(frozen=True)
class Point:
    """Where a run is killed: before or after the n-th call of a function in one of its processes."""

    phase: str
    place: str = ""
    """Module and function; empty for a random time."""
    call: int = 1
    after: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        if not self.place:
            return f"after {self.seconds:.2f} s"
        return f"{'after' if self.after else 'before'} call {self.call} of {self.place.rpartition('.')[2]}"


def both(phase: str, place: str, *calls: int) -> list[Point]:
    """Return the points before and after some calls of a function."""
    return [Point(phase, place, call, after) for call in calls or (1,) for after in (False, True)]


POINTS = [
    *both("planning", "corecbench.experiment.plan:lay_out"),
    *both("reading data", "corecbench.experiment.plan:read_datasets"),
    *both("reading data in the worker", f"{EXECUTION}.workplace:read_datasets"),
    *both("claiming a cell", "corecbench.results.lease:Lease.take", 1, 2),
    *both("encoding texts", "corecbench_plugins.hf_llm.text_encoder:TextEncoder.cached"),
    *both("epochs of a model alone", f"{SIDE}.train_epoch", 1, 4),
    *both("epochs of the LLM alone", f"{SIDE}.train_epoch", 8, 9),
    *both("warm-up", f"{SIDE}.train_epoch", PAIR_EPOCHS + 1, PAIR_EPOCHS + 2),
    *both("turns", f"{SIDE}.train_epoch", PAIR_EPOCHS + 4, PAIR_EPOCHS + 5, PAIR_EPOCHS + 7),
    *both("between turns", f"{STATES}:Checkpoints.turn_ended", 1, 3, 4, 5),
    *both("writing a state", f"{STATES}:Checkpoints.write", 2, 7),
    *both("writing a state", f"{STATES}:save_tensors", 3),
    *both("keeping a state for others", f"{STATES}:Checkpoints.share"),
    *both("ranking", f"{CELL_TRAINING}.rank", 3),
    *both("ranking at the end", "corecbench.experiment.attempt:Attempt.rank_side", 1, 3, 4),
    *both("writing a checkpoint", "corecbench.experiment.runner:save_checkpoint"),
    *both("writing results", "corecbench.results.store:Store.write", 1, 3),
    *both("writing results", "corecbench.results.store:put_in_place", 1, 3),
    *both("giving a cell back", "corecbench.results.lease:Lease.release", 1, 3),
    *both("publishing", "corecbench.report.publish:publish_run"),
    *both("publishing", "corecbench.report.publish:write", 1, 2),
]
SHORT = (
    "planning", "claiming a cell", "encoding texts", "warm-up", "between turns", "keeping a state for others",
    "ranking at the end", "writing a checkpoint", "writing results", "giving a cell back", "publishing",
)  # fmt: skip
"""The phases of which `--short` and the tests take the last point."""


def short() -> list[Point]:
    """Return a dozen of the points."""
    last = {point.phase: point for point in POINTS}
    return [last[phase] for phase in SHORT]
