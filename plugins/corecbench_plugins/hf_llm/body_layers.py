"""Finds the layers in the body of any causal LM of transformers, and keeps some of them.

A body is one stack of layers behind an embedding of words. Families differ in the names of the layers (`layers`,
`h`, `encoder.layer`), in what they do to the embeddings before the first layer (Gemma scales them, GPT-2 adds
positions, BERT normalises them), and in what the configuration says about single layers (Gemma 3: how far each
looks back). So states are handed directly to the first layer that is used, whatever stands in front of it. For
every body a short run checks that the parts together compute the same as the whole (`body_checks`).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from torch import nn

from corecbench.api import UsageError

Body: TypeAlias = Any
"""The body of a model of transformers. Its attributes differ by family, so it has no type."""

ATTENTION = (
    ("q_proj", "v_proj", "o_proj"),  # Llama, Mistral, Qwen, Gemma, OLMo, ...
    ("q_proj", "v_proj", "out_proj"),  # OPT, GPT-Neo, GPT-J
    ("q_proj", "v_proj", "dense"),  # Phi
    ("qkv_proj", "o_proj"),  # Phi-3
    ("c_attn", "attn.c_proj"),  # GPT-2
    ("query_key_value", "dense"),  # GPT-NeoX, Falcon, BLOOM
    ("Wqkv", "out_proj"),  # MPT
    ("query", "value", "attention.output.dense"),  # BERT
)
"""Names of the linear layers of queries, values and the output of attention. One layer may make all of them."""


class NoEmbedding(nn.Module):
    """Takes the place of an embedding that is no longer used."""

    def forward(self, *_: object, inputs_embeds: torch.Tensor | None = None, **__: object) -> torch.Tensor:
        """Return embeddings that are given; zero in place of an embedding that would be added to them."""
        return torch.zeros(()) if inputs_embeds is None else inputs_embeds


def text_config(body: Body) -> Any:
    """Return the configuration of the part of a model that reads text."""
    return body.config.get_text_config()


def locate_layers(body: Body) -> tuple[nn.Module, str]:
    """Return the module that holds the stack of layers, and the name of the stack there.

    Raises:
        UsageError: there is no stack with the number of layers that the configuration states.
    """
    count = getattr(text_config(body), "num_hidden_layers", 0) if hasattr(body, "config") else 0
    stacks = [
        name for name, module in body.named_modules() if isinstance(module, nn.ModuleList) and len(module) == count
    ]
    if not stacks:
        raise cannot_split(body, "no stack of layers is found")
    owner, _, name = min(stacks, key=lambda path: path.count(".")).rpartition(".")
    return body.get_submodule(owner), name


def layers_of(body: Body) -> nn.ModuleList:
    """Return the layers of a body, lowest first."""
    owner, name = locate_layers(body)
    layers: nn.ModuleList = getattr(owner, name)
    return layers


def keep_layers(body: Body, part: slice) -> None:
    """Keep only these layers, and their entries in the lists of the configuration that have one entry per layer."""
    owner, name = locate_layers(body)
    config = text_config(body)
    count = config.num_hidden_layers
    setattr(owner, name, getattr(owner, name)[part])
    for key, value in list(vars(config).items()):
        if "layer" in key and isinstance(value, list | tuple) and len(value) == count:
            setattr(config, key, value[part])
    config.num_hidden_layers = len(getattr(owner, name))


def drop_embeddings(body: Body) -> None:
    """Remove all embeddings of a body whose layers are given states, to save memory and lift the length limit."""
    layers = layers_of(body)
    above = [module for module in body.modules() if module is not layers and layers in module.modules()]
    for owner in above:
        for name, module in list(owner.named_children()):
            embeds = any(isinstance(part, nn.Embedding) for part in module.modules())
            if embeds and module is not layers and module not in above:
                setattr(owner, name, NoEmbedding())


def lora_targets(body: Body) -> list[str]:
    """Return the names of the linear layers of attention that LoRA adapts, as peft takes them.

    Raises:
        UsageError: none of the known names fits.
    """
    paths = [f".{path}" for path, _ in linear_layers(body)]
    for targets in ATTENTION:
        if all(any(path.endswith(f".{target}") for path in paths) for target in targets):
            return list(targets)
    have = ", ".join(sorted({path.rpartition(".")[2] for path in paths}))
    raise UsageError(f"lora_targets auto knows no attention in {type(body).__name__}; name some of: {have}")


def is_transposed(body: Body) -> bool:
    """Return whether the weights of linear layers are [in, out], as in GPT-2."""
    return any(type(module).__name__ == "Conv1D" for _, module in linear_layers(body))


def linear_layers(body: Body) -> list[tuple[str, nn.Module]]:
    """Return path and module of each linear module in the layers of a body."""
    return [
        (path, module)
        for path, module in layers_of(body).named_modules()
        if isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"
    ]


def cannot_split(body: Body, why: str) -> UsageError:
    """Return the error for a body that cannot be split."""
    return UsageError(f"{type(body).__name__} cannot be split into frozen and trained layers: {why}")
