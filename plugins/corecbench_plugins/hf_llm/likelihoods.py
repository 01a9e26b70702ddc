"""How likely texts are to a causal LM: forward passes of the whole model with its head.

T tokens of a text, B texts, V tokens of the vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from corecbench_plugins.hf_llm.loading import load_config, load_trained
from corecbench_plugins.hf_llm.planning import check_family
from corecbench_plugins.hf_llm.quantised import quantisation
from corecbench_plugins.hf_llm.text_encoder import MAX_SUMMARY_TOKENS, TextEncoder, readable
from corecbench_plugins.hf_llm.trial import try_tokenizer
from corecbench_plugins.hf_llm.weights import model_folder, quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import Setup
    from corecbench_plugins.hf_llm.settings import LlmConfig

SCORES_PER_BATCH = 2**26
"""Scores of the vocabulary that are computed together: 256 MB in float32."""


class LanguageModel(TextEncoder):
    """Reads texts by all layers, and says how likely each token is."""

    def load(self) -> None:
        """Load the whole model at first use."""
        if self.lower is None:
            options = quantisation(self.config.quantised, self.setup.device)
            config = load_config(self.folder)
            with quiet():
                model = load_trained(self.folder, config, "AutoModelForCausalLM", dtype=self.dtype, **options)
            self.lower = (model if options else model.to(self.setup.device)).requires_grad_(False).eval()

    @property
    def most_tokens(self) -> int:
        """The number of tokens that are read together."""
        n_words: int = self.lower.get_output_embeddings().weight.shape[0]
        return max(1, min(super().most_tokens, SCORES_PER_BATCH // n_words))

    def likelihoods(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the natural logarithm of the likelihood of each token of each text, float64 [T]."""
        try_tokenizer(self.folder, [readable(text, MAX_SUMMARY_TOKENS) for text in texts])
        self.load()
        tokens = [self.tokenise(text, MAX_SUMMARY_TOKENS) if text else [] for text in texts]
        found = [np.zeros(0)] * len(texts)
        order = sorted((row for row in range(len(texts)) if len(tokens[row]) > 1), key=lambda row: len(tokens[row]))
        done = 0
        for rows in self.batches(order, [len(tokens[row]) for row in order]):
            of_rows = [torch.tensor(tokens[row]) for row in rows]
            batch = torch.nn.utils.rnn.pad_sequence(of_rows, batch_first=True).to(self.setup.device)  # [B, T + 1]
            with torch.inference_mode():
                scores = self.lower(input_ids=batch, use_cache=False).logits[:, :-1].float()  # [B, T, V]
                losses = cross_entropy(scores.flatten(0, 1), batch[:, 1:].flatten(), reduction="none")  # [B T]
            values = -losses.double().cpu().reshape(len(rows), -1).numpy()  # [B, T]
            for row, of_row in zip(rows, values, strict=True):
                found[row] = of_row[: len(tokens[row]) - 1]
            done += len(rows)
            self.setup.progress("reading titles", done, len(order))
        return found


def likelihoods(config: LlmConfig, setup: Setup, texts: Sequence[str]) -> list[np.ndarray]:
    """Return how likely the tokens of texts are, as `LlmComponent.likelihoods` asks for it."""
    folder = model_folder(config.weights, setup.cache, setup.progress)
    check_family(config, folder)
    return LanguageModel(folder, config, setup).likelihoods(texts)
