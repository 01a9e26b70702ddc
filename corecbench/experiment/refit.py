"""Trains a cell twice: validation chooses, and then all before the test items is learnt as was chosen."""

from __future__ import annotations

import dataclasses
import gc
import itertools
from typing import TYPE_CHECKING

from corecbench.training.refit import EarlierValidation, Validation

if TYPE_CHECKING:
    from corecbench.api import EpochRecord
    from corecbench.experiment.attempt import Attempt
    from corecbench.experiment.outcome import Outcome


def refit(attempt: Attempt) -> Outcome:
    """Return what became of a cell in its refit; a row that fails in either training has failed.

    The curves of the record are those of the first training, which were validated. Epochs and time of a row are
    those of both.
    """
    chosen = Validation()

    def note(record: EpochRecord) -> None:
        chosen.epochs.append(record)
        attempt.on_epoch(record)

    first = dataclasses.replace(attempt, part="choosing", validation=chosen, on_epoch=note).outcome()
    if not first.sides:
        return first
    number = itertools.count(1)

    def tell(record: EpochRecord) -> None:
        done = {"done": next(number), "total": record.get("planned_epochs", 0)}
        attempt.tell("corecbench_progress", cell=attempt.cell.facts, what="epochs of the refit", **done)

    earlier = EarlierValidation(chosen.epochs, chosen.measured)
    before = first.trained["domain"].best_state if "domain" in first.trained else None
    first.trained.clear()
    gc.collect()  # models, which would stay in memory beside those of the refit
    found = dataclasses.replace(attempt, part="refit", validation=earlier, on_epoch=tell).outcome()
    found.before_refit = before
    found.failures |= first.failures
    for row in first.failures:
        found.ranks.pop(row, None)
        found.sides.pop(row, None)
    for row, record in found.sides.items():
        record["epochs"] += first.sides[row]["epochs"]
        record["train_s"] += first.sides[row]["train_s"]
        record["stopped_by"] = first.sides[row]["stopped_by"]
    return found
