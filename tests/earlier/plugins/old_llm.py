"""old-llm: a bag of words between texts and states, to be replaced by your LLM.

B examples, L positions of a history, N items, d the width of a state.
"""

import zlib
from dataclasses import dataclass

import torch

from corecbench.api import Batch, Component, IdsFactory, Setup, States, Training, hookimpl

N_WORDS = 256


@dataclass(frozen=True)
class OldLlmConfig(Training):
    """Settings, beside those of training."""

    embedding_size: int = 64


def encode(text: str) -> torch.Tensor:
    """Return what the LLM makes of a text, float32 [N_WORDS]: here how often each word is in it."""
    words = [zlib.crc32(word.encode()) % N_WORDS for word in text.lower().split()]
    return torch.bincount(torch.tensor(words, dtype=torch.int64), minlength=N_WORDS).float()


class OldLlm(torch.nn.Module):
    """An item is its projected text plus its row, if ids are shared; a user is the mean of the items so far."""

    examples = "windows"

    def __init__(self, config: OldLlmConfig, setup: Setup, ids: IdsFactory | None):
        super().__init__()
        text = torch.stack([encode(title) for title in setup.catalog.item_texts])
        self.register_buffer("text", text, persistent=False)  # [N+1, N_WORDS]
        self.project = torch.nn.Linear(N_WORDS, config.embedding_size, bias=False)
        self.item = None if ids is None else ids(config.embedding_size).item

    def states(self, batch: Batch) -> States:
        """Return a user state per position [B, L, d] and the item table [N+1, d]."""
        table = self.project(self.text)
        if self.item is not None:
            table = table + self.item.weight
        count = torch.arange(1, batch.history.shape[1] + 1, device=table.device)[:, None]  # [L, 1]
        return States(torch.nn.functional.embedding(batch.history, table).cumsum(dim=1) / count, table)


@hookimpl
def corecbench_llms():
    """Offer the LLM."""
    return [Component("old-llm", OldLlm, OldLlmConfig, summary="a bag of words")]
