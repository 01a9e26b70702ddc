"""One attempt at a cell: train its sides and rank each. A failure costs the rows that it concerns, no others."""

from __future__ import annotations

import functools
import os
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from safetensors.torch import load

from corecbench.api import Combiner, CorecbenchError, CorecbenchWarning, Lists, Setup, Side, SideRecord
from corecbench.evaluation.measuring import measure_checked
from corecbench.evaluation.protocol import sampled_users
from corecbench.experiment import process
from corecbench.experiment.cells import Cell, digest_of, record_of, settings_of
from corecbench.experiment.controls import applied
from corecbench.experiment.outcome import Outcome
from corecbench.keeping.folder import KeptCell
from corecbench.keeping.kept import KeptAs, keep_side, weights_of
from corecbench.plugin.guard import guard
from corecbench.results.checksums import read_file
from corecbench.results.frames import item_frequency
from corecbench.results.layout import CHECKPOINT
from corecbench.results.lease import is_shared
from corecbench.results.record import sides_of
from corecbench.results.spare import spare_folder
from corecbench.results.store import Store, state_of
from corecbench.training.alone import predicting, stand_beside, train_beside, with_own_content, without_control
from corecbench.training.cell import CellTraining, OnEpoch, Trained
from corecbench.training.checkpoints import STATE_VERSION, Checkpoints
from corecbench.training.ensemble import Answers, Ensemble, answers
from corecbench.training.pair import Learnt, Pair, Solo, train_pair
from corecbench.training.refit import Validation
from corecbench.training.weights import below, sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.data.loaded import SplitDataset
    from corecbench.evaluation.ranking import Ranks
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected
    from corecbench.training.controls import AppliedControl
    from corecbench.training.loop import SideTraining


class Waits(BaseException):
    """A pair has come to its end before its domain model alone, which the same run trains."""


Tell = Callable[..., None]
"""Tells those who follow the run what happens: a hook's name, and its arguments by name."""


@dataclass(frozen=True)
class Attempt:
    """Everything that training and ranking one cell needs."""

    cell: Cell
    plan: Plan
    host: Host
    store: Store
    tell: Tell
    on_epoch: OnEpoch
    stop: threading.Event = field(default_factory=threading.Event)
    validation: Validation = field(default_factory=Validation)
    """Measures what is chosen by."""
    part: Literal["whole", "choosing", "refit"] = "whole"
    """Which training of the cell it is: the only one, or one of two where a run has refits."""

    def outcome(self) -> Outcome:
        """Train the sides of the cell and rank each on the test items."""
        outcome = Outcome(sides_of(record_of(self.cell)))
        with outcome.losing(*outcome.rows):
            training = self.cell_training()
            trained = self.train(training)
            outcome.trained = dict(trained.sides)
        if outcome.failures:
            return outcome
        if self.plan.config.keep_models and self.part != "choosing":
            outcome.kept = KeptCell(record_of(self.cell), self.data.catalog, training.setup.catalog)
        states: dict[Side, Answers] = {}
        for side, side_training in trained.sides.items():
            if side not in outcome.rows:
                outcome.llm_parameters = sizes(side_training.parts)["parameters"]
                continue
            with outcome.losing(side):
                side_training.finish()  # puts back this side's best weights; both sides may read the same tables
                predicts = self.predicting(training, trained, side)
                self.rank_side(outcome, training, predicts)
                self.keep_side(outcome, training, trained, predicts)
                if self.cell.combines:
                    with guard(side_training.owner, "states"):
                        states[side] = answers(training, side_training.model)
        if self.cell.combines:
            with outcome.losing("ensemble"):
                self.rank_ensemble(outcome, training, trained, states)
        return outcome

    def cell_training(self) -> CellTraining:
        """Return what the training of the cell needs."""
        cell, catalog, facts = self.cell, self.data.catalog, self.cell.facts

        def progress(what: str, done: int, total: int) -> None:
            self.tell("corecbench_progress", cell=facts, what=what, done=done, total=total)

        control = self.control
        seen = catalog if control is None else control.catalog(catalog, cell.seed)
        setup = Setup(
            seen,
            cell.max_history,
            cell.seed,
            self.plan.config.device,
            self.plan.cache,
            progress,
            untrained_llm=control is not None and control.selected.untrained_llm,
            plain_texts=None if seen is catalog else catalog.item_texts,
        )
        metric = self.host.build(self.host.select("metrics", "NDCG@10", {}))
        of_cell = self.data.split, cell.seeded_as, metric, self.checkpoints(), self.validation
        return CellTraining(self.host, setup, *of_cell, sampled_users(self.data.split, self.plan.config))

    @property
    def data(self) -> SplitDataset:
        return self.cell.data.choosing if self.part == "choosing" else self.cell.data

    def checkpoints(self) -> Checkpoints:
        """Return where the state of the training is written, and where one may lie from which it can begin."""
        cell, config = self.cell, self.plan.config
        folder = state_of(cell.folder)
        if self.part == "refit":
            folder = folder / self.part
        if cell.sharing is None or not cell.sharing.shares:
            return Checkpoints(folder, minutes=config.checkpoint_minutes, stop=self.stop)
        place = digest_of({"machine": process.machine(config.device), **process.versions(), "state": STATE_VERSION})
        place += f"-{self.part}" if self.part == "refit" else ""
        name = f"{cell.start_hash}-seed{cell.seed}-{place}.safetensors"
        return Checkpoints(folder, self.plan.begun / name, config.checkpoint_minutes, stop=self.stop)

    @functools.cached_property
    def control(self) -> AppliedControl | None:
        return None if self.cell.control is None else applied(self.cell.control, self.host)

    @property
    def top_k(self) -> int:
        return 0 if self.part == "choosing" else min(self.plan.config.top_k, self.data.catalog.n_items)

    def train(self, training: CellTraining) -> Trained:
        """Train the side or the sides of the cell."""
        domain, llm, sharing = self.cell.domain, self.cell.llm, self.cell.sharing
        if domain is not None and llm is not None and sharing is not None:
            pair = Pair(domain, llm, sharing)
            if self.control is not None:
                pair = self.control.pair(pair, training.setup)
            if not self.trains:
                return stand_beside(training, pair, self.solo())
            train = train_pair if domain.joint else train_beside
            return train(training, pair, self.solo(), self.on_epoch)
        if domain is not None:
            return Trained({"domain": training.train_solo("domain", domain, self.on_epoch)})
        if llm is not None:
            return Trained({"llm": training.train_solo("llm", llm, self.on_epoch)})
        raise CorecbenchError(f"cell {self.cell.name} has no model")

    def predicting(self, training: CellTraining, trained: Trained, side: Side) -> SideTraining:
        if self.cell.sharing is None:
            return with_own_content(training, trained.sides[side])
        return predicting(training, trained, side, self.cell.sharing, self.stored_solo)

    @property
    def trains(self) -> bool:
        return self.cell.sharing is None or self.cell.sharing.trains

    def solo(self) -> Solo:
        alone = self.plan.solo_of(self.cell)
        return Solo(cast("Selected", alone.domain), functools.partial(self.learnt, alone))

    def stored_solo(self) -> Solo:
        """Return the domain model of the pair, alone, as its end needs it.

        Raises:
            Waits: its cell is still being trained.
        """
        if is_shared([self.cell.folder, self.plan.solo_of(self.cell).folder]):
            raise Waits
        return self.solo()

    def learnt(self, alone: Cell) -> Learnt:
        """Return what the domain model learnt alone.

        Raises:
            CorecbenchError: its cell failed.
            DamagedError: its record or checkpoint is damaged.
        """
        folder = alone.folder
        if not os.path.lexists(folder):  # it could not be stored there
            folder = spare_folder(self.store, folder, self.plan.cache)
        stored = self.store.read(folder)
        if stored["error"] is not None:
            message = stored["error"]["message"]
            raise CorecbenchError(f"cell {alone.name}, which this one needs, failed: {message}")
        best_epoch = stored["sides"]["domain"]["best_epoch"] or 0
        state = load(read_file(folder, CHECKPOINT, stored))
        return Learnt(state if self.part == "whole" else below(state, self.part), best_epoch)

    def rank_side(self, outcome: Outcome, training: CellTraining, side_training: SideTraining) -> None:
        """Rank a side on the test items, and on the validation items if no epoch has been validated."""
        validation = side_training.best_value
        _ = training.tasks  # laying them out is no part of the time that ranking takes
        with guard(side_training.owner, "states"):
            if not side_training.is_validated:
                validation = self.validation.measure(side_training.side, training.validate, side_training.model)
            clock = time.perf_counter()
            ranks = training.rank(side_training.model, "test", self.top_k)
        ranking_s = time.perf_counter() - clock
        outcome.ranks[side_training.side] = ranks
        record = {
            **self.measured(ranks),
            **sizes(side_training.parts),
            "epochs": side_training.epochs,
            "best_epoch": side_training.best_epoch,
            "validation": validation,
            "stopped_by": side_training.stopped_by,
            "train_s": side_training.train_s,
            "inference_ms_per_user": 1000 * ranking_s / len(ranks.users),
            **({"kept_alone": True} if side_training.predicts == "alone" else {}),
            **({"predicts": side_training.predicts} if side_training.predicts else {}),
            **({"needed_epochs": side_training.needed_epochs} if side_training.needed_epochs else {}),
            **({"stage_epochs": side_training.stage_epochs} if side_training.stage_epochs else {}),
            **({"coupled": side_training.coupled} if side_training.coupled is not None else {}),
            **({"chosen": dict(side_training.chosen)} if side_training.chosen else {}),
        }
        outcome.sides[side_training.side] = cast("SideRecord", record)

    def keep_side(
        self, outcome: Outcome, training: CellTraining, trained: Trained, side_training: SideTraining
    ) -> None:
        """Keep what predicts as a side, as it was ranked, if the run keeps models."""
        if outcome.kept is None:
            return
        side, setup = side_training.side, training.setup
        selected, tables = getattr(self.cell, side), trained.tables.get(side)
        if side_training.predicts in ("alone", "alone with texts"):  # with its own settings and tables
            selected, tables = self.solo().selected, None
        if self.cell.sharing is not None and tables is None and side == "domain":  # built alone, without a control
            setup = without_control(setup)
        if tables is not None and getattr(tables.user, "of_histories", None) is not None:
            said = "its tables say something of each history, which the other side makes"
            warnings.warn(f"{side_training.owner} is not kept: {said}", CorecbenchWarning, stacklevel=2)
            return
        kept = keep_side(
            side_training.model,
            KeptAs(side, selected, settings_of(selected), setup, tables, trained.pretrained),
            training.split,
        )
        if setup is not training.setup:
            kept.facts["plain_texts"] = True
        outcome.kept.sides[side] = kept
        outcome.kept.sharing = {} if trained.module is None else weights_of(trained.module)

    def rank_ensemble(
        self,
        outcome: Outcome,
        training: CellTraining,
        trained: Trained,
        states: Mapping[Side, Answers],
    ) -> None:
        """Rank both sides' scores as the sharing module combines them.

        Raises:
            CorecbenchError: a side failed.
        """
        if missing := [side for side in trained.sides if side not in states]:
            raise CorecbenchError(f"the {missing[0]} side, whose scores are combined, failed")
        ensemble = Ensemble(cast("Combiner", trained.module), training, trained.sides, states)
        ranks = ensemble.rank_test(self.top_k)
        outcome.ranks["ensemble"] = ranks
        record = {**self.measured(ranks), **ensemble.record([outcome.sides[side] for side in trained.sides])}
        outcome.sides["ensemble"] = cast("SideRecord", record)

    def measured(self, ranks: Ranks) -> dict[str, Any]:
        """Return the metrics of a row. A metric that fails has no value; the reason stands in `faults`."""
        frequency = item_frequency(self.data.catalog, self.data.train)
        lists = Lists(ranks.top_items, ranks.target, ranks.rank, frequency)
        metrics, faults = {}, {}
        for name in self.plan.config.metrics:
            try:
                metrics[name] = self.mean(name, ranks, lists)
            except CorecbenchError as error:
                faults[name] = " ".join(str(error).split())
        return {"metrics": metrics, **({"faults": faults} if faults else {}), "n_users": len(ranks.users)}

    def mean(self, name: str, ranks: Ranks, lists: Lists) -> float:
        """Return a metric's mean over users.

        Raises:
            PluginError: the metric failed, or gave anything but a finite number for each user.
        """
        metric = self.host.build(self.host.select("metrics", name, self.plan.config.settings))
        return float(measure_checked(name, metric, ranks.rank, ranks.n_candidates, lists).mean())
