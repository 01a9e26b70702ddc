"""What lies between the building of a pair and its first turn: what its parts are told, and a stage."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from corecbench.api import SIDES, Batch, Budget, PluginError, Pretrained, Recommender, SharingModule, Side, States
from corecbench.evaluation.states import checked
from corecbench.plugin.abilities import recommender_abilities, sharing_abilities
from corecbench.plugin.guard import guard, owner_of, unchanged
from corecbench.training.frozen import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from corecbench.training.cell import CellTraining


def states_alone(
    training: CellTraining, alone: Recommender, owner: str
) -> tuple[Callable[[Batch], States], Callable[[], States]]:
    """Return what the domain model alone makes of histories, and of the training part, once it is asked."""

    @torch.no_grad()
    def states(batch: Batch) -> States:
        with guard(owner, "states"):
            evaluate(alone)
            return checked(alone.states(batch), batch, training.setup.catalog.n_items)

    def training_states() -> States:
        with guard(owner, "states"):
            user = training.user_states(alone)
        first = torch.ones(1, dtype=torch.int64, device=user.device)
        return States(user, states(Batch(first, first[:, None])).item)

    return states, training_states


def begin(module: SharingModule, pretrained: Pretrained) -> None:
    with guard(owner_of(module), "start"), unchanged(tensors_of(pretrained)):
        module.start(pretrained)


def let_read(model: Recommender, owner: str, pretrained: Pretrained, device: str) -> None:
    read_texts = recommender_abilities(model).read_texts
    if read_texts is not None:
        with guard(owner, "read_texts"), unchanged(tensors_of(pretrained)):
            read_texts(pretrained)
        if isinstance(model, torch.nn.Module):
            model.to(device)


def tensors_of(pretrained: Pretrained) -> dict[str, torch.Tensor | None]:
    tensors = {name: value for name, value in vars(pretrained).items() if isinstance(value, torch.Tensor)}
    return {f"what it is told of the {name} of a side": tensor for name, tensor in tensors.items()}


@dataclass(frozen=True)
class Stage:
    """What a sharing module trained before the turns."""

    epochs: Mapping[Side, int]
    """Those that it took of each side's budget."""
    seconds: Mapping[Side, float]
    left: Budget


def prepare(training: CellTraining, module: SharingModule, budget: Budget) -> Stage:
    """Let a sharing module train what it trains before the turns, if it does.

    Raises:
        PluginError: it takes more epochs than there are, or yields something else than a side and a loss.
    """
    limits: dict[Side, int] = {"domain": budget.domain_epochs, "llm": budget.llm_epochs}
    epochs, seconds = dict.fromkeys(limits, 0), dict.fromkeys(limits, 0.0)
    stage = sharing_abilities(module).prepare
    if stage is not None:
        training.seed("stage")
        with guard(owner_of(module), "prepare"):
            started = time.perf_counter()
            for side, loss in stage(budget):
                if side not in SIDES or not isinstance(loss, int | float):
                    raise PluginError(f"it yields {(side, loss)!r:.80}; a side and a loss are needed")
                epochs[side] += 1
                seconds[side] += time.perf_counter() - started
                if epochs[side] > limits[side]:
                    raise PluginError(f"it takes more than the {limits[side]} {side} epochs that there are")
                done = sum(epochs.values())
                training.setup.progress(f"before the turns (loss {loss:.4g})", done, sum(limits.values()))
                started = time.perf_counter()
    left = Budget(budget.domain_epochs - epochs["domain"], budget.llm_epochs - epochs["llm"])
    return Stage(epochs, seconds, left)
