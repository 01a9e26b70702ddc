"""The components `sasrec` and `gru4rec`: RecBole's models, trained at every position of a history.

RecBole itself trains on one row per prefix of a history.
"""

import contextlib

import torch
from torch import nn

from corecbench.api import Batch, Ids, IdsFactory, Setup, States, Table
from corecbench.toolkit import by_length, product_dtype
from corecbench_plugins.recbole_models.adapter import RecBoleModel
from corecbench_plugins.recbole_models.classes import Sizes, base_config, model_class
from corecbench_plugins.recbole_models.fast_layers import use_fast_layers
from corecbench_plugins.recbole_models.settings import GRU4RecConfig, SASRecConfig, SequentialConfig

FEW_POSITIONS = 1024
"""Of so many positions of a batch a further group costs about as much as it saves."""


class StatePerPosition(nn.Module):
    """A model of RecBole with an `item_embedding` and `forward(history, length)`, as a state per position.

    In training the products of its layers are in the given number format. Evaluation is in float32.
    """

    examples = "windows"

    def __init__(self, model: RecBoleModel, ids: Ids, config: SequentialConfig, setup: Setup) -> None:
        super().__init__()
        self.dtype = product_dtype(config.layers_dtype, torch.device(setup.device).type)
        self.by_length = config.by_length
        model.item_embedding = ids.item
        model.gather_indexes = lambda output, _: output  # keep the state of every position
        use_fast_layers(model)
        self.model = model

    def states(self, batch: Batch) -> States:
        """Return one user state per position and the item table."""
        history, encoded = batch.history, self.encoded
        if self.training and self.by_length:
            length, width = (history != 0).sum(dim=1), history.shape[1]
            user = by_length(length, width, lambda rows, most: encoded(history[rows, :most]), FEW_POSITIONS)
        else:
            user = encoded(history)
        return States(user=user, item=self.items(batch))

    def encoded(self, history: torch.Tensor) -> torch.Tensor:
        """Return the states of histories [B, L], float32 [B, L, d]."""
        length = (history != 0).sum(dim=1)
        reduced = self.training and self.dtype != torch.float32
        with torch.autocast(history.device.type, self.dtype) if reduced else contextlib.nullcontext():
            states: torch.Tensor = self.model(history, length)
        return states.float()

    def items(self, batch: Batch) -> torch.Tensor:
        """Return the item states, float32 [N+1, d]; of a table that computes its rows, those that a loss reads."""
        table: Table = self.model.item_embedding
        if isinstance(table, nn.Embedding) or batch.read is None:
            return table.weight
        rows = table(batch.read)
        return rows.new_zeros(self.model.n_items, rows.shape[1]).index_copy(0, batch.read, rows)


def build_sasrec(config: SASRecConfig, setup: Setup, ids: IdsFactory) -> StatePerPosition:
    """Build RecBole's SASRec over the given ids."""
    settings = base_config(setup) | {
        "hidden_size": config.embedding_size,
        "n_layers": config.n_layers,
        "n_heads": config.n_heads,
        "inner_size": config.inner_size,
        "hidden_dropout_prob": config.hidden_dropout,
        "attn_dropout_prob": config.attention_dropout,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "initializer_range": 0.02,
    }
    sasrec = model_class("sequential_recommender.sasrec", "SASRec")
    model = sasrec(settings, Sizes(setup))
    return StatePerPosition(model, ids(config.embedding_size), config, setup)


def build_gru4rec(config: GRU4RecConfig, setup: Setup, ids: IdsFactory) -> StatePerPosition:
    """Build RecBole's GRU4Rec over the given ids."""
    settings = base_config(setup) | {
        "embedding_size": config.embedding_size,
        "hidden_size": config.hidden_size,
        "num_layers": config.n_layers,
        "dropout_prob": config.dropout,
    }
    gru4rec = model_class("sequential_recommender.gru4rec", "GRU4Rec")
    model = gru4rec(settings, Sizes(setup))
    return StatePerPosition(model, ids(config.embedding_size), config, setup)
