"""Reads texts by a sentence encoder such as MiniLM, which looks in both directions."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch

from corecbench.api import UsageError
from corecbench_plugins.hf_llm.body import n_lower_layers
from corecbench_plugins.hf_llm.body_layers import Body, layers_of
from corecbench_plugins.hf_llm.body_runs import run_lower
from corecbench_plugins.hf_llm.prompts import Frame
from corecbench_plugins.hf_llm.text_encoder import TextEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence


class SentenceEncoder(TextEncoder):
    """Reads texts by all layers of an encoder in both directions, as the encoder was trained to.

    The summary of a text at depth 1 is its sentence embedding (Reimers and Gurevych, arXiv 1908.10084): the mean of
    the last layer's states over all tokens, before it is normalised. Histories are read by a second copy of the top
    `lora_layers` layers, which is made causal and trained by LoRA. There an item takes the place of a word and
    looks back only, which these layers were not pretrained for.
    """

    left_out = 0

    def body(self) -> Body:
        """Load the whole body, made causal."""
        return self.load_body(causal=True)

    def load(self) -> None:
        """Load all layers as they are at first use."""
        if self.lower is None:
            self.lower = self.load_body(causal=False)
            self.n_layers = len(layers_of(self.lower))

    @functools.cached_property
    def entry(self) -> float:  # type: ignore[override]  # known only once the layers are loaded
        """Depth in the layers, from 0 to 1, whose output the trained layers read."""
        self.load()
        return n_lower_layers(self.lower, self.config.lora_layers) / self.n_layers

    @functools.cached_property
    def frame(self) -> Frame:
        """The tokens around a text that the encoder was trained with."""
        if None in (self.tokenizer.cls_token_id, self.tokenizer.sep_token_id):
            raise UsageError(f"{self.folder.name} is no encoder: its tokenizer has no tokens [CLS] and [SEP]")
        return Frame((self.tokenizer.cls_token_id,), (self.tokenizer.sep_token_id,))

    def read(self, tokens: torch.Tensor, lengths: Sequence[int], deepest: int) -> Sequence[torch.Tensor]:
        """Return the states [B, T, h] of tokens [B, T] before and behind each layer; padding is masked."""
        reach = torch.tensor(lengths, device=tokens.device)[:, None]
        mask = (torch.arange(tokens.shape[1], device=tokens.device) < reach).long()  # [B, T]
        return run_lower(self.lower, tokens, deepest, mask)
