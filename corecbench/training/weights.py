"""The weights of a model: what training changes, copies of it, and how it is put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from corecbench.api import CorecbenchError, Recommender
from corecbench.api.seeds import derive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def seed_torch(seed: int, *purpose: str) -> None:
    torch.manual_seed(derive(seed, *purpose))


def trainable(model: Recommender | torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    if not isinstance(model, torch.nn.Module):
        return {}
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def sizes(models: Iterable[Recommender | torch.nn.Module]) -> dict[str, int]:
    modules = [model for model in models if isinstance(model, torch.nn.Module)]
    trained = {parameter for module in modules for parameter in trainable(module).values()}
    every = {parameter for module in modules for parameter in module.parameters()}
    return {
        "trainable_parameters": sum(parameter.numel() for parameter in trained),
        "parameters": sum(parameter.numel() for parameter in every),
    }


def weights(model: Recommender | torch.nn.Module) -> dict[str, torch.Tensor]:
    if not isinstance(model, torch.nn.Module):
        return {}
    persistent = model.state_dict().keys()
    buffers = {name: buffer for name, buffer in model.named_buffers() if name in persistent}
    return {**trainable(model), **buffers}


def snapshot(model: Recommender | torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in weights(model).items()}


def restore(model: Recommender | torch.nn.Module, state: Mapping[str, torch.Tensor]) -> None:
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


EXTRA = "_extra_state"


def extra_state(model: Recommender | torch.nn.Module) -> dict[str, Any]:
    if not isinstance(model, torch.nn.Module):
        return {}
    return {name: value for name, value in model.state_dict().items() if name.rpartition(".")[2] == EXTRA}


def put_extra_state_back(model: Recommender | torch.nn.Module, extra: Mapping[str, Any]) -> None:
    if isinstance(model, torch.nn.Module):
        for name, value in extra.items():
            model.get_submodule(name.rpartition(".")[0]).set_extra_state(value)


def below(tensors: Mapping[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """Return the tensors whose names begin with "NAME.", without this beginning.

    >>> below({"best.a": torch.ones(1), "bestest": torch.ones(1)}, "best")
    {'a': tensor([1.])}
    """
    start = f"{name}."
    return {key.removeprefix(start): tensor for key, tensor in tensors.items() if key.startswith(start)}


def save_checkpoint(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write a snapshot as safetensors.

    Raises:
        OSError: it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    except SafetensorError as error:
        raise OSError(f"{path}: {error}") from error
