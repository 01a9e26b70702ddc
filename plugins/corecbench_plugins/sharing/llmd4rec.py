"""LLMD4Rec: the sides distil into each other by turns, with a weight per sample by how far the teacher is trusted.

What the paper states (Wu et al., "Bidirectional Knowledge Distillation for Enhancing Sequential Recommendation with
Large Language Models", 2025, arXiv 2505.18120): an LLM-centric and a conventional recommender are refined
alternately by mutual distillation. Their output distributions are aligned, with sample-wise adaptive weighting, and
without additional parameters. BDLM is closely related, and shares a store of embeddings on top.

What is our reconstruction, since the equations are not in a form that we have:
- The paper also injects signals of the conventional recommender into the LLM's input. It is left out: what could be
  read does not say which.
- Each side has private tables. The coupling is KL(other || own) over the catalogue at a `temperature`, at
  `positions` of each batch, as in `bdlm`. The other side's distributions are those at the start of the turn.
- A sample's weight is q / (q + p), where q and p are the probabilities that the other and the own side give to the
  item that comes next: near 1 where the other side knows better, near 0 where the own side does. The weight has no
  gradient. It is 1/2 where the next item is part of the history, as in training on pairs, since that item judges
  neither side.
"""

import torch
from torch.nn.functional import kl_div, log_softmax

from corecbench.api import Batch, Side, States
from corecbench_plugins.sharing.compared import EXCLUDED, Scores, comparable_scores
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import Llmd4recConfig


class Llmd4rec(Private):
    """Private tables and weighted mutual distillation."""

    config: Llmd4recConfig

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
    """Return how far the other side is to be trusted at each place, float32 [P], without gradient."""
    if scores.target is None:
        return scores.own.new_full(scores.own.shape[:1], 0.5)
    target = scores.target[:, None] - 1
    own, other = (log_softmax(each.detach(), dim=1).gather(1, target) for each in (scores.own, scores.other))
    is_candidate = scores.own.detach().gather(1, target) > EXCLUDED
    return torch.where(is_candidate, torch.sigmoid(other - own), 0.5).squeeze(1)
