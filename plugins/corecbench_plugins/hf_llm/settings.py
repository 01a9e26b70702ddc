"""Settings of the backends: one class for all of them, and the defaults of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from corecbench.api import Added, Count, Fraction, Large, Natural, Positive, Precision, Sampling, Share, Training


@dataclass(frozen=True)
class LlmConfig(Training):
    """Settings of every backend. The layers below the top `lora_layers` stay frozen and run once for each text."""

    family: ClassVar[str] = ""
    """Beginning of the `model_type` of the models that the backend takes; "" for any model."""

    epochs: Count = 5
    patience: Count = 5
    batch_size: Natural = 16
    negatives: Annotated[Count, Large(256)] = 0
    sampling: Annotated[Sampling, Large("mixed")] = "uniform"
    learning_rate: Positive = 2e-3
    schedule: Literal["constant", "linear"] = "linear"
    weights: str = ""
    """Name of weights that Python packages carry, a folder, a GGUF file, or a hub id."""
    layout: Literal["item-tokens", "titles"] = "item-tokens"
    """Whether each item of a history is one position, or the latest titles are a prompt."""
    instruction: str = "Recommend the next item:"
    """Text in front of the items."""
    prompt: Literal["auto", "chat", "plain"] = "auto"
    """Whether the instruction stands in the tokenizer's chat template; `auto` uses one where there is one."""
    text_depths: tuple[Share, ...] = (0.2, 0.4)
    """Depths at which states summarise a text: 0 is the word embeddings, 1 the last of the frozen layers. Texts run
    through the layers up to the deepest of them."""
    embedding_size: Natural = 64
    """Width of the states that are compared, and of the id rows before they enter the LLM."""
    lora_layers: Natural = 1
    """Number of top layers that are trained by LoRA."""
    lora_rank: Count = 16
    """Rank of LoRA. With 0 the LLM stays frozen, and only the layers before and behind it are trained."""
    lora_alpha: Natural = 32
    """Scale of LoRA."""
    lora_targets: Literal["auto"] | tuple[str, ...] = "auto"
    """Names of the linear layers that LoRA adapts. `auto` takes queries, values and the output of attention."""
    dropout: Fraction = 0.2
    """Dropout of the items of a history before they enter the LLM."""
    max_titles: Natural = 10
    """Most titles in a prompt of the layout `titles`."""
    by_length: Annotated[bool, Added(before=False), Large(True)] = False
    """Whether long and short histories of a batch are trained apart on a processor, so that less of a batch is
    padding. Training is the same but for last digits."""
    dtype: Precision = "auto"
    """Number format of the LLM's body. `auto` takes bfloat16 where the processor computes faster in it."""
    quantised: Literal["no", "torchao-int8"] = "no"
    """How the frozen weights are quantised. Random weights of `untrained-llm` never are. `torchao-int8` needs
    the extra `quantised`."""

    def __post_init__(self) -> None:
        """Check that there is a depth, which the types do not say."""
        if not self.text_depths:
            raise ValueError("text_depths is empty; give one number from 0 to 1 or more")


@dataclass(frozen=True)
class LlamaConfig(LlmConfig):
    """Defaults of the Llama family. The prompt is plain, as in the published results."""

    weights: str = "smollm2-135m-instruct"
    prompt: Literal["auto", "chat", "plain"] = "plain"


@dataclass(frozen=True)
class Gemma3Config(LlmConfig):
    """Defaults of Gemma 3: the model of 270 million parameters, from Python packages."""

    family: ClassVar[str] = "gemma3"
    weights: str = "gemma3-270m"


@dataclass(frozen=True)
class GemmaConfig(LlmConfig):
    """Defaults of the Gemma family."""

    family: ClassVar[str] = "gemma"
    weights: str = "google/gemma-3-1b-it"


@dataclass(frozen=True)
class QwenConfig(LlmConfig):
    """Defaults of the Qwen family."""

    family: ClassVar[str] = "qwen"
    weights: str = "Qwen/Qwen2.5-0.5B-Instruct"


@dataclass(frozen=True)
class MiniLmConfig(LlmConfig):
    """Defaults of a sentence encoder. All layers summarise texts, so `text_depths` are depths in all of them."""

    weights: str = "all-minilm-l6-v2"
    text_depths: tuple[Share, ...] = (1.0,)
