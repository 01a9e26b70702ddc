"""Finds the layers in the body of any causal LM of transformers, and runs some of them alone.

A body is one stack of layers behind an embedding of words. Families differ in the names of the layers (`layers`,
`h`, `encoder.layer`), in what they do to the embeddings before the first layer (Gemma scales them, GPT-2 adds
positions, BERT normalises them), and in what the configuration says about single layers (Gemma 3: how far each
looks back). So states are handed directly to the first layer that is used, whatever stands in front of it. For
every body a short run checks that the parts together compute the same as the whole.

B texts, S positions, h the hidden width.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch
from torch import nn
from torch.nn.functional import pad

from corecbench.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Body: TypeAlias = Any
"""The body of a model of transformers. Its attributes differ by family, so it has no type."""

PROBE_TOKENS = 6
"""Number of tokens of the short run that checks a body."""
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


class Probe(NamedTuple):
    """States of a few tokens in the whole body."""

    entering: torch.Tensor
    """[1, S, h], the states that enter the trained layers."""
    final: torch.Tensor
    """[1, S, h], the states behind the final norm."""


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

    hook = layers_of(body)[0].register_forward_pre_hook(replace_input, with_kwargs=True)
    try:
        final: torch.Tensor = body(
            inputs_embeds=states, attention_mask=mask, use_cache=False, **positions
        ).last_hidden_state
    finally:
        hook.remove()
    return final


@contextlib.contextmanager
def reading_only(body: Body, place: torch.Tensor | int) -> Iterator[None]:
    """Let the last layer compute its feed-forward part only where final states are read, in the context.

    That part is most of a layer, and positions of a layer meet in its attention alone. The other final states are
    then of no use. A layer without a module `mlp` computes all positions as usual.

    Args:
        body: a body for which `can_read_only` is true.
        place: int64 [B], one position of each sequence, or how many positions at the end of all sequences are read.
    """
    feed_forward = getattr(layers_of(body)[-1], "mlp", None)
    if feed_forward is None:
        yield
        return
    compute = feed_forward.forward

    def at_place(states: torch.Tensor) -> torch.Tensor:
        if isinstance(place, int):
            return pad(compute(states[:, -place:].contiguous()), (0, 0, states.shape[1] - place, 0))
        rows = torch.arange(len(place), device=place.device)
        alone: torch.Tensor = compute(states[rows, place][:, None])
        return alone  # [B, 1, h], which is added to all positions

    feed_forward.forward = at_place
    try:
        yield
    finally:
        del feed_forward.forward


def can_read_only(body: Body, states: torch.Tensor) -> bool:
    """Return whether `reading_only` gives the last of the final states as running all positions does.

    Args:
        body: a body without embeddings.
        states: [1, S, h], for a short run.
    """
    try:
        with torch.no_grad():
            whole = run_layers(body, states)[:, -1]
            with reading_only(body, 1):
                alone = run_layers(body, states)[:, -1]
    except Exception:  # whatever a layer of another family raises, it then runs as usual
        return False
    return bool((alone - whole).abs().max() <= tolerance(whole))


def tolerance(final: torch.Tensor) -> torch.Tensor:
    """Return how far final states may differ by rounding."""
    share = 0.05 if final.dtype in (torch.bfloat16, torch.float16) else 1e-3
    return share * final.abs().max()


def probe(body: Body, n_lower: int) -> Probe:
    """Run a few tokens through a whole body, and keep the states that enter the layers above the lower ones.

    Raises:
        UsageError: the body does not run like a causal LM.
    """
    tokens = torch.arange(1, 1 + PROBE_TOKENS, device=body.device)[None] % text_config(body).vocab_size
    try:
        with torch.no_grad():
            states, final = run_whole(body, tokens)
    except Exception as error:  # a body with other arguments may raise anything
        raise cannot_split(body, f"it does not run on tokens alone ({type(error).__name__})") from error
    return Probe(states[n_lower], final)


def check_upper_layers(body: Body, whole: Probe) -> None:
    """Check that the upper layers alone compute from their input what the whole body computed.

    Raises:
        UsageError: they compute something else, or look at later positions or at padding on the left.
    """
    states, final = whole
    padded = torch.cat([states[:, :2].flip(1), states], dim=1)  # [1, 2 + S, h]
    mask = torch.ones(padded.shape[:2], dtype=torch.long, device=states.device)
    mask[:, :2] = 0
    try:
        with torch.no_grad():
            differences = {
                "its layers do not run from the middle": run_layers(body, states) - final,
                "it looks at later words, and a causal LM is needed": run_layers(body, states[:, :3])
                - final[:, :3],
                "it looks at padding": run_layers(body, padded, mask)[:, 2:] - final,
            }
    except Exception as error:  # a body with other arguments may raise anything
        raise cannot_split(body, f"its layers do not run from the middle ({type(error).__name__})") from error
    for fault, difference in differences.items():
        if not difference.abs().max() <= tolerance(final):
            raise cannot_split(body, fault)


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
