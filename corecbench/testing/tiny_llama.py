"""A tiny random Llama, so that tests of what reads an LLM need no download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.testing.toys import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PROMPT = ("Recommend", "the", "next", "item", "Recommendation", ":", ";")


def save_tiny_llama(folder: Path, texts: Iterable[str] = TITLES) -> Path:
    """Save a random Llama of 4 layers of width 32 whose tokens are the words of some texts; return the folder."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<unk>", "<s>", "</s>", *sorted({word for text in texts for word in text.split()}), *PROMPT]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.3,  # large enough that the layers change what they read
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    return folder
