"""The tokens around a text: a start token, or the tokenizer's chat template."""

from __future__ import annotations

from typing import Any, NamedTuple

from corecbench.api import UsageError
from corecbench_plugins.hf_llm.trial import try_template

CONTENT = "CONTENT"
"""Stands for the text while a template is filled."""


class Frame(NamedTuple):
    """Token ids before and after a text."""

    before: tuple[int, ...]
    after: tuple[int, ...] = ()


def plain(tokenizer: Any) -> Frame:
    """Return the start token, or the end token of a tokenizer without one. The first position is a sink anyway.

    Raises:
        UsageError: the tokenizer has neither.
    """
    ends = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    start = next((token for token in ends if token is not None), None)
    if start is None:
        raise UsageError(f"the tokenizer of {tokenizer.name_or_path} has neither a start nor an end token")
    return Frame((start,))


def chat(tokenizer: Any, needed: bool = False) -> Frame | None:
    """Return the tokens around a user's message, up to the start of the answer; None if there is no chat template.

    Args:
        tokenizer: the tokenizer of a model.
        needed: whether a tokenizer without a template is an error.

    Raises:
        UsageError: there is no template though it is needed, or it cannot be filled.
    """
    if not getattr(tokenizer, "chat_template", None):
        if needed:
            raise UsageError(f"the tokenizer of {tokenizer.name_or_path} has no chat template; use prompt=plain")
        return None
    message = [{"role": "user", "content": CONTENT}]
    try:
        names = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
        reason = try_template(tokenizer.get_chat_template(), tuple(sorted(names.items())))
        text = reason or tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    except Exception as error:  # a template may raise anything
        reason = f"fails ({str(error).partition(chr(10))[0]})"
    if reason:
        raise UsageError(f"the chat template of {tokenizer.name_or_path} {reason}; use prompt=plain")
    before, _, after = text.partition(CONTENT)
    return Frame(*(tuple(tokenizer(part, add_special_tokens=False)["input_ids"]) for part in (before, after)))
