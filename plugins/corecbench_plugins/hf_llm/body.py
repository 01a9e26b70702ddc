"""Loads an LLM's body and splits it: frozen lower layers read text, and top layers are trained by LoRA.

S positions of a sequence, h the LLM's hidden width.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch

from corecbench.api import UsageError
from corecbench_plugins.hf_llm.body_checks import check_upper_layers, probe
from corecbench_plugins.hf_llm.body_layers import (
    Body,
    drop_embeddings,
    is_transposed,
    keep_layers,
    layers_of,
    lora_targets,
)
from corecbench_plugins.hf_llm.body_runs import reading_only, run_layers
from corecbench_plugins.hf_llm.loading import load_config, load_trained
from corecbench_plugins.hf_llm.quantised import quantisation
from corecbench_plugins.hf_llm.weights import quiet

if TYPE_CHECKING:
    from pathlib import Path

    from corecbench_plugins.hf_llm.settings import LlmConfig


def load_body(
    folder: Path,
    dtype: torch.dtype,
    untrained_seed: int | None = None,
    *,
    device: str = "cpu",
    quantised: str = "no",
    causal: bool = False,
) -> Body:
    """Load the whole body, frozen and without its lm_head. With a seed, its weights are random.

    Args:
        folder: what `model_folder` returned.
        dtype: dtype of the weights, or of the computation with quantised weights.
        untrained_seed: seed of random weights of the same shapes, never quantised; None loads the trained weights.
        device: where the body lies.
        quantised: the setting of the same name.
        causal: whether an encoder is made causal; a causal LM is causal anyway.

    Raises:
        UsageError: the weights do not fit the architecture, or transformers does not know it.
    """
    from transformers import AutoModel

    config = load_config(folder, **({"is_decoder": True} if causal else {}))
    with quiet():
        if untrained_seed is None:
            options = quantisation(quantised, device)
            body = load_trained(folder, config, dtype=dtype, **options)
        else:
            options = {}
            with torch.random.fork_rng(devices=[]):  # later draws are the same as with trained weights
                torch.default_generator.manual_seed(untrained_seed)
                body = AutoModel.from_config(config, dtype=dtype, trust_remote_code=False)
    body = body.get_decoder() if hasattr(body, "get_decoder") else body  # without a tower for pictures
    layers_of(body)  # raises an error if there are none
    body = body.requires_grad_(False).eval()
    return body if options else body.to(device)


def n_lower_layers(body: Body, lora_layers: int) -> int:
    """Return the number of layers that stay frozen below the trained ones."""
    count = len(layers_of(body))
    if not 1 <= lora_layers <= count:
        raise UsageError(f"lora_layers is {lora_layers}, allowed are 1 to {count}")
    return count - lora_layers


def lower_part(body: Body, lora_layers: int) -> Body:
    """Cut a body down to its frozen lower layers, which turn token ids into the input of the trained layers.

    Where all layers are trained, the lowest one stays, since its input is what the trained layers read.
    """
    keep_layers(body, slice(max(n_lower_layers(body, lora_layers), 1)))
    return body


def upper_part(body: Body, config: LlmConfig) -> Body:
    """Cut a body down to its top layers, with LoRA (Hu et al., arXiv 2106.09685). A rank of 0 leaves them frozen.

    Raises:
        UsageError: the body cannot be split, or has no layers with the names of `lora_targets`.
    """
    from peft import LoraConfig, inject_adapter_in_model

    n_lower = n_lower_layers(body, config.lora_layers)
    whole = probe(body, n_lower)
    keep_layers(body, slice(n_lower, None))
    drop_embeddings(body)
    if body.device.type == "cpu":  # torch's fused attention is slower there, above all its backward pass
        body.set_attn_implementation("eager")
    check_upper_layers(body, whole)
    if not config.lora_rank:
        return body
    targets = lora_targets(body) if config.lora_targets == "auto" else list(config.lora_targets)
    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        target_modules=targets,
        lora_dropout=0.0,
        fan_in_fan_out=is_transposed(body),
    )
    try:
        return inject_adapter_in_model(lora, body)
    except ValueError as error:
        raise UsageError(f"lora_targets {', '.join(targets)} are not in {type(body).__name__}: {error}") from error


def run(
    body: Body, states: torch.Tensor, mask: torch.Tensor | None = None, read: torch.Tensor | int = 0
) -> torch.Tensor:
    """Run the top layers on states, and return final states, float32 [B, S, h].

    Args:
        body: what `upper_part` returned.
        states: float32 [B, S, h].
        mask: int64 [B, S], 0 for padding on the left; None if only the right is padded, which causal attention
            never looks at.
        read: which final states are read, bool [B, S], or how many at the end of each sequence, if not all are and
            `can_read_only` is true; else 0.
    """
    all_are_read = isinstance(read, int) and not read
    with contextlib.nullcontext() if all_are_read else reading_only(body, read):
        return run_layers(body, states.to(dtype_of(body)), mask).float()


def run_at(body: Body, states: torch.Tensor, place: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Run the top layers on states, and return the final states of one position of each sequence, float32 [B, h].

    Args:
        body: as in `run`; `can_read_only` says whether it can be run so.
        states: as in `run`.
        place: int64 [B], the positions.
        mask: as in `run`.
    """
    with reading_only(body, place):
        final = run_layers(body, states.to(dtype_of(body)), mask)
    return final[torch.arange(len(final), device=final.device), place].float()


def dtype_of(body: Body) -> torch.dtype:
    """Return the dtype in which a body computes."""
    dtype: torch.dtype = next(weight.dtype for weight in body.parameters() if weight.is_floating_point())
    return dtype
