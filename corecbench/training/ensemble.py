"""A pair's third row: both sides' scores as the sharing module combines them.

B users in a batch, N items.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch.nn.functional import embedding, pad

from corecbench.api import SIDES, PluginError
from corecbench.evaluation.ranking import BLOCK, item_scores, rank_by
from corecbench.plugin.guard import owner_of
from corecbench.training.loop import sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from corecbench.api import Batch, Combiner, Side, States
    from corecbench.evaluation.ranking import Ranks
    from corecbench.training.cell import Workshop
    from corecbench.training.loop import Trainee


@dataclass
class Ensemble:
    """Two trained sides and the module that combines their scores."""

    module: Combiner
    workshop: Workshop
    trainees: Mapping[Side, Trainee]
    states: Mapping[Side, Mapping[str, States]]
    """side -> stage -> its states, users by index. They are taken when a side has its best weights: what both sides
    read may differ in the other's."""
    chosen: Mapping[str, float] = field(default_factory=dict)
    """What the module chose by validation."""
    validation: float = -1.0
    settling_s: float = 0.0
    ranking_s: float = 0.0

    def rank_test(self, top_k: int = 0) -> Ranks:
        """Let the module choose by validation, if it chooses, and then rank the test items."""
        clock = time.perf_counter()
        if hasattr(self.module, "settle"):
            self.chosen = {name: float(value) for name, value in self.module.settle(self.validate).items()}
        self.validation = self.validate()
        settled = time.perf_counter()
        ranks = self.rank("test", top_k)
        self.settling_s, self.ranking_s = settled - clock, time.perf_counter() - settled
        return ranks

    def validate(self) -> float:
        """Return NDCG@10 on the validation items, by the scores as they are combined now."""
        return self.workshop.quality(self.rank("validation"))

    def rank(self, stage: str, top_k: int = 0) -> Ranks:
        """Rank the held-out items of a stage, and keep each user's best candidates."""
        task, device = self.workshop.tasks[stage], self.workshop.setup.device
        return rank_by(lambda batch: self.scores(stage, batch).split(BLOCK), task, device=device, top_k=top_k)

    def scores(self, stage: str, batch: Batch) -> torch.Tensor:
        """Return the combined scores of a batch, float32 [B, N+1].

        Raises:
            PluginError: the module returns something of another shape.
        """
        of_sides = (self.states[side][stage] for side in SIDES)
        given = [item_scores(embedding(batch.user, states.user), states.item)[:, 1:] for states in of_sides]
        combined = self.module.combine(*given, batch)
        if combined.shape != given[0].shape:
            got, needed = list(combined.shape), list(given[0].shape)
            raise PluginError(f"{owner_of(self.module)} combines scores into {got}, needed are {needed}")
        return pad(combined.float(), (1, 0))

    def record(self, sides: Mapping[Side, Mapping[str, Any]]) -> dict[str, Any]:
        """Return what is stored about the row beside its metrics; it takes what both sides take, and its own."""
        n_users = len(self.workshop.tasks["test"].users)
        of_sides = [sides[side] for side in self.trainees]
        return {
            **sizes(trainee.model for trainee in self.trainees.values()),
            "epochs": 0,
            "best_epoch": None,
            "validation": self.validation,
            "stopped_by": None,
            "train_s": sum(side["train_s"] for side in of_sides) + self.settling_s,
            "inference_ms_per_user": sum(side["inference_ms_per_user"] for side in of_sides)
            + 1000 * self.ranking_s / n_users,
            "chosen": self.chosen,
        }
