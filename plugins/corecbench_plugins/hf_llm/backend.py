"""An LLM as a recommender. It generates no text: a user state is multiplied by a table of item states.

B examples, L positions of a history, N items, h the LLM's hidden width, d the width of a state.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Self

import torch
from torch import nn
from torch.nn.functional import embedding, layer_norm, pad

from corecbench.api import Batch, Ids, IdsFactory, Setup, States, Table, last_position
from corecbench.toolkit import ProjectedTexts, by_length
from corecbench_plugins.hf_llm.body import dtype_of, run, run_at, upper_part
from corecbench_plugins.hf_llm.body_checks import can_read_only
from corecbench_plugins.hf_llm.layouts import ItemTokens, Sequences, Titles
from corecbench_plugins.hf_llm.planning import check_family
from corecbench_plugins.hf_llm.sentence_encoder import SentenceEncoder
from corecbench_plugins.hf_llm.text_encoder import TextEncoder, whiten
from corecbench_plugins.hf_llm.weights import model_folder

if TYPE_CHECKING:
    from corecbench_plugins.hf_llm.settings import LlmConfig


FEW_POSITIONS = 64
"""Of so many positions of a batch a further group costs about as much as it saves."""
ROWS_PER_THREAD = 16
"""Of as many rows of a product for each thread the digits of one do not depend on the number of the others."""


class LlmRecommender(nn.Module):
    """The trained top layers of an LLM, with an item table before them and a projection behind them.

    An item state is the projected summary of the item's text plus the row of `<iid>` [d]. A user state is the
    projected final state of the LLM plus the item state of the latest item.
    """

    examples = "windows"
    mean: torch.Tensor
    """float32 [h], mean of the token states that the trained layers were pretrained to read."""
    deviation: torch.Tensor
    """float32 [h], standard deviation of these states."""
    text: torch.Tensor
    """[N+1, k], whitened summaries of the texts, in the dtype of the body."""
    text_states: torch.Tensor
    """float32 [N+1, h], the same summaries before they are whitened, of the deepest of the `text_depths`."""

    def __init__(self, config: LlmConfig, encoder: TextEncoder, setup: Setup, ids: Ids | None) -> None:
        super().__init__()
        texts, n_new = setup.catalog.item_texts, setup.catalog.n_new_items
        summary = encoder.summaries(texts, n_new)
        for name in ("mean", "deviation"):
            self.register_buffer(name, summary[name], persistent=False)  # [h]
        text = whiten(summary["pooled"], n_new).to(encoder.dtype)
        self.register_buffer("text", text, persistent=False)  # [N+1, k]
        self.register_buffer("text_states", summary["pooled"][:, -1], persistent=False)  # [N+1, h]
        hidden = len(self.mean)
        self.item_text = nn.Linear(self.text.shape[1], config.embedding_size, bias=False)
        self.projected = ProjectedTexts()
        self.enter = nn.Linear(config.embedding_size, hidden, bias=False)
        self.leave = nn.Linear(hidden, config.embedding_size, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.by_length = config.by_length
        self.user_ids: Table | None = None if ids is None else ids.user
        self.item_ids: Table | None = None if ids is None else ids.item
        self.layout = (
            ItemTokens(encoder, config.instruction)
            if config.layout == "item-tokens"
            else Titles(encoder, config.instruction, texts, config.max_titles)
        )
        self.body = upper_part(encoder.body(), config)
        sample = encoder.states(config.instruction)[None]  # [1, P, h]
        self.can_read_only = can_read_only(self.body, sample.to(self.body.device, dtype_of(self.body)))

    def table(self) -> torch.Tensor:
        """Return the states of all items, float32 [N+1, d]."""
        texts = self.projected.of(self.text, self.item_text)
        return texts if self.item_ids is None else texts + self.item_ids.weight

    def states(self, batch: Batch) -> States:
        """Return one user state per position (`item-tokens`) or per history (`titles`), and the item states."""
        table = self.table()
        items = embedding(batch.history, table)  # [B, L, d]
        final = self.read_states(batch, self.sequences(batch, items))
        if self.layout.reads_every_item:
            return States(self.leave(final) + items, table)
        return States(self.leave(final[:, -1]) + last_position(items, batch.history), table)

    def read_states(self, batch: Batch, sequences: Sequences) -> torch.Tensor:
        """Return the final states that are read: those of the items, [B, L, h], or the last ones, [B, 1, h]."""
        if not self.layout.reads_every_item:
            return run(self.body, sequences.states, sequences.mask, 1 if self.can_read_only else 0)[:, -1:]
        is_item, width = batch.history != 0, batch.history.shape[1]
        n_front = sequences.states.shape[1] - width

        def of_items(rows: torch.Tensor | slice, most: int) -> torch.Tensor:
            states = sequences.states[rows, : n_front + most]
            return run(self.body, states, None, self.places_read(is_item[rows, :most], states))[:, -most:]

        if self.training and self.by_length:
            return by_length(is_item.sum(dim=1), width, of_items, FEW_POSITIONS)
        return of_items(slice(None), width)

    def places_read(self, is_item: torch.Tensor, states: torch.Tensor) -> torch.Tensor | int:
        """Return which final states of histories, bool [B, L], are read, as `run` takes it.

        Padding is left out where that changes no digit of the others: in float32, on a processor.
        """
        if not self.can_read_only:
            return 0
        exact = states.device.type == "cpu" and dtype_of(self.body) == torch.float32
        if exact and is_item.sum() >= ROWS_PER_THREAD * torch.get_num_threads():
            return pad(is_item, (states.shape[1] - is_item.shape[1], 0))
        return is_item.shape[1]

    def last_states(self, batch: Batch) -> States:
        """Return the user states after the last items, [B, d], and the item states."""
        if not self.can_read_only:
            states = self.states(batch)
            return States(last_position(states.user, batch.history), states.item)
        table = self.table()
        items = embedding(batch.history, table)  # [B, L, d]
        sequences = self.sequences(batch, items)
        place = torch.full_like(batch.user, sequences.states.shape[1] - 1)  # [B]
        if self.layout.reads_every_item:
            place -= (batch.history == 0).sum(dim=1)
        final = run_at(self.body, sequences.states, place, sequences.mask)  # [B, h]
        return States(self.leave(final) + last_position(items, batch.history), table)

    def sequences(self, batch: Batch, items: torch.Tensor) -> Sequences:
        """Lay out a batch whose histories have item states [B, L, d]."""
        user = None if self.user_ids is None else self.as_position(self.user_ids(batch.user)[:, None])
        items = self.dropout(items)
        if of_histories := getattr(self.user_ids, "of_histories", None):
            items = items + of_histories(batch)
        sequences: Sequences = self.layout(batch.history, self.as_position(items), user)
        return sequences

    def train(self, mode: bool = True) -> Self:
        """Switch to training or evaluation. The body stays in evaluation, so it never applies its own dropout."""
        super().train(mode)
        self.body.eval()
        return self

    def as_position(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows [..., d] at the width, mean and deviation that the trained layers expect [..., h]."""
        entered = self.enter(rows)
        return layer_norm(entered, entered.shape[-1:]) * self.deviation + self.mean


def build(
    config: LlmConfig, setup: Setup, ids: IdsFactory | None, encoder: type[TextEncoder] = TextEncoder
) -> LlmRecommender:
    """Build the backend over texts and ids, or over texts alone."""
    reader = reader_of(config, setup, encoder)
    tables = None if ids is None else ids(config.embedding_size)
    return LlmRecommender(config, reader, setup, tables).to(setup.device)


def reader_of(config: LlmConfig, setup: Setup, encoder: type[TextEncoder]) -> TextEncoder:
    """Return what reads texts by the model."""
    folder = model_folder(config.weights, setup.cache, setup.progress)
    check_family(config, folder)
    return encoder(folder, config, setup)


def encode(config: LlmConfig, setup: Setup, encoder: type[TextEncoder] = TextEncoder) -> dict[str, torch.Tensor]:
    """Return the mean states of each text's tokens at each depth, float32 [N+1, h], which `text` whitens."""
    pooled = reader_of(config, setup, encoder).summaries(setup.catalog.item_texts)["pooled"]
    names = [f"mean of tokens at depth {depth:g}" for depth in config.text_depths]
    return dict(zip(names, pooled.unbind(dim=1), strict=True))


build_encoder = functools.partial(build, encoder=SentenceEncoder)
"""Build the backend on a sentence encoder, which reads texts in both directions."""
encode_by_encoder = functools.partial(encode, encoder=SentenceEncoder)
"""Encode by a sentence encoder."""
