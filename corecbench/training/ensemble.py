"""A pair's third row: both sides' scores as the sharing module combines them.

B users in a batch, N items.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.nn.functional import embedding, pad

from corecbench.api import SIDES, Batch, Combiner, PluginError, Recommender, Side, SideRecord, States
from corecbench.evaluation.ranking import Ranks, rank_task
from corecbench.evaluation.scores import item_scores
from corecbench.plugin.abilities import recommender_abilities, sharing_abilities
from corecbench.plugin.guard import guard, owner_of
from corecbench.training.weights import sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.training.cell import CellTraining
    from corecbench.training.loop import SideTraining


Answers = Mapping[str, States] | Callable[[Batch], torch.Tensor]
"""stage -> the states of a side, users by index; or what gives the scores of a batch, float32 [B, N+1]."""


def answers(training: CellTraining, model: Recommender) -> Answers:
    """Return what a side answers with its best weights, on which tables that both sides read may differ later.

    A model that gives scores is frozen, and asked where users are ranked.
    """
    if recommender_abilities(model).scores is None:
        return training.states(model)
    return cast("Callable[[Batch], torch.Tensor]", training.checked_answer(model))


@dataclass
class Ensemble:
    """Two trained sides and the module that combines their scores."""

    module: Combiner
    training: CellTraining
    sides: Mapping[Side, SideTraining]
    states: Mapping[Side, Answers]
    """side -> its answers, taken when it has its best weights."""
    chosen: Mapping[str, float] = field(default_factory=dict)
    """What the module chose by validation."""
    validation: float = -1.0
    settling_s: float = 0.0
    ranking_s: float = 0.0

    def rank_test(self, top_k: int = 0) -> Ranks:
        """Let the module choose by validation, if it chooses, and then rank the test items.

        Raises:
            PluginError: the module failed, or chose something that is not a finite number.
        """
        clock = time.perf_counter()
        self.chosen = self.settle()
        self.validation = self.validate()
        settled = time.perf_counter()
        ranks = self.rank("test", top_k)
        self.settling_s, self.ranking_s = settled - clock, time.perf_counter() - settled
        return ranks

    def settle(self) -> dict[str, float]:
        """Return what the module chooses by validation; nothing if it does not choose."""
        settle = sharing_abilities(self.module).settle
        if settle is None:
            return {}
        with guard(owner_of(self.module), "settle"):
            chosen = {str(name): float(value) for name, value in settle(self.validate).items()}
            if not all(map(math.isfinite, chosen.values())):
                raise PluginError(f"it chose {chosen}; finite numbers are needed")
        return chosen

    def validate(self) -> float:
        measure = self.training.validation.measure
        return measure("ensemble", lambda: float(self.training.values(self.rank("validation")).mean()))

    def rank(self, stage: str, top_k: int = 0) -> Ranks:
        task, device = self.training.tasks[stage], self.training.setup.device
        with guard(owner_of(self.module), "combine"):
            return rank_task(lambda batch: self.scores(stage, batch), task, device=device, top_k=top_k)

    def scores(self, stage: str, batch: Batch) -> torch.Tensor:
        """Return the combined scores of a batch, float32 [B, N+1].

        Raises:
            PluginError: the module returns something of another shape.
        """
        domain, llm = (self.scores_of(side, stage, batch) for side in SIDES)
        combined = self.module.combine(domain, llm, batch)
        if combined.shape != domain.shape:
            got, needed = list(combined.shape), list(domain.shape)
            raise PluginError(f"it combines scores into {got}, needed are {needed}")
        return pad(combined.float(), (1, 0))

    def scores_of(self, side: Side, stage: str, batch: Batch) -> torch.Tensor:
        answers = self.states[side]
        if callable(answers):
            return answers(batch)[:, 1:].float()
        states = answers[stage]
        return item_scores(embedding(batch.user, states.user), states.item)[:, 1:]

    def record(self, sides: Sequence[SideRecord]) -> dict[str, Any]:
        """Return what is stored about the row beside its metrics; it costs what both sides cost, and its own."""
        n_users = len(self.training.tasks["test"].users)
        return {
            **sizes(part for side in self.sides.values() for part in side.parts),
            "epochs": 0,
            "best_epoch": None,
            "validation": self.validation,
            "stopped_by": None,
            "train_s": sum(side["train_s"] for side in sides) + self.settling_s,
            "inference_ms_per_user": sum(side["inference_ms_per_user"] for side in sides)
            + 1000 * self.ranking_s / n_users,
            "chosen": self.chosen,
        }
