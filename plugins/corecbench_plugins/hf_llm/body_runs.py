"""Runs layers of the body of any causal LM of transformers, from its embeddings or from states.

States are handed to a layer, and taken from it, by torch's hooks, whatever stands in front of it or behind it.

B texts, S positions, h the hidden width.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import pad

from corecbench_plugins.hf_llm.body_layers import Body, layers_of, text_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


def run_whole(
    body: Body, tokens: torch.Tensor, mask: torch.Tensor | None = None
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Run a body with its embeddings.

    Args:
        body: a body with all of its layers, or only the lower ones.
        tokens: int64 [B, S].
        mask: int64 [B, S], 0 for padding; None for a causal body, which never looks at padding on the right.

    Returns:
        The states [B, S, h] at the input of each layer and behind the last one, and those behind the final norm.
    """
    states: list[torch.Tensor] = []
    with keeping_states(layers_of(body), states):
        final = body(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
    return states, final


@contextlib.contextmanager
def keeping_states(layers: nn.ModuleList, states: list[torch.Tensor]) -> Iterator[None]:
    """Append to `states` what enters the first of the layers and what each of them returns, in the context."""

    def keep_input(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        states.append(args[0] if args else kwargs["hidden_states"])

    def keep_output(
        layer: nn.Module, args: tuple[Any, ...], output: torch.Tensor | tuple[torch.Tensor, ...]
    ) -> None:
        states.append(output if isinstance(output, torch.Tensor) else output[0])

    with contextlib.ExitStack() as stack:
        stack.callback(layers[0].register_forward_pre_hook(keep_input, with_kwargs=True).remove)
        for layer in layers:
            stack.callback(layer.register_forward_hook(keep_output).remove)
        yield


class DeepEnoughError(Exception):
    """Ends a run of a body at the deepest layer that is needed."""


def run_lower(
    body: Body, tokens: torch.Tensor, deepest: int, mask: torch.Tensor | None = None
) -> list[torch.Tensor]:
    """Run a body from its embeddings up to a layer, and return the states [B, S, h] before and behind each layer.

    Args:
        body: as in `run_whole`.
        tokens: int64 [B, S].
        deepest: the number of layers that are run, at least 1.
        mask: as in `run_whole`.
    """

    def stop(*_: object) -> None:
        raise DeepEnoughError

    states: list[torch.Tensor] = []
    layers = layers_of(body)
    with contextlib.ExitStack() as stack:
        stack.enter_context(keeping_states(layers, states))
        if deepest < len(layers):
            stack.callback(layers[deepest].register_forward_pre_hook(stop).remove)
            stack.enter_context(contextlib.suppress(DeepEnoughError))
        body(input_ids=tokens, attention_mask=mask, use_cache=False)
    return states


def run_layers(body: Body, states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Run the layers of a body and the final norm on states, and return the final states [B, S, h].

    Args:
        body: a body without embeddings.
        states: [B, S, h], in the dtype of the body.
        mask: int64 [B, S], 0 for padding on the left; None if only the right is padded.
    """
    positions = {} if mask is None else {"position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0)}

    def replace_input(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        return ((states, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": states})

    if states.device.type != "cpu" and takes_whole_masks(body, states.shape[1]):
        mask = whole_mask(states, mask)
    hook = layers_of(body)[0].register_forward_pre_hook(replace_input, with_kwargs=True)
    try:
        final: torch.Tensor = body(
            inputs_embeds=states, attention_mask=mask, use_cache=False, **positions
        ).last_hidden_state
    finally:
        hook.remove()
    return final


def takes_whole_masks(body: Body, length: int) -> bool:
    """Return whether all layers of a body look back alike over so many positions, and as a mask says."""
    config = text_config(body)
    reach = getattr(config, "sliding_window", None) or length
    plain = not getattr(config, "alibi", False)
    return config._attn_implementation == "sdpa" and plain and length <= reach


def whole_mask(states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return what each position looks at, bool [B, 1, S, S]: itself, and what stands before it and is no padding.

    Transformers takes it as it is. It reads the values of a smaller one to leave it out, for which a GPU is waited
    for.
    """
    n_texts, length = states.shape[:2]
    back = torch.ones(length, length, dtype=torch.bool, device=states.device).tril()
    if mask is None:
        return back.expand(n_texts, 1, -1, -1)
    itself = torch.eye(length, dtype=torch.bool, device=states.device)
    return ((back & (mask[:, None, :] != 0)) | itself)[:, None]


@contextlib.contextmanager
def reading_only(body: Body, place: torch.Tensor | int) -> Iterator[None]:
    """Let the last layer compute its feed-forward part only where final states are read, in the context.

    That part is most of a layer, and positions of a layer meet in its attention alone. The other final states are
    then of no use. A layer without a module `mlp` computes all positions as usual.

    Args:
        body: a body for which `can_read_only` is true.
        place: the positions that are read: bool [B, S]; one of each sequence, int64 [B]; or how many at the end of
            all sequences.
    """
    feed_forward = getattr(layers_of(body)[-1], "mlp", None)
    if feed_forward is None:
        yield
        return
    compute = feed_forward.forward

    def at_place(states: torch.Tensor) -> torch.Tensor:
        if isinstance(place, int):
            return pad(compute(states[:, -place:].contiguous()), (0, 0, states.shape[1] - place, 0))
        if place.dtype == torch.bool:
            computed: torch.Tensor = compute(states[place][None])[0]  # [of these, h]
            return computed.new_zeros(states.shape).index_put((place,), computed)
        rows = torch.arange(len(place), device=place.device)
        alone: torch.Tensor = compute(states[rows, place][:, None])
        return alone  # [B, 1, h], which is added to all positions

    feed_forward.forward = at_place
    try:
        yield
    finally:
        del feed_forward.forward
