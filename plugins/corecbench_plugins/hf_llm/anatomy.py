"""Takes the body of any causal LM of transformers apart, and runs layers of it alone.

A body is one stack of layers behind an embedding of words. Families differ in names (`layers`, `h`,
`encoder.layer`), in what becomes of the embeddings before the first layer (Gemma scales them, GPT-2 adds positions,
BERT normalises), and in what is known of each layer by its number (Gemma 3: how far it looks back). So nothing in
front of the layers is relied on: states are handed to the first layer itself. That the parts make up the whole is
tried for every body.

B texts, S positions, h the hidden width.
"""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

import torch
from torch import nn

from corecbench.api import UsageError

PROBE_TOKENS = 6
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
"""Names of the linear layers of queries, values (with keys where one makes all) and the output of attention."""


class Probe(NamedTuple):
    """What a whole body makes of a few tokens."""

    entering: torch.Tensor
    """[1, S, h], at the input of the trained layers."""
    final: torch.Tensor
    """[1, S, h]."""


class Entrance(nn.Module):
    """Stands where something was embedded that nobody reads any more."""

    def forward(self, *_: Any, inputs_embeds: torch.Tensor | None = None, **__: Any) -> torch.Tensor:
        """Return what is embedded already, or zero for what would be added to it."""
        return torch.zeros(()) if inputs_embeds is None else inputs_embeds


def text_config(body: nn.Module) -> Any:
    """Return the configuration of the part of a model that reads text."""
    return body.config.get_text_config()


def place_of_layers(body: nn.Module) -> tuple[nn.Module, str]:
    """Return the module that holds the layers, and the name that they have there.

    Raises:
        UsageError: there is no stack of as many layers as the configuration says.
    """
    count = getattr(text_config(body), "num_hidden_layers", 0) if hasattr(body, "config") else 0
    stacks = [
        name for name, module in body.named_modules() if isinstance(module, nn.ModuleList) and len(module) == count
    ]
    if not stacks:
        raise cannot(body, "no stack of layers is found")
    owner, _, name = min(stacks, key=lambda path: path.count(".")).rpartition(".")
    return body.get_submodule(owner), name


def layers_of(body: nn.Module) -> nn.ModuleList:
    """Return the layers of a body, lowest first."""
    owner, name = place_of_layers(body)
    return getattr(owner, name)


def keep_layers(body: nn.Module, part: slice) -> None:
    """Leave these layers only, and what the configuration knows of each layer by its number."""
    owner, name = place_of_layers(body)
    config = text_config(body)
    count = config.num_hidden_layers
    setattr(owner, name, getattr(owner, name)[part])
    for key, value in list(vars(config).items()):
        if "layer" in key and isinstance(value, list | tuple) and len(value) == count:
            setattr(config, key, value[part])
    config.num_hidden_layers = len(getattr(owner, name))


def drop_embeddings(body: nn.Module) -> None:
    """Take all that embeds out of a body whose layers are given states: no memory for words, no last position."""
    layers = layers_of(body)
    above = [module for module in body.modules() if module is not layers and layers in module.modules()]
    for owner in above:
        for name, module in list(owner.named_children()):
            embeds = any(isinstance(part, nn.Embedding) for part in module.modules())
            if embeds and module is not layers and module not in above:
                setattr(owner, name, Entrance())


def run_whole(
    body: nn.Module, tokens: torch.Tensor, mask: torch.Tensor | None = None
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Run a body with its embeddings.

    Args:
        body: all of its layers, or the lower ones.
        tokens: int64 [B, S].
        mask: int64 [B, S], 0 for padding; None for a causal body, which never looks at padding on the right.

    Returns:
        The states [B, S, h] at the input of each layer and behind the last one, and those behind the final norm.
    """
    states: list[torch.Tensor] = []

    def enters(layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        states.append(given[0] if given else named["hidden_states"])

    def leaves(layer: nn.Module, given: tuple[Any, ...], out: Any) -> None:
        states.append(out if isinstance(out, torch.Tensor) else out[0])

    layers = layers_of(body)
    with contextlib.ExitStack() as stack:
        stack.callback(layers[0].register_forward_pre_hook(enters, with_kwargs=True).remove)
        for layer in layers:
            stack.callback(layer.register_forward_hook(leaves).remove)
        final = body(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
    return states, final


def run_layers(body: nn.Module, states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Run the layers that are left, and the final norm, on states; return final states [B, S, h].

    Args:
        body: without its embeddings.
        states: [B, S, h], in the dtype of the body.
        mask: int64 [B, S], 0 for padding on the left; None if nothing but the right is padded.
    """
    positions = {} if mask is None else {"position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0)}

    def enter(layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any]:
        return ((states, *given[1:]), named) if given else (given, {**named, "hidden_states": states})

    hook = layers_of(body)[0].register_forward_pre_hook(enter, with_kwargs=True)
    try:
        out = body(inputs_embeds=states, attention_mask=mask, use_cache=False, **positions)
    finally:
        hook.remove()
    return out.last_hidden_state


def probe(body: nn.Module, n_lower: int) -> Probe:
    """Run a few tokens through a whole body, and keep what enters the layers above the lower ones.

    Raises:
        UsageError: the body does not run like a causal LM.
    """
    tokens = torch.arange(1, 1 + PROBE_TOKENS, device=body.device)[None] % text_config(body).vocab_size
    try:
        with torch.no_grad():
            states, final = run_whole(body, tokens)
    except Exception as error:  # whatever a body raises that takes other arguments
        raise cannot(body, f"it does not run on tokens alone ({type(error).__name__})") from error
    return Probe(states[n_lower], final)


def prove(body: nn.Module, whole: Probe) -> None:
    """Try that the layers that were left go on from where the lower ones end, as in the whole body.

    Raises:
        UsageError: they do not, they look at later positions, or at padding on the left.
    """
    states, final = whole
    padded = torch.cat([states[:, :2].flip(1), states], dim=1)  # [1, 2 + S, h]
    mask = torch.ones(padded.shape[:2], dtype=torch.long, device=states.device)
    mask[:, :2] = 0
    try:
        with torch.no_grad():
            found = {
                "its layers do not run from the middle": run_layers(body, states) - final,
                "it looks at later words, and a causal LM is needed": run_layers(body, states[:, :3])
                - final[:, :3],
                "it looks at padding": run_layers(body, padded, mask)[:, 2:] - final,
            }
    except Exception as error:  # whatever a body raises that takes other arguments
        raise cannot(body, f"its layers do not run from the middle ({type(error).__name__})") from error
    tolerance = 0.05 if final.dtype in (torch.bfloat16, torch.float16) else 1e-3
    for fault, difference in found.items():
        if not difference.abs().max() <= tolerance * final.abs().max():
            raise cannot(body, fault)


def lora_targets(body: nn.Module) -> list[str]:
    """Return the names of the linear layers of attention that LoRA adapts, as peft takes them.

    Raises:
        UsageError: they have other names than those known.
    """
    paths = [f".{path}" for path, _ in linear_layers(body)]
    for targets in ATTENTION:
        if all(any(path.endswith(f".{target}") for path in paths) for target in targets):
            return list(targets)
    have = ", ".join(sorted({path.rpartition(".")[2] for path in paths}))
    raise UsageError(f"lora_targets auto knows no attention in {type(body).__name__}; name some of: {have}")


def is_transposed(body: nn.Module) -> bool:
    """Return whether the weights of linear layers are [in, out], as GPT-2's are."""
    return any(type(module).__name__ == "Conv1D" for _, module in linear_layers(body))


def linear_layers(body: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return path and module of each linear layer in the layers of a body."""
    return [
        (path, module)
        for path, module in layers_of(body).named_modules()
        if isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"
    ]


def cannot(body: nn.Module, why: str) -> UsageError:
    """Return the error for a body that cannot be taken apart."""
    return UsageError(f"{type(body).__name__} cannot be split into frozen and trained layers: {why}")
