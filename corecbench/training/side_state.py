"""What a side has come to in its training: taken, and put back, so that the training can go on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.training.averaging import numbered
from corecbench.training.weights import below, extra_state, put_extra_state_back, restore, weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from corecbench.training.loop import SideTraining

REMEMBERED = ("epochs", "best_epoch", "best_value", "stopped_by", "train_s")
"""What a side remembers of its training beside tensors."""


def state_of(side: SideTraining) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return everything from which the training of a side could go on.

    Returns:
        Tensors by name, and facts that JSON can hold.
    """
    tensors = {f"best.{name}": tensor for name, tensor in side.best_state.items()}
    tensors |= {f"best_layers.{name}": tensor for name, tensor in side.best_layers.items()}
    tensors |= {f"best_lag.{n}": tensor for n, tensor in enumerate(side.best_lag)}
    extra = []
    for n, part in enumerate(side.parts):
        tensors |= {f"weights.{n}.{name}": tensor for name, tensor in weights(part).items()}
        extra.append(extra_state(part))
    if side.optimizer is not None:
        for n, moments in side.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{n}.{name}": moment for name, moment in moments.items()}
    if side.average:
        tensors |= side.average.state()
    facts = {name: getattr(side, name) for name in REMEMBERED}
    facts |= {"generator": side.generator.bit_generator.state, "extra": extra}
    facts["n_steps"] = side.average.n_steps if side.average else 0
    return tensors, facts


def put_back(side: SideTraining, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Let everything be as it was when `state_of` was called.

    Raises:
        CorecbenchError: the state belongs to another model.
    """
    for name in REMEMBERED:
        setattr(side, name, facts[name])
    side.generator.bit_generator.state = facts["generator"]
    side.best_state, side.best_layers = below(tensors, "best"), below(tensors, "best_layers")
    for n, (part, extra) in enumerate(zip(side.parts, facts["extra"], strict=True)):
        restore(part, below(tensors, f"weights.{n}"))
        put_extra_state_back(part, extra)
    if side.optimizer is not None:
        groups = side.optimizer.state_dict()["param_groups"]
        moments = {n: below(tensors, f"optimizer.{n}") for n in groups[0]["params"]}
        state = {n: kept for n, kept in moments.items() if kept}
        side.optimizer.load_state_dict({"state": state, "param_groups": groups})
    if side.average:
        side.average.put_back(tensors, facts["n_steps"])
        side.best_lag = numbered(tensors, "best_lag", side.average.parameters)
