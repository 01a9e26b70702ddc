"""Tiny random LLMs, so that tests of what reads an LLM need no download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.testing.toys import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PROMPT = ("Recommend", "the", "next", "item", "Recommendation", ":", ";")
SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "initializer_range": 0.3,  # large enough that the layers change what they read
}


def save_tiny_llama(folder: Path, texts: Iterable[str] = TITLES) -> Path:
    """Save a random Llama of 4 layers of width 32 whose tokens are the words of some texts; return the folder."""
    return save_tiny(folder, "llama", texts)


def save_tiny(
    folder: Path, model_type: str, texts: Iterable[str] = TITLES, chat_template: str | None = None, **settings: Any
) -> Path:
    """Save a random model of 4 layers of width 32 whose tokens are the words of some texts; return the folder.

    Args:
        folder: need not exist.
        model_type: as transformers names it, such as "llama", "gpt2" or "bert".
        texts: each word of theirs is a token.
        chat_template: of the tokenizer, in Jinja.
        settings: of the model, over those in `SHAPE`.
    """
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

    tokenizer = tiny_tokenizer(model_type, texts)
    tokenizer.chat_template = chat_template
    config = AutoConfig.for_model(model_type, vocab_size=len(tokenizer), **SHAPE | settings)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = (AutoModel if model_type == "bert" else AutoModelForCausalLM).from_config(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer(model_type: str, texts: Iterable[str]) -> Any:
    """Return a tokenizer of whole words; of letters for Qwen 2, which transformers gives a tokenizer of its own."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast, Qwen2Tokenizer

    marks = ("cls_token", "sep_token") if model_type == "bert" else ("bos_token", "eos_token")
    special = {"unk_token": "<unk>", **dict(zip(marks, ("<s>", "</s>"), strict=True))}
    words = sorted({word for text in texts for word in text.split()})
    if model_type == "qwen2":
        known = numbered([*special.values(), "\u0120", *sorted(set("".join([*words, *PROMPT])))])  # U+0120: a space
        return Qwen2Tokenizer(vocab=known, merges=[], pad_token=None, **special)
    tokenizer = Tokenizer(WordLevel(numbered([*special.values(), *words, *PROMPT]), unk_token="<unk>"))  # noqa: S106  # a word, no password
    tokenizer.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def numbered(words: Iterable[str]) -> dict[str, int]:
    """Return word -> its number."""
    return {word: number for number, word in enumerate(words)}
