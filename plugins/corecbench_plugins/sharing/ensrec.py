"""EnsRec: a model of ids and a model of texts are trained apart, and their scores are added.

What the paper states (Collins et al., "Exploiting ID-Text Complementarity via Ensembling for Sequential
Recommendation", 2025, arXiv 2512.17820): models of ids alone and of texts alone learn what complements each other.
Training them independently preserves that, so an ensemble of both needs no alignment and no stages. An item's
score is its cosine under the model of ids plus its cosine under the model of texts, with equal weights. It claims
an NDCG@10 of .0565 on Amazon Beauty and of .0625 on Amazon Toys.

Where we differ:
- The model of ids is the domain model as it was trained alone. The model of texts is the LLM over texts alone: its
  id rows are zero.
- Our models score by inner products, which have no common scale. Each user's scores are standardised over the
  catalogue on both sides before their mean is taken. Nothing is chosen by validation, unlike in `llama4rec`.
"""

import torch

from corecbench.api import Batch, Ids, Side
from corecbench_plugins.sharing.llama4rec import standardised
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.store import ZeroTable


class Ensrec(Private):
    """Private tables of the domain side, none of the LLM, and the mean of both sides' scores as a third row."""

    def ids(self, side: Side, width: int) -> Ids:
        """Return private tables to the domain side, and rows of zeros to the LLM."""
        if side == "domain":
            return super().ids(side, width)
        return Ids(*(ZeroTable(n + 1, width) for n in (self.catalog.n_users, self.catalog.n_items)))

    def combine(self, domain: torch.Tensor, llm: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the mean of both sides' standardised scores, float32 [B, N]."""
        return (standardised(domain) + standardised(llm)) / 2
