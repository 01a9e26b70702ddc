"""The components `sasrec` and `gru4rec`: RecBole's models, trained at every position of a history.

RecBole itself trains on one row per prefix of a history.
"""

import contextlib

import torch
from torch import nn
from torch.nn.functional import pad

from corecbench.api import Batch, Ids, IdsFactory, Setup, States, Table
from corecbench.toolkit import product_dtype
from corecbench_plugins.recbole_models.adapter import RecBoleModel
from corecbench_plugins.recbole_models.classes import Sizes, base_config, model_class
from corecbench_plugins.recbole_models.fast_layers import use_fast_layers
from corecbench_plugins.recbole_models.settings import GRU4RecConfig, SASRecConfig, SequentialConfig

FEW_POSITIONS = 1024
"""Of so many positions a further division costs about as much as it saves."""


class StatePerPosition(nn.Module):
    """A model of RecBole with an `item_embedding` and `forward(history, length)`, as a state per position.

    In training the products of its layers are in the given number format. Evaluation is in float32.
    """

    examples = "windows"

    def __init__(self, model: RecBoleModel, ids: Ids, config: SequentialConfig, setup: Setup) -> None:
        super().__init__()
        device = torch.device(setup.device).type
        self.dtype = product_dtype(config.layers_dtype, device)
        self.by_length = config.by_length and device == "cpu"
        model.item_embedding = ids.item
        model.gather_indexes = lambda output, _: output  # keep the state of every position
        use_fast_layers(model)
        self.model = model

    def states(self, batch: Batch) -> States:
        """Return one user state per position and the item table."""
        history = batch.history
        user = self.in_groups(history) if self.training and self.by_length else self.encoded(history)
        return States(user=user, item=self.items(batch))

    def encoded(self, history: torch.Tensor) -> torch.Tensor:
        """Return the states of histories [B, L], float32 [B, L, d]."""
        length = (history != 0).sum(dim=1)
        reduced = self.training and self.dtype != torch.float32
        with torch.autocast(history.device.type, self.dtype) if reduced else contextlib.nullcontext():
            states: torch.Tensor = self.model(history, length)
        return states.float()

    def in_groups(self, history: torch.Tensor) -> torch.Tensor:
        """Return the same, 0 at most of the padding, from histories of like length together."""
        groups = of_like_length((history != 0).sum(dim=1))
        apart = [self.encoded(history[rows, :width]) for rows, width in groups]
        padded = [pad(states, (0, 0, 0, history.shape[1] - states.shape[1])) for states in apart]
        return torch.cat(padded)[torch.cat([rows for rows, _ in groups]).argsort()]

    def items(self, batch: Batch) -> torch.Tensor:
        """Return the item states, float32 [N+1, d]; of a table that computes its rows, those that a loss reads."""
        table: Table = self.model.item_embedding
        if isinstance(table, nn.Embedding) or batch.read is None:
            return table.weight
        rows = table(batch.read)
        return rows.new_zeros(self.model.n_items, rows.shape[1]).index_copy(0, batch.read, rows)


def of_like_length(length: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
    """Divide the rows of a batch, longest first, into groups whose rows fill more than half of the group's width.

    The last group takes all rows that are left once they have few positions, padding included.

    Args:
        length: int64 [B], of the histories.

    Returns:
        The rows of each group, int64, and its width.

    >>> lengths = torch.tensor([40, 3, 50] + [20] * 60 + [2] * 9)
    >>> [(len(rows), width) for rows, width in of_like_length(lengths)]
    [(2, 50), (60, 20), (10, 3)]
    """
    ordered, order = length.sort(descending=True, stable=True)
    groups, begin = [], 0
    while begin < len(order):
        width = int(ordered[begin])
        few = (len(order) - begin) * width <= FEW_POSITIONS
        end = len(order) if few else int((2 * ordered > width).sum())
        groups.append((order[begin:end], width))
        begin = end
    return groups


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
