"""Trains one side for a turn, and keeps the checkpoint that is best on its own validation."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import pad

from corecbench.api import Batch, CorecbenchError, Recommender, SharingModule, Side, States, Training
from corecbench.plugin.guard import guard, owner_of
from corecbench.training.averaging import WeightAverage
from corecbench.training.examples import take
from corecbench.training.losses import task_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from corecbench.training.examples import Examples

CONTEXTS_PER_BATCH = 256


@dataclass
class Trainee:
    """One side in training."""

    side: Side
    model: Recommender
    config: Training
    examples: Examples
    validate: Callable[[Recommender], float]
    """Returns NDCG@10 on the validation items."""
    generator: np.random.Generator
    planned_epochs: int
    """In all turns together: what a schedule of the learning rate spans."""
    owner: str = "the model"
    """Names the model where it is at fault."""
    trained: bool = False
    """Starts from trained weights. A new optimizer's first steps are of full size in every weight, so they are made
    small, and the average remembers where they began."""
    epochs: int = 0
    best_epoch: int = 0
    best_value: float = -1.0
    best_state: dict[str, torch.Tensor] = field(default_factory=dict)
    stopped_by: str | None = None
    train_s: float = 0.0

    def __post_init__(self) -> None:
        parameters = trainable(self.model)
        self.optimizer = (
            torch.optim.AdamW(
                parameters.values(),
                lr=self.config.learning_rate,
                weight_decay=self.config.weight_decay,
                fused=True,
            )
            if parameters
            else None
        )
        self.average = (
            WeightAverage(parameters.values(), self.config.averaging, self.trained)
            if parameters and self.config.averaging
            else None
        )
        self.best_lag: list[torch.Tensor] = []

    def train_turn(
        self,
        turn: int,
        epochs: int,
        sharing: SharingModule | None,
        other: Trainee | None,
        on_epoch: Callable[[dict[str, Any]], None],
    ) -> None:
        """Train for at most `epochs`, with the coupling losses to `other` if there is one.

        The other side is frozen: its states are computed once, before the first epoch. A turn that improved on all
        before it ends with its best weights, another with its last ones; where weights are averaged, with averages.
        """
        frozen = None if other is None else other.frozen_states(self.examples.contexts)
        first = self.epochs
        if self.average:
            self.average.resume()
        if epochs:
            self.stopped_by = "epochs" if self.config.schedule == "constant" else "schedule"
        for _ in range(epochs):
            on_epoch({"turn": turn, **self.train_and_validate(sharing, frozen)})
            if self.epochs - max(self.best_epoch, first) >= self.config.patience:
                self.stopped_by = "patience"
                break
        if self.average:
            self.average.rest()
        if self.best_epoch > first:
            restore(self.model, self.best_state)
            if self.average:
                self.average.lag = self.best_lag

    def train_and_validate(self, sharing: SharingModule | None, frozen: States | None) -> dict[str, Any]:
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
            "side": self.side,
            "epoch": self.epochs,
            "loss": loss,
            "validation": value,
            "duration_s": duration,
        }

    def finish(self) -> None:
        """Put the best weights back; a side that was never trained is taken as it is."""
        if self.epochs == 0:
            with guard(self.owner, "states"):
                value = self.validate(self.model)
            self.keep_if_best(value)
        restore(self.model, self.best_state)

    def frozen_states(self, contexts: Batch) -> States:
        """Return the states of all contexts of the other side, without gradients."""
        with guard(self.owner, "states"):
            return states_of_contexts(self.model, contexts)

    def train_epoch(self, sharing: SharingModule | None, frozen: States | None) -> float:
        """Train on the examples of an epoch and return the mean loss."""
        self.model.train()
        losses = []
        config = self.config
        n_examples = min(len(self.examples), config.max_examples or len(self.examples))
        n_batches = math.ceil(n_examples / config.batch_size)
        batches = self.examples.batches(config.batch_size, self.generator, config.negatives, config.max_examples)
        for number, (rows, batch) in enumerate(batches):
            with guard(self.owner, "states"):
                states = None if hasattr(self.model, "scores") else self.model.states(batch)
            with guard(self.owner, "loss"):
                loss = task_loss(self.model, batch, states)
            if frozen is not None:
                with guard(owner_of(sharing), "losses"):
                    terms = sharing.losses(self.side, states, of_rows(frozen, rows, batch), batch)
                    loss = loss + sum(terms.values())
            if not torch.isfinite(loss):
                raise CorecbenchError(
                    f"the {self.side} side's loss became {loss.item()} in epoch {self.epochs + 1}"
                )
            self.optimizer.param_groups[0]["lr"] = self.learning_rate(number, n_batches)
            self.optimizer.zero_grad(set_to_none=True)
            with guard(self.owner, "backward"):
                loss.backward()
            self.optimizer.step()
            if self.average:
                self.average.update()
            losses.append(loss.item())
        return float(np.mean(losses))

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
        """Keep the present weights if no earlier epoch was better on validation."""
        if value > self.best_value:
            self.best_value, self.best_epoch, self.best_state = value, self.epochs, snapshot(self.model)


def trainable(model: Recommender) -> dict[str, torch.nn.Parameter]:
    """Return the parameters that training changes, by name; none for a model without gradients."""
    if not isinstance(model, torch.nn.Module):
        return {}
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def sizes(models: Iterable[Recommender]) -> dict[str, int]:
    """Return how many parameters models have together, as they are stored; what they share counts once."""
    modules = [model for model in models if isinstance(model, torch.nn.Module)]
    trained = {parameter for module in modules for parameter in trainable(module).values()}
    every = {parameter for module in modules for parameter in module.parameters()}
    return {
        "trainable_parameters": sum(parameter.numel() for parameter in trained),
        "parameters": sum(parameter.numel() for parameter in every),
    }


def weights(model: Recommender) -> dict[str, torch.Tensor]:
    """Return what makes a trained model: its trainable parameters and its persistent buffers, by name."""
    if not isinstance(model, torch.nn.Module):
        return {}
    persistent = model.state_dict().keys()
    buffers = {name: buffer for name, buffer in model.named_buffers() if name in persistent}
    return {**trainable(model), **buffers}


def snapshot(model: Recommender) -> dict[str, torch.Tensor]:
    """Return a copy of a model's weights."""
    return {name: tensor.detach().clone() for name, tensor in weights(model).items()}


def restore(model: Recommender, state: Mapping[str, torch.Tensor]) -> None:
    """Put a snapshot's values back.

    Raises:
        CorecbenchError: the snapshot belongs to another model.
    """
    own = weights(model)
    wanted, given = ({name: tensor.shape for name, tensor in of.items()} for of in (own, state))
    if wanted != given:
        differing = sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
        raise CorecbenchError(f"the checkpoint does not fit the model; it differs in {', '.join(differing[:3])}")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(state[name])


def states_of_contexts(model: Recommender, contexts: Batch) -> States:
    """Return a frozen side's states of all contexts: user [R, d] or [R, L, d], item [N+1, d]."""
    evaluate(model)
    without_target = Batch(contexts.user, contexts.history)
    order = (contexts.history != 0).sum(dim=1).argsort(stable=True)  # like lengths together: little padding
    users = []
    with torch.no_grad():
        for rows in order.split(CONTEXTS_PER_BATCH):
            states = model.states(take(without_target, rows))
            missing = contexts.history.shape[1] - states.user.shape[1] if states.user.dim() == 3 else 0
            users.append(pad(states.user, (0, 0, 0, missing)) if missing else states.user)
    return States(torch.cat(users)[order.argsort()], states.item.detach())


def of_rows(frozen: States, rows: torch.Tensor, batch: Batch) -> States:
    """Return the frozen states of a batch, cut to its longest history."""
    user = frozen.user[rows]
    return States(user[:, : batch.history.shape[1]] if user.dim() == 3 else user, frozen.item)


def evaluate(model: Recommender) -> None:
    """Switch off what is random in a model."""
    if isinstance(model, torch.nn.Module):
        model.eval()
