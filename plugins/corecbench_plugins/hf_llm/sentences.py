"""Reads texts by an encoder such as MiniLM, which looks both ways."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch

from corecbench.api import UsageError
from corecbench_plugins.hf_llm.anatomy import layers_of, run_whole
from corecbench_plugins.hf_llm.body import n_lower_layers
from corecbench_plugins.hf_llm.encoder import TextEncoder
from corecbench_plugins.hf_llm.prompts import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence


class SentenceEncoder(TextEncoder):
    """Encodes texts by all layers of an encoder, both ways, as it was trained to.

    The summary of a text at depth 1 is its sentence embedding (Reimers and Gurevych, arXiv 1908.10084): the mean of
    the last layer's states over all tokens, before it is normalised. To read a history, a second copy of the top
    `lora_layers` layers is made causal and trained by LoRA: there an item stands for a word, and looks back only,
    which is not what these layers were pretrained for.
    """

    left_out = 0

    def body(self, **options) -> torch.nn.Module:
        """Load the whole body, made causal."""
        return super().body(causal=True, **options)

    def load(self) -> None:
        """Load all layers as they are at first use."""
        if self.lower is None:
            self.lower = super().body()
            self.n_layers = len(layers_of(self.lower))

    @functools.cached_property
    def entry(self) -> float:
        """The part of the layers behind which the trained ones read."""
        self.load()
        return n_lower_layers(self.lower, self.config.lora_layers) / self.n_layers

    @functools.cached_property
    def frame(self) -> Frame:
        """What stands around a text: the tokens that the encoder was trained with."""
        if None in (self.tokenizer.cls_token_id, self.tokenizer.sep_token_id):
            raise UsageError(f"{self.folder.name} is no encoder: its tokenizer has no tokens [CLS] and [SEP]")
        return Frame((self.tokenizer.cls_token_id,), (self.tokenizer.sep_token_id,))

    def read(self, tokens: torch.Tensor, lengths: Sequence[int]) -> Sequence[torch.Tensor]:
        """Return the states [B, T, h] of tokens [B, T] before each layer and behind the last, padding unseen."""
        reach = torch.tensor(lengths, device=tokens.device)[:, None]
        mask = (torch.arange(tokens.shape[1], device=tokens.device) < reach).long()  # [B, T]
        return run_whole(self.lower, tokens, mask)[0]
