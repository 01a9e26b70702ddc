"""Times a few steps of one model on its own data, from which a plan says how long cells will take.

This happens in a worker process; nothing is stored.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.api import CorecbenchError, Setup
from corecbench.evaluation.protocol import sampled_users
from corecbench.experiment import process
from corecbench.experiment.work import Timed
from corecbench.training.cell import CellTraining
from corecbench.training.weights import trainable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from corecbench.api import Recommender, Side
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected

STEPS = 3
"""Batches that are trained and timed, after a first one."""
USERS = 200
"""Users that are ranked at most."""
TEXTS = 16
"""Texts that are read where all of them would take too long."""
WORK_S = 3.0
"""Seconds after which long work before the training, such as reading all texts, is known well enough."""


class EnoughError(BaseException):
    """Ends long work of which enough is known. No plugin is to take it for an error of its own."""


@dataclass
class LongWork:
    """The long work of a model before its training."""

    clock: Callable[[], float] = time.perf_counter
    begun: dict[str, tuple[float, int]] = field(default_factory=dict)
    whole_s: float = 0.0
    """Seconds that the whole of it would have taken."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Note how far work is.

        Raises:
            EnoughError: it would go on for long.
        """
        begun_s, before = self.begun.setdefault(what, (self.clock(), done))
        elapsed_s = self.clock() - begun_s
        if elapsed_s > WORK_S and before < done < total:
            self.whole_s = elapsed_s / (done - before) * total
            raise EnoughError


def timed(cell: Cell, plan: Plan, host: Host) -> Timed:
    """Build the model of a cell that has one, train a few batches, and rank a few users."""
    side, selected = side_of(cell)
    process.reset_peak_memory()
    clock = time.perf_counter()
    training, model, reading_s = built(cell, side, selected, plan, host)
    build_s = reading_s or time.perf_counter() - clock
    epoch_s = steps_s(training, side, selected, model) if trainable(model) else 0.0
    validation_s, test_s = (ranking_s(training, model, stage) for stage in ("validation", "test"))
    sampled, n_users = sampled_users(cell.data.split, plan.config), len(cell.data.split.held["validation"].users)
    if epoch_s:
        epoch_s += validation_s * (sampled or n_users) / n_users
    beside_s = build_s + test_s + (validation_s if sampled else 0.0)
    return Timed(epoch_s, beside_s, process.peak_memory_bytes())


def side_of(cell: Cell) -> tuple[Side, Selected]:
    """Return the only side of a cell.

    Raises:
        CorecbenchError: it has two.
    """
    if cell.domain is not None and cell.llm is None:
        return "domain", cell.domain
    if cell.llm is not None and cell.domain is None:
        return "llm", cell.llm
    raise CorecbenchError(f"cell {cell.name} has no model of its own")


def built(
    cell: Cell, side: Side, selected: Selected, plan: Plan, host: Host
) -> tuple[CellTraining, Recommender, float]:
    """Return the training of a cell and its model; and the seconds of long work that was cut short, else 0.

    A model that would read texts for long reads some of them in place of all.
    """
    work = LongWork()
    setup = Setup(cell.data.catalog, cell.max_history, cell.seed, plan.config.device, plan.cache, work.progress)
    metric = host.build(host.select("metrics", "NDCG@10", {}))
    training = CellTraining(host, setup, cell.data.split, cell.seeded_as, metric)
    try:
        return training, training.build_solo(side, selected)[0], 0.0
    except EnoughError:
        few = few_texts(cell.data.catalog.item_texts)
        setup = replace(setup, catalog=replace(setup.catalog, item_texts=few), progress=lambda *_: None)
        training = replace(training, setup=setup)
        return training, training.build_solo(side, selected)[0], work.whole_s


def few_texts(texts: Sequence[str]) -> tuple[str, ...]:
    """Return as many texts, of which few are different.

    >>> few_texts(["", *map(str, range(20))])[14:19]
    ('13', '14', '15', '0', '1')
    """
    some = list(dict.fromkeys(text for text in texts if text))[:TEXTS]
    return ("", *(some[number % len(some)] for number in range(len(texts) - 1)))


def steps_s(training: CellTraining, side: Side, selected: Selected, model: Recommender) -> float:
    """Return the seconds of the batches of an epoch, from those of a few of them."""
    side_training = training.side_training(side, selected, model, selected.config.epochs)
    config: Any = side_training.config
    n_examples = min(len(side_training.examples), config.max_examples or len(side_training.examples))
    n_batches: int = math.ceil(n_examples / config.batch_size)
    side_training.config = replace(config, max_examples=config.batch_size)
    side_training.train_epoch(None, None)
    n_timed = min(STEPS, n_batches)
    side_training.config = replace(config, max_examples=n_timed * config.batch_size)
    clock = time.perf_counter()
    side_training.train_epoch(None, None)
    return (time.perf_counter() - clock) / n_timed * n_batches


def ranking_s(training: CellTraining, model: Recommender, stage: Any) -> float:
    """Return the seconds of ranking all users of a stage, from those of a few of them."""
    held = training.split.held[stage]
    n_users = len(held.users)
    some = np.zeros(n_users, dtype=bool)
    some[:: max(1, n_users // USERS)] = True
    split = replace(training.split, held={stage: held.of(some)})
    clock = time.perf_counter()
    replace(training, split=split).rank(model, stage)
    return (time.perf_counter() - clock) * n_users / max(1, int(some.sum()))
