"""A causal sequence model over given vectors of items: what the other LLM backends are, without their LLM.

B examples, L positions of a history, N items, k the width of a vector, d that of a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn.functional import embedding

from corecbench.api import Batch, IdsFactory, Setup, States, Table, generator
from corecbench.toolkit import ProjectedTexts, product_dtype, random_like
from corecbench_plugins.vectors.rows import rows_of, text_of

if TYPE_CHECKING:
    from corecbench_plugins.vectors.settings import VectorsConfig


class VectorRecommender(nn.Module):
    """A small transformer that looks back over a history of items, each a projected vector plus its row of `<iid>`.

    As in the other backends a user state is the transformer's state plus the item state of the same position. Where
    those run the pretrained top layers of an LLM, this one learns from nothing, since a file of vectors has none.
    """

    examples: Literal["windows"] = "windows"
    text: torch.Tensor
    """[N+1, k], the transformed vectors."""
    text_states: torch.Tensor
    """float32 [N+1, h], the vectors of the file, of its last part if it has several."""

    def __init__(self, config: VectorsConfig, setup: Setup, ids: IdsFactory | None) -> None:
        """Read the file. Under a control with an untrained LLM, random vectors take the place of those in it."""
        super().__init__()
        catalog, width = setup.catalog, config.embedding_size
        tables = None if ids is None else ids(width)
        parts = rows_of(config, catalog)
        text, states = text_of(parts, config, catalog.n_new_items), parts[-1]
        if setup.untrained_llm:
            random = generator(setup.seed, catalog.name, "random vectors")
            text, states = (random_like(rows, random, catalog.n_new_items) for rows in (text, states))
        self.register_buffer("text", text.to(product_dtype(config.dtype, setup.device)), persistent=False)
        self.register_buffer("text_states", states, persistent=False)
        self.item_text = nn.Linear(text.shape[1], width, bias=False)
        self.projected = ProjectedTexts()
        self.position = nn.Embedding(setup.max_history, width)
        self.dropout = nn.Dropout(config.dropout)
        layer = nn.TransformerEncoderLayer(
            width, config.n_heads, 4 * width, config.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, config.n_layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.leave = nn.Linear(width, width, bias=False)
        self.user_ids: Table | None = None if tables is None else tables.user
        self.item_ids: Table | None = None if tables is None else tables.item

    def table(self) -> torch.Tensor:
        """Return the states of all items, float32 [N+1, d]."""
        texts = self.projected.of(self.text, self.item_text)
        return texts if self.item_ids is None else texts + self.item_ids.weight

    def states(self, batch: Batch) -> States:
        """Return one user state per position, [B, L, d], and the item states."""
        table, length = self.table(), batch.history.shape[1]
        items = embedding(batch.history, table)  # [B, L, d]
        entering = items + self.position.weight[:length]
        if self.user_ids is not None:
            entering = entering + self.user_ids(batch.user)[:, None]
            if of_histories := getattr(self.user_ids, "of_histories", None):
                entering = entering + of_histories(batch)
        mask = nn.Transformer.generate_square_subsequent_mask(length, device=items.device)
        final = self.layers(self.dropout(entering), mask=mask, is_causal=True)
        return States(self.leave(final) + items, table)


def build(config: VectorsConfig, setup: Setup, ids: IdsFactory | None) -> VectorRecommender:
    """Build the backend over vectors and ids, or over vectors alone."""
    return VectorRecommender(config, setup, ids).to(setup.device)
