"""plugname: a bag of words in place of an LLM, to be replaced by your LLM.

B examples, L positions of a history, N items, d the width of a state.
"""

import zlib
from dataclasses import dataclass

import torch

from corecbench.api import Batch, IdsFactory, LlmComponent, Setup, States, Training, hookimpl

N_WORDS = 256


@dataclass(frozen=True)
class PlugnameConfig(Training):
    """Settings of the LLM, beside those of training."""

    embedding_size: int = 64


def encode(text: str) -> torch.Tensor:
    """Return the LLM's summary of a text, float32 [N_WORDS]: here the number of times that each word occurs."""
    words = [zlib.crc32(word.encode()) % N_WORDS for word in text.lower().split()]
    return torch.bincount(torch.tensor(words, dtype=torch.int64), minlength=N_WORDS).float()


class PlugnameLlm(torch.nn.Module):
    """An item is its projected text plus its id row, if there are ids. A user is the mean of the items so far."""

    examples = "windows"  # train at every position of a stretch of a history

    def __init__(self, config: PlugnameConfig, setup: Setup, ids: IdsFactory | None) -> None:
        super().__init__()
        text = torch.stack([encode(title) for title in setup.catalog.item_texts])
        self.register_buffer("text", text, persistent=False)  # [N+1, N_WORDS]
        self.project = torch.nn.Linear(N_WORDS, config.embedding_size, bias=False)
        self.item = None if ids is None else ids(config.embedding_size).item

    def states(self, batch: Batch) -> States:
        """Return a user state for each position [B, L, d] and the item states [N+1, d]."""
        items = self.project(self.text)
        if self.item is not None:
            items = items + self.item.weight
        count = torch.arange(1, batch.history.shape[1] + 1, device=items.device)[:, None]  # [L, 1]
        return States(torch.nn.functional.embedding(batch.history, items).cumsum(dim=1) / count, items)


@hookimpl
def corecbench_llms() -> list[LlmComponent]:
    """Offer the LLM."""
    return [LlmComponent("plugname", PlugnameLlm, PlugnameConfig, summary="a bag of words")]
