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
from corecbench_plugins.hf_llm.weights import quiet

if TYPE_CHECKING:
    from corecbench_plugins.hf_llm import LlamaConfig


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


def load_body(folder: Path, dtype: torch.dtype, untrained_seed: int | None = None) -> nn.Module:
    """Load the whole body without its lm_head, frozen; with a seed, one of the same shapes with random weights."""
    from transformers import AutoConfig, AutoModel

    with quiet():
        if untrained_seed is None:
            body = AutoModel.from_pretrained(folder, dtype=dtype, local_files_only=True)
        else:
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            with torch.random.fork_rng(devices=[]):  # what is drawn afterwards is as with trained weights
                torch.default_generator.manual_seed(untrained_seed)
                body = AutoModel.from_config(config, dtype=dtype)
    if not hasattr(body, "layers"):
        raise UsageError(f"{folder.name} is a {type(body).__name__}; a Llama-family model with `layers` is needed")
    return body.requires_grad_(False).eval()


def n_lower_layers(body: nn.Module, lora_layers: int) -> int:
    """Return how many layers stay frozen below the trained ones."""
    if not 1 <= lora_layers <= len(body.layers):
        raise UsageError(f"lora_layers is {lora_layers}, allowed are 1 to {len(body.layers)}")
    return len(body.layers) - lora_layers


def lower_part(body: nn.Module, lora_layers: int) -> nn.Module:
    """Turn a body into its frozen lower layers: token ids in, the input states of the trained layers out."""
    body.layers = body.layers[: n_lower_layers(body, lora_layers)]
    body.norm = nn.Identity()
    return body


def upper_part(body: nn.Module, config: LlamaConfig) -> nn.Module:
    """Turn a body into its top layers with LoRA: states in, final states out (Hu et al., arXiv 2106.09685).

    A rank of 0 leaves these layers frozen too.
    """
    from peft import LoraConfig, inject_adapter_in_model

    body.layers = body.layers[n_lower_layers(body, config.lora_layers) :]
    body.embed_tokens = None
    if not config.lora_rank:
        return body
    lora = LoraConfig(
        r=config.lora_rank, lora_alpha=config.lora_alpha, target_modules=list(config.lora_targets), lora_dropout=0.0
    )
    return inject_adapter_in_model(lora, body)


def run(body: nn.Module, states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Run body layers on states [B, S, h] and return float32 [B, S, h].

    Args:
        body: from `upper_part`.
        states: float32 [B, S, h].
        mask: int64 [B, S], 0 for padding on the left; None if nothing but the right is padded, which causal
            attention never looks at.
    """
    dtype = next(body.parameters()).dtype
    positions = None if mask is None else (mask.cumsum(dim=1) - 1).clamp(min=0)
    out = body(inputs_embeds=states.to(dtype), attention_mask=mask, position_ids=positions, use_cache=False)
    return out.last_hidden_state.float()
