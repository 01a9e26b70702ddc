"""The two parts of an LLM's body: frozen layers that read text, and top layers that are trained by LoRA.

S positions of a sequence, h the LLM's hidden width.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from corecbench.api import UsageError
from corecbench_plugins.hf_llm.anatomy import (
    drop_embeddings,
    is_transposed,
    keep_layers,
    layers_of,
    lora_targets,
    probe,
    prove,
    run_layers,
)
from corecbench_plugins.hf_llm.quantised import quantisation
from corecbench_plugins.hf_llm.weights import quiet

if TYPE_CHECKING:
    from corecbench_plugins.hf_llm.settings import LlmConfig


def choose_dtype(wanted: str, device: str) -> torch.dtype:
    """Return the dtype of the body: bfloat16 on a processor only where it multiplies faster in it.

    Measured with torch 2.13, matrix products in bfloat16 against float32: AMD with AVX-512 BF16 4.5 times as fast,
    Intel with AVX-512 BF16 but no matrix tiles (AMX) half as fast; without either it is slower still. The choice is
    by feature, not by timing, so that runs agree.
    """
    if wanted != "auto":
        return getattr(torch, wanted)
    if device != "cpu":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    amd = torch.cpu._is_avx512_bf16_supported() and vendor() == "AuthenticAMD"
    return torch.bfloat16 if amd or torch.cpu._is_amx_tile_supported() else torch.float32


@functools.cache
def vendor() -> str:
    """Return the processor's vendor as Linux names it; "" where that is not known."""
    try:
        found = re.search(r"^vendor_id\s*:\s*(\S+)", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE)
    except OSError:
        return ""
    return found[1] if found else ""


def load_body(
    folder: Path,
    dtype: torch.dtype,
    untrained_seed: int | None = None,
    *,
    device: str = "cpu",
    quantised: str = "no",
    causal: bool = False,
) -> nn.Module:
    """Load the whole body without its lm_head, frozen; with a seed, one of the same shapes with random weights.

    Args:
        folder: from `model_folder`.
        dtype: of the weights, or of what is computed with quantised ones.
        untrained_seed: of random weights, which are never quantised; None loads the trained ones.
        device: where the body lies.
        quantised: as in the settings.
        causal: make an encoder causal; a causal LM is so already.
    """
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(folder, local_files_only=True, **({"is_decoder": True} if causal else {}))
    with quiet():
        if untrained_seed is None:
            options = quantisation(quantised, dtype, device)
            body = AutoModel.from_pretrained(folder, config=config, dtype=dtype, local_files_only=True, **options)
        else:
            options = {}
            with torch.random.fork_rng(devices=[]):  # what is drawn afterwards is as with trained weights
                torch.default_generator.manual_seed(untrained_seed)
                body = AutoModel.from_config(config, dtype=dtype)
    body = body.get_decoder() if hasattr(body, "get_decoder") else body  # without a tower for pictures
    layers_of(body)  # there are some
    body = body.requires_grad_(False).eval()
    return body if options else body.to(device)


def n_lower_layers(body: nn.Module, lora_layers: int) -> int:
    """Return how many layers stay frozen below the trained ones."""
    count = len(layers_of(body))
    if not 1 <= lora_layers <= count:
        raise UsageError(f"lora_layers is {lora_layers}, allowed are 1 to {count}")
    return count - lora_layers


def lower_part(body: nn.Module, lora_layers: int) -> nn.Module:
    """Turn a body into its frozen lower layers: token ids in, the input states of the trained layers out.

    Where all layers are trained, the lowest one stays: what enters it is what is read.
    """
    keep_layers(body, slice(max(n_lower_layers(body, lora_layers), 1)))
    return body


def upper_part(body: nn.Module, config: LlmConfig) -> nn.Module:
    """Turn a body into its top layers with LoRA: states in, final states out (Hu et al., arXiv 2106.09685).

    A rank of 0 leaves these layers frozen too.

    Raises:
        UsageError: the body cannot be taken apart, or has no layers of these names for LoRA.
    """
    from peft import LoraConfig, inject_adapter_in_model

    n_lower = n_lower_layers(body, config.lora_layers)
    whole = probe(body, n_lower)
    keep_layers(body, slice(n_lower, None))
    drop_embeddings(body)
    prove(body, whole)
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


def run(body: nn.Module, states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Run body layers on states [B, S, h] and return float32 [B, S, h].

    Args:
        body: from `upper_part`.
        states: float32 [B, S, h].
        mask: int64 [B, S], 0 for padding on the left; None if nothing but the right is padded, which causal
            attention never looks at.
    """
    dtype = next(weight.dtype for weight in body.parameters() if weight.is_floating_point())
    return run_layers(body, states.to(dtype), mask).float()
