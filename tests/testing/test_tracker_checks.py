"""Each check of trackers finds the fault that it is for."""

from dataclasses import dataclass

import pytest

from corecbench.api import hookimpl

HEARS = "it hears of a run"


@dataclass(frozen=True)
class Config:
    limit: int = 3


class Good:
    def __init__(self, config):
        self.epochs = []

    @hookimpl
    def corecbench_epoch_finished(self, cell, record):
        self.epochs.append((cell["name"], cell["dataset"], record["loss"]))


class Deaf:
    def __init__(self, config):
        pass


class Misspelt(Good):
    @hookimpl
    def corecbench_epoch_finnished(self, cell, record):
        pass


class Optimistic(Good):
    """It takes for granted that a cell succeeds."""

    @hookimpl
    def corecbench_cell_finished(self, cell, result):
        return result["sides"]["domain"]["metrics"]


def test_a_good_tracker_passes(outcome_of):
    found = outcome_of("trackers", Good, Config)
    assert {outcome.status for outcome in found.values()} == {"ok"}


@pytest.mark.parametrize(
    ("build", "check", "reason"),
    [
        (Deaf, HEARS, "it implements no hook"),
        (Misspelt, HEARS, "unknown hook 'corecbench_epoch_finnished'"),
        (Optimistic, HEARS, "corecbench_cell_finished: KeyError: 'domain'"),
    ],
)
def test_a_fault_is_found(outcome_of, build, check, reason):
    outcome = outcome_of("trackers", build, None, check)
    assert outcome.status == "failed"
    assert reason in outcome.reason
