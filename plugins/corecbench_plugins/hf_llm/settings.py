"""Settings of the backends: one class for all of them, and what each one has by default."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from corecbench.api import Training


@dataclass(frozen=True)
class LlmConfig(Training):
    """Settings of every backend. The layers below the top `lora_layers` stay frozen and are run once."""

    family: ClassVar[str] = ""
    """How the `model_type` of a model begins that the backend takes; "" takes any."""

    epochs: int = 5
    patience: int = 5
    batch_size: int = 16
    learning_rate: float = 2e-3
    schedule: Literal["constant", "linear"] = "linear"
    weights: str = ""
    """Weights that Python packages carry, by name; a folder, a GGUF file, or a hub id."""
    layout: Literal["item-tokens", "titles"] = "item-tokens"
    instruction: str = "Recommend the next item:"
    prompt: Literal["auto", "chat", "plain"] = "auto"
    """Whether the instruction stands in the tokenizer's chat template; `auto` where the tokenizer has one."""
    text_depths: tuple[float, ...] = (0.4, 1.0)
    """Parts of the frozen layers, 0 for the word embeddings and 1 for all, whose states summarise a text."""
    embedding_size: int = 64
    """Width of the states that are compared, and of the id rows before they enter the LLM."""
    lora_layers: int = 1
    lora_rank: int = 16
    """0 trains no adapter: the LLM stays frozen, and what stands before and behind it is trained."""
    lora_alpha: int = 32
    lora_targets: Literal["auto"] | tuple[str, ...] = "auto"
    """Names of linear layers; `auto` takes those of queries, values and the output of attention."""
    dropout: float = 0.2
    max_titles: int = 10
    """Items in a prompt of the layout `titles`."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the LLM's body; `auto` takes bfloat16 where the processor computes faster in it."""
    quantised: Literal["no", "torchao-int8", "bitsandbytes-int8", "bitsandbytes-nf4"] = "no"
    """How the frozen weights are kept; random weights, of the control, never are. Another value than `no` needs the
    extra `quantised`, those of bitsandbytes a GPU."""

    def __post_init__(self):
        """Check what the types do not say."""
        if not self.text_depths or not all(0 <= depth <= 1 for depth in self.text_depths):
            raise ValueError(f"text_depths are {list(self.text_depths)}, needed is one part from 0 to 1 or more")


@dataclass(frozen=True)
class LlamaConfig(LlmConfig):
    """The Llama family. Its prompt is plain by default, as in the results that are published."""

    weights: str = "smollm2-135m-instruct"
    prompt: Literal["auto", "chat", "plain"] = "plain"


@dataclass(frozen=True)
class Gemma3Config(LlmConfig):
    """Gemma 3 of 270 million parameters, from Python packages."""

    family: ClassVar[str] = "gemma3"
    weights: str = "gemma3-270m"


@dataclass(frozen=True)
class GemmaConfig(LlmConfig):
    """The Gemma family."""

    family: ClassVar[str] = "gemma"
    weights: str = "google/gemma-3-1b-it"


@dataclass(frozen=True)
class QwenConfig(LlmConfig):
    """The Qwen family."""

    family: ClassVar[str] = "qwen"
    weights: str = "Qwen/Qwen2.5-0.5B-Instruct"


@dataclass(frozen=True)
class Gpt2Config(LlmConfig):
    """GPT-2 of any size."""

    family: ClassVar[str] = "gpt2"
    weights: str = "openai-community/gpt2"


@dataclass(frozen=True)
class MiniLmConfig(LlmConfig):
    """A sentence encoder. Texts are summarised by all of its layers, so `text_depths` are parts of them all."""

    weights: str = "all-minilm-l6-v2"
    text_depths: tuple[float, ...] = (1.0,)
