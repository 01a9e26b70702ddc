"""Lays out a user's history as positions of the LLM's trained layers.

B examples, L positions of a history, S positions of the LLM, P of the instruction, h the LLM's hidden width.
"""

from __future__ import annotations

import contextlib
import tempfile
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import pad

from corecbench.toolkit import on_device, private_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from corecbench_plugins.hf_llm.text_encoder import TextEncoder


MOST_BYTES = 2**33
"""Most bytes of prompts that are kept on disk. What is beyond them is computed at each use."""


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


class KeptPrompts:
    """The states of prompts in a file of the cache that has no name and ends with this object."""

    def __init__(self, folder: Path) -> None:
        self.file = tempfile.TemporaryFile(buffering=0, dir=private_folder(folder))  # noqa: SIM115
        weakref.finalize(self, self.file.close)
        self.size = 0
        """Bytes of the file."""
        self.places: dict[tuple[int, ...], tuple[int, torch.Size, torch.dtype]] = {}
        """Items of a prompt -> where its states begin, with their shape and dtype."""

    def add(self, items: tuple[int, ...], states: torch.Tensor) -> torch.Tensor:
        """Return the states of a prompt, [T, h], as they are kept: in half precision if they fit into it."""
        kept = states.half() if states.abs().max() < torch.finfo(torch.half).max else states
        if self.size + kept.nbytes <= MOST_BYTES:
            with contextlib.suppress(OSError):  # the disk is full, so they are computed again
                self.file.seek(self.size)
                if self.file.write(kept.numpy().tobytes()) == kept.nbytes:
                    self.places[items] = self.size, kept.shape, kept.dtype
                    self.size += kept.nbytes
        return kept

    def read(self, items: tuple[int, ...]) -> torch.Tensor:
        """Return states that were kept."""
        start, shape, dtype = self.places[items]
        self.file.seek(start)
        content = bytearray(self.file.read(shape.numel() * dtype.itemsize))
        return torch.frombuffer(content, dtype=dtype).reshape(shape)


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
        self.kept = KeptPrompts(encoder.setup.cache / "texts")

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
        missing = sorted({tuple(items) for items in latest} - self.kept.places.keys())
        texts = [f"{self.instruction} " + "; ".join(self.texts[item] for item in items) for items in missing]
        states = self.encoder.token_states(texts) if missing else []
        new = {items: self.kept.add(items, found) for items, found in zip(missing, states, strict=True)}
        keys = [tuple(items) for items in latest]
        return [(new[items] if items in new else self.kept.read(items)).float() for items in keys]
