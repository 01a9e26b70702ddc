"""DLLM2Rec: the domain model learns from the LLM's ranking and from its view of the texts; nothing flows back.

What the paper states (Cui et al., "Distillation Matters: Empowering Sequential Recommenders to Match the
Performance of Large Language Models", RecSys 2024, arXiv 2405.00338; github.com/istarryn/DLLM2Rec): an LLM-based
recommender teaches a conventional one in two ways.
- Importance-aware ranking distillation: over the teacher's first items r = 1, 2, ... at a position of a history,
  the loss is sum_r w_r (-log sigmoid(s_r) - log sigmoid(-s_n)), where s are the student's scores and n is an item
  drawn at random. The weight w is 0.3 a + 0.5 b + 0.1 c, divided by its sum over the items. The part a falls as
  exp(-r) and sums to 1; b, which sums to 1, is the teacher's confidence; c is 1 for an item among the student's
  own first, else 0.
- Collaborative embedding distillation: to the student's item embeddings 0.2 times a linear map of the LLM's is
  added where they enter the model.
- The public code adds a distributionally robust term for an item t that is to score 1 while others score 0:
  log(sum over other items j of exp(p_j s_j^2) + exp(p_t (s_t - 1)^2)), with p = (share of interactions, each item
  having one more) ^ .05. It stands beside the task loss for the next item, and in the distillation, by w, for
  those that are taught.

Where we differ:
- The teacher is the LLM side after its turn, over private ids and texts, and its confidence b is its probability.
  The paper's teacher generates a text, and its confidence is how near the text is to an item.
- n is neither the next item nor among those that are taught; in the public code it is not in the history either,
  and the negative's term is log sigmoid(1 - s_n).
- The public code trains the student by binary cross-entropy. Ours has the task loss of the domain model, so the
  robust term, which draws scores to 0 and 1, has no weight unless `robust` is set (1 in the public code).
- An item's table is one for all its readers, so the mapped texts also stand where items are scored. The map has no
  bias, so an item without a text is its own row.
"""

import numpy as np
import torch
from torch.nn.functional import logsigmoid, softmax
from torch.nn.init import zeros_

from corecbench.api import Batch, Interactions, Pretrained, Side, States, Table
from corecbench_plugins.sharing.compared import EXCLUDED, comparable_scores
from corecbench_plugins.sharing.mapped_table import MappedTable, ScaledMap
from corecbench_plugins.sharing.none import OverItems
from corecbench_plugins.sharing.settings import Dllm2recConfig

FLATTENED = 0.05
"""The power of the share of an item's interactions in the robust term."""


class Dllm2rec(OverItems):
    """Private tables, with texts in the domain side's items, and ranking distillation to the domain side."""

    config: Dllm2recConfig
    item: MappedTable
    """The domain side's items."""
    chance: torch.Tensor
    """float32 [N], p of each item, once the module has seen the training part."""

    def fit(self, train: Interactions) -> None:
        """Count the interactions of each item."""
        count = 1.0 + torch.as_tensor(np.bincount(train.item, minlength=self.catalog.n_items + 1)[1:])
        self.chance = (count / count.sum()).pow(FLATTENED).float()

    def item_table(self, own: Table) -> MappedTable:
        """Return a table that can read texts."""
        return MappedTable(own)

    def start(self, pretrained: Pretrained) -> None:
        """Let the domain side's items read the texts. A pretrained model is not changed by the texts at first."""
        super().start(pretrained)
        if pretrained.text is None or self.config.embedding_weight == 0:
            return
        width = self.tables["domain"].item.weight.shape[1]
        mapping = ScaledMap(pretrained.text.shape[1], width, self.config.embedding_weight).to(
            pretrained.text.device
        )
        if self.config.start == "pretrained":
            zeros_(mapping.linear.weight)
        self.item.read(pretrained.text, mapping)

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the ranking distillation while the domain side trains."""
        if side == "llm" or self.config.ranking_weight == 0:
            return {}
        student, teacher, target = comparable_scores(own, other, batch, self.config.positions)
        top = min(self.config.top, teacher.shape[1])
        taught = teacher.topk(top, dim=1).indices  # [P, k], best first
        weight = self.importance(taught, teacher, student.detach())
        raised = (weight * -logsigmoid(student.gather(1, taught))).sum(dim=1)
        lowered = -logsigmoid(-student.gather(1, negatives(taught, target, student.shape[1]))).squeeze(1)
        terms = {"ranking": self.config.ranking_weight * (raised + lowered).mean()}
        if self.config.robust:
            scores = student.masked_fill(student <= EXCLUDED, 0.0)
            chance = self.chance[: scores.shape[1]].to(scores.device)
            robust = self.config.ranking_weight * (weight * pull(scores, taught, chance)).sum(dim=1).mean()
            if target is not None:
                robust = robust + pull(scores, target[:, None] - 1, chance).mean()
            terms["robust"] = self.config.robust * robust
        return terms

    def importance(self, taught: torch.Tensor, teacher: torch.Tensor, student: torch.Tensor) -> torch.Tensor:
        """Return the weights of the taught items, float32 [P, k], with a sum of 1."""
        config, top = self.config, taught.shape[1]
        position = softmax(-torch.arange(top, device=taught.device) / config.decay, dim=0)  # [k]
        confidence = softmax(teacher.gather(1, taught), dim=1)  # [P, k]
        lowest = student.topk(top, dim=1).values[:, -1:]
        agreed = (student.gather(1, taught) >= lowest).float()  # [P, k]
        weight = config.by_position * position + config.by_confidence * confidence + config.by_consistency * agreed
        return weight / weight.sum(dim=1, keepdim=True).clamp(min=torch.finfo(weight.dtype).tiny)


def negatives(taught: torch.Tensor, target: torch.Tensor | None, n_items: int) -> torch.Tensor:
    """Return for each place a column of an item at random, int64 [P, 1].

    Args:
        taught: int64 [P, k], columns that are not drawn, unless there are no others.
        target: int64 [P], the item that comes next, which is not drawn either; None where it is not known.
        n_items: N, the number of columns; column j is item j + 1.
    """
    chance = torch.ones(len(taught), n_items, device=taught.device).scatter(1, taught, 0.0)
    if target is not None:
        chance = chance.scatter(1, target[:, None] - 1, 0.0)
    return torch.where(chance.any(dim=1, keepdim=True), chance, 1.0).multinomial(1)


def pull(scores: torch.Tensor, wanted: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Return the robust term of each item that is to score 1, while the others are to score 0, float32 [P, k].

    Args:
        scores: float32 [P, N].
        wanted: int64 [P, k], the columns of these items.
        chance: float32 [N], p of each item.

    >>> pull(torch.tensor([[1.0, 0.0]]), torch.tensor([[0]]), torch.ones(2)).exp()  # both are as they are to be
    tensor([[2.]])
    """
    others = chance * scores.square()  # [P, N]
    own = chance[wanted] * (scores.gather(1, wanted) - 1).square()  # [P, k]
    each = zip(wanted.split(1, dim=1), own.split(1, dim=1), strict=True)
    return torch.cat([others.scatter(1, item, term).logsumexp(dim=1, keepdim=True) for item, term in each], dim=1)
