"""DLLM2Rec: the domain model learns from the LLM's ranking and from its view of the texts; nothing flows back.

What the paper states (Cui et al., "Distillation Matters: Empowering Sequential Recommenders to Match the
Performance of Large Language Models", RecSys 2024, arXiv 2405.00338): an LLM-based recommender teaches a
conventional one in two ways. Importance-aware ranking distillation weights what is taught by the teacher's
confidence and by the consistency of teacher and student, so that reliable and student-friendly knowledge counts.
Collaborative embedding distillation integrates knowledge from the teacher's embeddings with collaborative signals
mined from the data.

What is our reconstruction, since the paper's equations are not in a form that we have:
- The teacher is the LLM side after its turn, over private ids and texts. Then the domain model trains.
- Ranking distillation (as Tang and Wang, KDD 2018, arXiv 1809.07428) raises the student's scores s of the teacher's
  first `top` items at positions of a batch: loss = -sum_k w_k log sigmoid(s_k), averaged over the positions.
- w_k = `by_position` * a_k + `by_confidence` * b_k + `by_consistency` * c_k. The part a falls as exp(-k / `decay`),
  b is the teacher's probability of the item, and c is the same for all items that are among the student's own first
  `top`, and 0 for other items. Over the taught items a and b sum to 1, and c to 1, or to 0 where there is no such
  item. (The teacher of the paper generates text, ours never does.)
- Embeddings: an item of the student is a row of its own, which is the collaborative signal, plus the LLM's summary
  of its text through a network of one hidden layer (`hidden_size`), which is trained with the row.
"""

import torch
from torch import nn
from torch.nn.functional import logsigmoid, softmax

from corecbench.api import Batch, Ids, Pretrained, Side, States
from corecbench_plugins.sharing.compared import comparable_scores
from corecbench_plugins.sharing.mapped_table import MappedTable, RowMapping
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import Dllm2recConfig


class Dllm2rec(Private):
    """Private tables, with texts in the domain side's items, and ranking distillation to the domain side."""

    config: Dllm2recConfig
    item: MappedTable
    """The domain side's items."""

    def ids(self, side: Side, width: int) -> Ids:
        """Return private tables. The domain side's item table can read texts."""
        tables = super().ids(side, width)
        if side == "llm":
            return tables
        self.item = MappedTable(tables.item)
        return Ids(tables.user, self.item)

    def start(self, pretrained: Pretrained) -> None:
        """Let the domain side's items read the texts. A pretrained model is not changed by the texts at first."""
        super().start(pretrained)
        if pretrained.text is None or not self.config.embeddings:
            return
        width = self.tables["domain"].item.weight.shape[1]
        mapping = RowMapping(pretrained.text.shape[1], self.config.hidden_size, width).to(pretrained.text.device)
        if self.config.start == "pretrained":
            nn.init.zeros_(mapping.leave.weight)
        self.item.read(pretrained.text, mapping)

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the ranking distillation while the domain side trains."""
        if side == "llm" or self.config.ranking_weight == 0:
            return {}
        student, teacher, _ = comparable_scores(own, other, batch, self.config.positions)
        top = min(self.config.top, teacher.shape[1])
        taught = teacher.topk(top, dim=1).indices  # [P, k], best first
        weight = self.importance(taught, teacher, student.detach())
        raised = -(weight * logsigmoid(student.gather(1, taught))).sum(dim=1).mean()
        return {"ranking": self.config.ranking_weight * raised}

    def importance(self, taught: torch.Tensor, teacher: torch.Tensor, student: torch.Tensor) -> torch.Tensor:
        """Return the weights of the taught items, float32 [P, k]."""
        config, top = self.config, taught.shape[1]
        position = softmax(-torch.arange(top, device=taught.device) / config.decay, dim=0)  # [k]
        confidence = softmax(teacher.gather(1, taught), dim=1)  # [P, k]
        lowest = student.topk(top, dim=1).values[:, -1:]
        agreed = (student.gather(1, taught) >= lowest).float()  # [P, k]
        consistency = agreed / agreed.sum(dim=1, keepdim=True).clamp(min=1)
        return (
            config.by_position * position + config.by_confidence * confidence + config.by_consistency * consistency
        )
