"""Trains one side for a turn, and keeps the checkpoint that is best on its own validation."""

from __future__ import annotations

import functools
import math
import time
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import torch

from corecbench.api import Batch, CorecbenchError, PluginError, Recommender, SharingModule, Side, States, Training
from corecbench.evaluation.states import checked
from corecbench.plugin.abilities import coupling_terms, recommender_abilities
from corecbench.plugin.guard import guard, owner_of, unchanged
from corecbench.toolkit import product_dtype, standard_loss
from corecbench.training.averaging import WeightAverage
from corecbench.training.frozen import FrozenScores, FrozenStates, states_of_contexts
from corecbench.training.weights import restore, snapshot, trainable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from corecbench.api import EpochRecord
    from corecbench.training.contexts import Contexts
    from corecbench.training.examples import Examples


Frozen = FrozenStates | FrozenScores
"""What is known of the side that is frozen."""


class Pauses(Protocol):
    """What is done in a turn before its first epoch, when the other side's states are known, and after each."""

    def begun(self) -> None:
        """The turn begins. The side may be given the state that it had at a later epoch of the same turn."""

    def epoch_ended(self) -> None:
        """An epoch has ended, and another one follows."""


@dataclass
class SideTraining:
    """The training of one side: a model, its examples, and the best weights so far."""

    side: Side
    model: Recommender
    config: Training
    examples: Examples
    validate: Callable[[Recommender], float]
    """Returns NDCG@10 on the validation items, maybe of a sample of the users."""
    generator: np.random.Generator
    planned_epochs: int
    """Epochs in all turns together, which a schedule of the learning rate spans."""
    owner: str = "the model"
    """Names the model where it is at fault."""
    trained: bool = False
    """Whether the side starts from trained weights. The first steps of a new optimizer are of full size in every
    weight, so they are then made small, and the average remembers where they began."""
    layers: torch.nn.Module | None = None
    """Layers of the sharing module that are trained together with the model."""
    validate_all: Callable[[Recommender], float] | None = None
    """Returns it of all users, where `validate` returns it of a sample; else None."""
    epochs: int = 0
    best_epoch: int = 0
    best_value: float = -1.0
    best_state: dict[str, torch.Tensor] = field(default_factory=dict)
    stopped_by: str | None = None
    train_s: float = 0.0
    predicts: Literal["pair", "alone", "alone with texts"] | None = None
    """What the model is, where the domain side of a pair may stay what the domain model learnt alone."""
    chosen: Mapping[str, float] = field(default_factory=dict)
    """Values that were chosen by validation after the training."""
    needed_epochs: int | None = None
    """The least `epochs` of a domain model with which it has a turn after one of the LLM, where it has none."""
    stage_epochs: int = 0
    """Epochs of its budget that the sharing module took before the turns; `train_s` holds their time."""
    coupled: bool | None = None
    """Whether a turn of a side of a pair is coupled to the other side; None where there are no coupling losses."""
    values: np.ndarray | None = None
    """float64 [T], NDCG@10 of each user on the validation items with the best weights, where it is known. Texts in
    the scores count as is best for the users of the other half."""

    def __post_init__(self) -> None:
        self.abilities = recommender_abilities(self.model)
        parameters = [parameter for part in self.parts for parameter in trainable(part).values()]
        self.optimizer: torch.optim.Optimizer | None = None
        self.average: WeightAverage | None = None
        if parameters:
            rate, decay = self.config.learning_rate, self.config.weight_decay
            self.optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
            if self.config.averaging:
                self.average = WeightAverage(parameters, self.config.averaging, self.trained)
            dtype = product_dtype(self.config.loss_dtype, torch.device(self.examples.contexts.device).type)
            self.standard_loss = functools.partial(standard_loss, dtype=dtype)
        self.best_lag: list[torch.Tensor] = []
        self.best_layers: dict[str, torch.Tensor] = {}

    @property
    def is_validated(self) -> bool:
        return self.best_value >= 0

    @property
    def parts(self) -> list[Recommender | torch.nn.Module]:
        return [self.model] if self.layers is None else [self.model, self.layers]

    def train_turn(
        self,
        turn: int,
        epochs: int,
        sharing: SharingModule | None,
        other: SideTraining | None,
        on_epoch: Callable[[EpochRecord], None],
        pauses: Pauses | None = None,
    ) -> None:
        """Train for at most `epochs`, with the coupling losses to `other` if there is one.

        The other side is frozen: its states are computed once, before the first epoch. A turn that improved on all
        before it ends with its best weights, any other turn with its last ones; where weights are averaged, with
        the averages.
        """
        frozen = None if other is None else other.frozen_states(self.examples.contexts)
        first = self.epochs
        if self.average:
            self.average.resume()
        if epochs:
            self.stopped_by = "epochs" if self.config.schedule == "constant" else "schedule"
        if pauses is not None:
            pauses.begun()
        while self.epochs < first + epochs:
            on_epoch(self.train_and_validate(turn, sharing, frozen))
            if self.epochs - max(self.best_epoch, first) >= self.config.patience:
                self.stopped_by = "patience"
                break
            if pauses is not None:
                pauses.epoch_ended()
        if self.average:
            self.average.rest()
        if self.best_epoch > first:
            self.restore_best()
            if self.average:
                self.average.lag = self.best_lag

    def train_and_validate(self, turn: int, sharing: SharingModule | None, frozen: Frozen | None) -> EpochRecord:
        """Train one epoch, keep the weights if they are the best so far, and return what happened."""
        started = time.perf_counter()
        loss = self.train_epoch(sharing, frozen)
        self.epochs += 1
        with self.average.applied() if self.average else nullcontext(), guard(self.owner, "states"):
            value = self.validate(self.model)
            self.keep_if_best(value)
        if self.average and self.best_epoch == self.epochs:
            self.best_lag = self.average.ahead()
        duration = time.perf_counter() - started
        self.train_s += duration
        return {
            "turn": turn,
            "side": self.side,
            "epoch": self.epochs,
            "loss": loss,
            "validation": value,
            "duration_s": duration,
        }

    def finish(self) -> None:
        """Put the best weights back, measured on all users; a side that was never trained is taken as it is."""
        if self.epochs == 0:
            with guard(self.owner, "states"):
                value = self.validate(self.model)
            self.keep_if_best(value)
        self.restore_best()
        if self.epochs and self.validate_all is not None:
            with guard(self.owner, "states"):
                self.best_value = self.validate_all(self.model)

    def frozen_states(self, contexts: Contexts) -> Frozen:
        if self.abilities.scores is not None:
            return FrozenScores(self.model, contexts)
        with guard(self.owner, "states"):
            return states_of_contexts(self.model, contexts, self.examples.n_items)

    def train_epoch(self, sharing: SharingModule | None, frozen: Frozen | None) -> float:
        """Train on the examples of an epoch and return the mean loss."""
        if self.optimizer is None:
            raise CorecbenchError(f"{self.owner} has no parameters to train")
        self.set_training()
        losses = []
        config = self.config
        n_examples = min(len(self.examples), config.max_examples or len(self.examples))
        n_batches = math.ceil(n_examples / config.batch_size)
        drawn = config.negatives, config.max_examples, config.sampling == "mixed"
        batches = self.examples.batches(config.batch_size, self.generator, *drawn)
        for number, (rows, batch) in enumerate(batches):
            loss = self.loss(rows, batch, sharing, frozen)
            self.optimizer.param_groups[0]["lr"] = self.learning_rate(number, n_batches)
            self.optimizer.zero_grad(set_to_none=True)
            with guard(self.owner, "backward"):
                loss.backward()
            losses.append(loss.detach().reshape(()))
            self.optimizer.step()
            if self.average:
                self.average.update()
        each = torch.stack(losses)
        self.check_finite(each)
        return float(np.mean(each.tolist()))

    def set_training(self) -> None:
        with guard(self.owner, "train"):
            for part in self.parts:
                if isinstance(part, torch.nn.Module):
                    part.train()

    def loss(
        self, rows: torch.Tensor, batch: Batch, sharing: SharingModule | None, frozen: Frozen | None
    ) -> torch.Tensor:
        """Return the loss of a batch: of the task, and of the coupling to the frozen states if there are any.

        Raises:
            CorecbenchError: it is NaN or infinite, and computed on a processor.
        """
        states = None
        if frozen is None and self.abilities.loss is None:
            batch = replace(batch, reads_all=False)
        if self.abilities.scores is None:
            with guard(self.owner, "states"):
                states = self.known(checked(self.model.states(batch), batch, self.examples.n_items))
        with guard(self.owner, "loss"):
            loss = (self.abilities.loss or self.standard_loss)(batch, states)
        if loss.device.type == "cpu":  # a GPU would have to be waited for; its losses are checked after the epoch
            self.check_finite(loss)
        if frozen is not None and sharing is not None and states is not None:
            loss = loss + self.coupling_loss(rows, batch, states, sharing, frozen)
        return loss

    def known(self, states: States) -> States:
        n_known = self.examples.n_known
        if n_known == self.examples.n_items:
            return states
        gives_scores = not states.item.shape[1]
        return States(states.user[:, : n_known + 1] if gives_scores else states.user, states.item[: n_known + 1])

    def coupling_loss(
        self, rows: torch.Tensor, batch: Batch, states: States, sharing: SharingModule, frozen: Frozen
    ) -> torch.Tensor | float:
        """Return the coupling of the states of a batch to the frozen ones."""
        other = self.known(frozen.of(rows, batch.history.shape[1]))
        given = {
            "the states of the side in training": states.user,
            "the item states of the side in training": states.item,
            "the item states of the other side": other.item,
            "the targets of the batch": batch.target,
        }
        with guard(owner_of(sharing), "losses"), unchanged(given):
            terms = coupling_terms(sharing, self.side, states, other, batch)
            for name, term in terms.items():
                if term.device.type == "cpu" and not term.isfinite().all():
                    raise PluginError(f"its term {name!r} became {term.detach().flatten()[0].item()}")
            return sum(terms.values())

    def check_finite(self, losses: torch.Tensor) -> None:
        """Make sure that losses are numbers.

        Raises:
            CorecbenchError: one is NaN or infinite.
        """
        finite = losses.isfinite()
        if not finite.all():
            value, epoch = losses[~finite].flatten()[0].item(), self.epochs + 1
            raise CorecbenchError(f"the {self.side} side's loss became {value} in epoch {epoch} of {self.owner}")

    def learning_rate(self, number: int, n_batches: int) -> float:
        """Return the learning rate of one of the batches, from 0, of the present epoch.

        From trained weights it rises over the first epoch.
        """
        rate = self.config.learning_rate
        if self.config.schedule == "linear":
            rate *= 1 - (self.epochs + number / n_batches) / self.planned_epochs
        if self.trained and self.epochs == 0:
            rate *= (number + 1) / n_batches
        return rate

    def keep_if_best(self, value: float) -> None:
        if value > self.best_value:
            self.best_value, self.best_epoch, self.best_state = value, self.epochs, snapshot(self.model)
            self.best_layers = {} if self.layers is None else snapshot(self.layers)

    def restore_best(self) -> None:
        restore(self.model, self.best_state)
        if self.layers is not None:
            restore(self.layers, self.best_layers)
