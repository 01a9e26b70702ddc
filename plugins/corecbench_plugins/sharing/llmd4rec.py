"""LLMD4Rec: the sides distil into each other by turns, with a weight per sample by who ranks its next item better.

What the paper states (Wu et al., "Bidirectional Knowledge Distillation for Enhancing Sequential Recommendation with
Large Language Models", 2025, arXiv 2505.18120; its equations as they stand in
github.com/NamelessOgya/reading-notes-chokosenloveti, summary.md of LLMD4Rec): an LLM-centric and a conventional
recommender are refined alternately, over three to five rounds.
- The LLM reads the conventional model's id embeddings through a linear map, beside the texts, anew in each round.
- The side that learns has KL(other || own) over the catalogue as a further loss, of softened distributions.
- A sample's weight is r / r', at most 2, where r and r' are the ranks that the own and the other side give to the
  item that comes next, if r > r'. Else it is 2 - r' / r, at least 0: the better side has nothing to learn.

Where we differ:
- The LLM scores items by states, of which the mapped rows are a part; the paper's has an output layer of its own.
- One `temperature` serves both directions, and the term is multiplied by its square.
- The coupling is computed at `positions` of each batch, against the other side's states before the turn.
- Where the next item is part of the history, as in training on pairs, it has the last place on both sides, so the
  weight is 1. Weights have no gradient.
"""

import torch
from torch import nn
from torch.nn.functional import kl_div, log_softmax

from corecbench.api import Batch, Ids, Pretrained, Setup, Side, States, Table
from corecbench_plugins.sharing.compared import Scores, comparable_scores
from corecbench_plugins.sharing.mapped_table import MappedTable
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import Llmd4recConfig

MOST = 2.0
"""The largest weight of a sample."""


class InjectedRows(MappedTable):
    """Mapped rows of the domain model, as they were when the LLM began to train last."""

    source: torch.Tensor

    def __init__(self, domain: Table, width: int) -> None:
        super().__init__()
        rows = domain.weight.detach().clone()
        self.latest = lambda: domain.weight  # no submodule: the LLM does not train it
        self.register_buffer("source", rows)  # kept with the LLM, which is ranked with these rows
        self.mapping = nn.Linear(rows.shape[1], width, bias=False)

    def train(self, mode: bool = True) -> "InjectedRows":
        """Read the domain model's rows where a training begins."""
        if mode:
            self.read_latest()
        super().train(mode)
        return self

    def read_latest(self) -> None:
        """Read the domain model's rows as they are now."""
        with torch.no_grad():
            self.source.copy_(self.latest())


class Llmd4rec(Private):
    """Private tables, of which the LLM reads the domain side's items, and weighted mutual distillation."""

    config: Llmd4recConfig

    def __init__(self, config: Llmd4recConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.injected: InjectedRows | None = None

    def ids(self, side: Side, width: int) -> Ids:
        """Return private tables to the domain side, which asks first, and mapped rows of its items to the LLM."""
        tables = super().ids(side, width)
        if side == "domain":
            return tables
        self.injected = InjectedRows(self.tables["domain"].item, width)
        return Ids(tables.user, self.injected)

    def start(self, pretrained: Pretrained) -> None:
        """Copy the pretrained tables to the domain side, unless it starts anew, and let the LLM read the items."""
        super().start(pretrained)
        if self.injected is not None:
            self.injected.read_latest()

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the weighted divergence from the other side's distribution."""
        weight = self.config.domain_weight if side == "domain" else self.config.llm_weight
        if weight == 0:
            return {}
        scores = comparable_scores(own, other, batch, self.config.positions)
        temperature = self.config.temperature
        own_log, other_log = (log_softmax(each / temperature, dim=1) for each in (scores.own, scores.other))
        divergence = kl_div(own_log, other_log, log_target=True, reduction="none").sum(dim=1)  # [P]
        return {"distillation": weight * temperature**2 * (trust(scores) * divergence).mean()}


def trust(scores: Scores) -> torch.Tensor:
    """Return how much there is to learn from the other side at each place, float32 [P] from 0 to 2, no gradient."""
    if scores.target is None:
        return scores.own.new_ones(scores.own.shape[:1])
    target = scores.target[:, None] - 1
    own, other = (rank(each.detach(), target) for each in (scores.own, scores.other))
    return torch.where(own > other, own / other, MOST - other / own).clamp(0, MOST)


def rank(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the place of targets [P, 1] by scores [P, N], from 1, float32 [P]."""
    return 1.0 + (scores > scores.gather(1, target)).sum(dim=1)
