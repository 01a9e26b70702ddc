"""Adapters of RecBole's sequential models, which are trained on windows of histories.

B windows, R prefixes, L positions, N items, d the width of a state.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize, pad

from corecbench.api import Batch, Interactions, States
from corecbench_plugins.recbole_models.adapter import Adapter, in_evaluation, targets_of

if TYPE_CHECKING:
    from corecbench_plugins.recbole_models.training_part import TrainingPart

ARGUMENTS = {"item_seq": "item_list", "seq_item": "item_list", "item_seq_len": "item_length"}
ARGUMENTS |= {"seq_item_len": "item_length", "user": "user"}
"""Name of an argument of RecBole's `forward` methods -> column of a batch."""


class HistoryAdapter(Adapter):
    """A model that reads histories."""

    examples = "windows"
    pads_to_full_length = True
    """Whether histories are padded to the largest length. Some classes read all positions, padding included."""

    def rows(self, user: torch.Tensor, history: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return users [B] and their right-padded histories [B, L] in RecBole's form."""
        if self.pads_to_full_length:
            history = pad(history, (0, self.setup.max_history - history.shape[1]))
        length = (history != 0).sum(dim=1).clamp(min=1)
        return {"user": user, "item_list": history, "item_length": length}

    def encode(self, rows: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the output of the model's `forward` for histories."""
        names = inspect.signature(self.model.forward).parameters
        output: torch.Tensor = self.model(*(rows[ARGUMENTS[name]].clone() for name in names))
        return output

    def items(self) -> torch.Tensor:
        """Return the item states, float32 [N+1, d]."""
        weight: torch.Tensor = self.model.item_embedding.weight
        return weight

    def users(self, rows: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return user states, float32 [B, d] or [B, L, d]."""
        return self.encode(rows)


class HistoryStates(HistoryAdapter):
    """A model whose scores are inner products."""

    def states(self, batch: Batch) -> States:
        """Return the states after the histories, and those of the items."""
        return States(self.users(self.rows(batch.user, batch.history)), self.items())


class EveryPosition(HistoryStates):
    """A causal model: one pass gives the state after every position, and each is trained by the standard loss."""

    pads_to_full_length = False

    def adapt(self, part: TrainingPart) -> None:
        """Keep the state of every position."""
        self.model.gather_indexes = lambda output, _: output


class NextItNet(EveryPosition):
    """NextItNet (Yuan et al., WSDM 2019) has a state of each position in the output of its causal convolutions.

    RecBole reads the last column of the padded history instead.
    """

    def encode(self, rows: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the output of the convolutions at every position, [B, L, d]."""
        model = self.model
        states: torch.Tensor = model.final_layer(model.residual_blocks(model.item_embedding(rows["item_list"])))
        return states


class PrefixTraining(HistoryAdapter):
    """A model that is trained by its own loss on `prefixes` prefixes of each window, drawn anew for each batch."""

    def adapt(self, part: TrainingPart) -> None:
        """Leave the padding out of the softmax over items."""
        if isinstance(getattr(self.model, "loss_fct", None), nn.CrossEntropyLoss):
            self.model.loss_fct = ItemCrossEntropy(self.setup.catalog.n_known_items)

    def loss(self, batch: Batch, states: object) -> torch.Tensor:
        """Return the model's own loss of some prefixes of the windows."""
        row, history, target = draw_prefixes(batch.history, targets_of(batch), self.config.prefixes)
        user = batch.user[row]
        pairs = self.pairs(user, target)
        rows = self.rows(user, history)
        if self.wants_labels:
            rows = {name: torch.cat([column, column]) for name, column in rows.items()}
        return self.own_loss(rows | pairs)


class ItemCrossEntropy(nn.Module):
    """Cross-entropy over the items that exist in training, without the padding row."""

    def __init__(self, n_known: int) -> None:
        super().__init__()
        self.n_known = n_known

    def forward(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean for scores [R, N+1] and targets from 1, [R]."""
        return cross_entropy(scores[:, 1 : self.n_known + 1], target - 1)


def draw_prefixes(
    history: torch.Tensor, target: torch.Tensor, n: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return for R prefixes the row of their window [R], the prefixes [R, L] and the item after each [R].

    Args:
        history: int64 [B, L].
        target: int64 [B, L], the item after each position, 0 where there is none.
        n: number of different prefixes of each window, drawn at random; 0 for all.
    """
    chosen = target != 0  # [B, L]
    if n:
        order = torch.rand(target.shape, device=target.device).masked_fill(~chosen, -1)
        kth = order.topk(min(n, target.shape[1]), dim=1).values[:, -1:]
        chosen &= order >= kth
    row, last = chosen.nonzero().T
    position = torch.arange(history.shape[1], device=history.device)
    return row, history[row].masked_fill(position > last[:, None], 0), target[row, last]


class PrefixStates(PrefixTraining, HistoryStates):
    """A model that reads a whole history at once and gives one state for it."""


class Core(PrefixStates):
    """CORE compares cosines at a temperature (Hou et al., SIGIR 2022, arXiv 2204.11067)."""

    def items(self) -> torch.Tensor:
        """Return the directions of the item rows, divided by the temperature."""
        directions: torch.Tensor = normalize(self.model.item_embedding.weight, dim=1) / self.model.temperature
        return directions


class Npe(PrefixStates):
    """NPE scores by the positive part of the item rows (Nguyen and Takasu, IJCAI 2018, arXiv 1805.06563)."""

    def items(self) -> torch.Tensor:
        """Return the positive part of the item rows."""
        positive: torch.Tensor = self.model.relu(self.model.item_embedding.weight)
        return positive


class Hgn(PrefixStates):
    """HGN scores by a table of its own (Ma et al., KDD 2019, arXiv 1906.09217)."""

    def items(self) -> torch.Tensor:
        """Return the table that the model scores by."""
        weight: torch.Tensor = self.model.item_embedding_for_prediction.weight
        return weight


class Shan(PrefixStates):
    """SHAN reads histories that are padded at the left (Ying et al., IJCAI 2018)."""

    def rows(self, user: torch.Tensor, history: torch.Tensor) -> dict[str, torch.Tensor]:
        """Add the histories padded at the left, also in evaluation, where RecBole does not."""
        rows = super().rows(user, history)
        history, length = rows["item_list"], rows["item_length"]
        source = torch.arange(history.shape[1], device=history.device) - (history.shape[1] - length[:, None])
        at_right = history.gather(1, source.clamp(min=0)).masked_fill(source < 0, 0)
        return rows | {"item_list_at_right": at_right}

    def encode(self, rows: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the states of the left-padded histories."""
        states: torch.Tensor = self.model(rows["item_list_at_right"], rows["user"])
        return states


class Fpmc(PrefixStates):
    """FPMC adds a factor model and a first-order Markov chain (Rendle et al., WWW 2010).

    score = UI(user) . IU(item) + LI(last item) . IL(item), an inner product of twice the width.
    """

    def users(self, rows: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return [UI(user), LI(last item)], [B, 2d]."""
        last = rows["item_list"].gather(1, rows["item_length"][:, None] - 1).squeeze(1)
        return torch.cat([self.model.UI_emb(rows["user"]), self.model.LI_emb(last)], dim=1)

    def items(self) -> torch.Tensor:
        """Return [IU(item), IL(item)], [N+1, 2d]."""
        return torch.cat([self.model.IU_emb.weight, self.model.IL_emb.weight], dim=1)


class PrefixScores(PrefixTraining):
    """A model whose scores are no inner products."""

    @torch.no_grad()
    def scores(self, batch: Batch) -> torch.Tensor:
        """Return RecBole's own scores, float32 [B, N+1]."""
        rows = self.rows(batch.user, batch.history)
        with in_evaluation(self.setup):
            scores: torch.Tensor = self.model.full_sort_predict(rows | {"item": torch.ones_like(batch.user)})
        return scores

    def fit(self, train: Interactions) -> None:
        """Build the model. It reranks at most as many candidates as the catalogue has items."""
        if n_candidates := self.settings["reranker_CAN_NUM"]:
            self.settings["reranker_CAN_NUM"] = min(int(n_candidates), self.setup.catalog.n_items)
        super().fit(train)


class TransRec(PrefixScores):
    """TransRec translates the last item by a vector of the user (He et al., RecSys 2017, arXiv 1707.02410).

    score = bias(item) - |user + T + last item - item|.
    """

    @torch.no_grad()
    def scores(self, batch: Batch) -> torch.Tensor:
        """Return the scores, computed without RecBole's copies of all tables for each user."""
        translated = self.encode(self.rows(batch.user, batch.history))
        scores: torch.Tensor = self.model.bias.weight.T - torch.cdist(translated, self.model.item_embedding.weight)
        return scores
