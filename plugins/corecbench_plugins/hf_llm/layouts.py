"""Lays out a user's history as positions of the LLM's trained layers.

B examples, L positions of a history, S positions of the LLM, P of the instruction, h the LLM's hidden width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import pad

from corecbench.toolkit import on_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench_plugins.hf_llm.text_encoder import TextEncoder


@dataclass(frozen=True)
class Sequences:
    """The input of the trained layers."""

    states: torch.Tensor
    """float32 [B, S, h], the input of the trained layers."""
    mask: torch.Tensor | None
    """int64 [B, S], 0 for padding on the left; None where there is no padding on the left."""


class ItemTokens(nn.Module):
    """The instruction, `<uid>`, then one position per item. Every item's position gives a user state.

    An item's position holds the sum of its projected text summary and its projected `<iid>` row.
    """

    reads_every_item = True
    """Whether the last L positions give user states, one for each item of the history; else the last one alone."""
    prefix: torch.Tensor
    """float32 [P, h], the states of the instruction."""

    def __init__(self, encoder: TextEncoder, instruction: str) -> None:
        super().__init__()
        self.register_buffer("prefix", encoder.states(instruction), persistent=False)  # [P, h]

    def forward(self, history: torch.Tensor, items: torch.Tensor, user: torch.Tensor | None) -> Sequences:
        """Lay out a batch.

        Args:
            history: int64 [B, L].
            items: float32 [B, L, h], the items of the history as LLM positions.
            user: float32 [B, 1, h], the `<uid>` position; None without ids.
        """
        prefix = self.prefix.expand(len(history), -1, -1)  # [B, P, h]
        front = [prefix] if user is None else [prefix, user]
        return Sequences(torch.cat([*front, items], dim=1), None)


class Titles(nn.Module):
    """The instruction and the titles of the latest items as text, then `<uid>`, `<iid>`s and a recommend token.

    The text stands first, so its states in the frozen layers are computed once per history and kept. Only the
    recommend token gives a user state.
    """

    reads_every_item = False

    def __init__(self, encoder: TextEncoder, instruction: str, texts: Sequence[str], max_titles: int) -> None:
        super().__init__()
        self.encoder, self.instruction, self.texts, self.max_titles = encoder, instruction, texts, max_titles
        self.recommend = nn.Parameter(encoder.states("Recommendation:")[-1].clone())  # [h]
        self.prompt_states: dict[tuple[int, ...], torch.Tensor] = {}

    def forward(self, history: torch.Tensor, items: torch.Tensor, user: torch.Tensor | None) -> Sequences:
        """Lay out a batch; arguments as for `ItemTokens`."""
        listed = [[item for item in row if item] for row in history.tolist()]
        latest = [row[max(len(row) - self.max_titles, 0) :] for row in listed]
        texts = self.prompts(latest)
        together = on_device(torch.cat(texts), items.device).to(items.dtype).split(list(map(len, texts)))
        rows = []
        for number, text in enumerate(together):
            parts = [text]
            if user is not None:
                n = len(listed[number])
                parts += [user[number], items[number, n - len(latest[number]) : n]]
            rows.append(torch.cat([*parts, self.recommend[None]]))
        lengths = torch.tensor([len(row) for row in rows])
        longest = int(lengths.max())
        mask = (torch.arange(longest) >= longest - lengths[:, None]).long()
        padded = [pad(row, (0, 0, longest - len(row), 0)) for row in rows]
        return Sequences(torch.stack(padded), on_device(mask, items.device))

    def prompts(self, latest: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """Return the states of each prompt's text, float32 [T, h]. Those of new prompts are computed together."""
        missing = sorted({tuple(items) for items in latest} - self.prompt_states.keys())
        texts = [f"{self.instruction} " + "; ".join(self.texts[item] for item in items) for items in missing]
        for items, states in zip(missing, self.encoder.token_states(texts), strict=True):
            self.prompt_states[items] = (
                states.half() if states.abs().max() < torch.finfo(torch.half).max else states
            )
        return [self.prompt_states[tuple(items)].float() for items in latest]
