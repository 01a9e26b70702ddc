"""LLM backends through transformers and peft."""

from dataclasses import dataclass
from typing import Literal

from corecbench.api import Component, Training, hookimpl


@dataclass(frozen=True)
class LlamaConfig(Training):
    """Settings of a Llama-family backend. The layers below the top `lora_layers` stay frozen and are run once."""

    epochs: int = 5
    patience: int = 5
    batch_size: int = 16
    learning_rate: float = 2e-3
    schedule: Literal["constant", "linear"] = "linear"
    weights: str = "smollm2-135m-instruct"
    """The default weights by name, a folder or GGUF file, or a hub id."""
    layout: Literal["item-tokens", "titles"] = "item-tokens"
    instruction: str = "Recommend the next item:"
    text_depths: tuple[float, ...] = (0.4, 1.0)
    """Parts of the frozen layers, 0 for the word embeddings and 1 for all, whose states summarise a text."""
    embedding_size: int = 64
    """Width of the states that are compared, and of the id rows before they enter the LLM."""
    lora_layers: int = 1
    lora_rank: int = 16
    """0 trains no adapter: the LLM stays frozen, and what stands before and behind it is trained."""
    lora_alpha: int = 32
    lora_targets: tuple[str, ...] = ("q_proj", "v_proj", "o_proj")
    dropout: float = 0.2
    max_titles: int = 10
    """Items in a prompt of the layout `titles`."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the LLM's body; `auto` takes bfloat16 where the processor computes faster in it."""

    def __post_init__(self):
        """Check what the types do not say."""
        if not self.text_depths or not all(0 <= depth <= 1 for depth in self.text_depths):
            raise ValueError(f"text_depths are {list(self.text_depths)}, needed is one part from 0 to 1 or more")


@hookimpl
def corecbench_llms():
    """Offer the Llama family."""
    return [
        Component(
            "llama",
            "corecbench_plugins.hf_llm.backend:build",
            LlamaConfig,
            summary="Llama-family LM with LoRA; SmolLM2-135M-Instruct unless llama:PATH_OR_ID says otherwise",
            paper="Allal et al., 2025, arXiv 2502.02737 (SmolLM2); Hu et al., ICLR 2022, arXiv 2106.09685 (LoRA)",
            argument="weights",
            untrained=True,
            needs="corecbench_plugins.hf_llm.weights:downloads",
        )
    ]
