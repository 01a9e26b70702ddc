"""UniSRec's adaptor: a mixture of experts makes item rows of the frozen vectors of texts.

What the paper states (Hou et al., "Towards Universal Sequence Representation Learning for Recommender Systems",
KDD 2022, arXiv 2206.05941; github.com/RUCAIBox/UniSRec): an expert g whitens the vector x of a text with learnt
parameters, (dropout(x) - b_g) W_g. The row of an item is the sum over experts of gate_g times that, where gate is
softmax(x V + noise * softplus(x V')), without the noise outside training. Items are that row alone (inductive), or
a row of their own is added (transductive). Scores are cosines at a temperature of .07. RecXplore (Shi et al.,
2025, arXiv 2509.14979) compares ways of adapting vectors, and finds this one over vectors that PCA has reduced the
best.

Where we differ:
- The vector is the LLM's `text`, which our LLMs whiten along its principal directions.
- Experts share one draw of dropout, so that one product serves all. Items without a text have rows of zeros, and
  their own rows.
- The recommender is any domain model with its own loss. The paper first trains on other domains by two contrastive
  tasks.

k is the width of a text's vector, d that of a row, G the number of experts.
"""

import torch
from torch import nn
from torch.nn.functional import softplus

from corecbench.api import Pretrained, Setup, Table, UsageError
from corecbench_plugins.sharing.mapped_table import MappedTable
from corecbench_plugins.sharing.none import OverItems
from corecbench_plugins.sharing.settings import UnisrecConfig
from corecbench_plugins.sharing.store import ZeroTable

LEAST_NOISE = 0.01
"""Added to the deviation of the noise of a gate."""


class Experts(nn.Module):
    """A mixture of linear maps, k -> d. It maps a row of zeros to zeros."""

    def __init__(self, source_size: int, width: int, n_experts: int, dropout: float) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.zeros(n_experts, source_size))
        self.maps = nn.Parameter(torch.randn(n_experts, source_size, width) * 0.02)
        self.gate, self.noise = (nn.Parameter(torch.zeros(source_size, n_experts)) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return float32 [*, d] for rows [*, k]."""
        rows = rows.float()
        each = torch.tensordot(self.dropout(rows), self.maps, dims=([-1], [1]))  # [*, G, d]
        shift = torch.einsum("gk,gkd->gd", self.centre, self.maps)
        mixed: torch.Tensor = (self.gates(rows)[..., None] * (each - shift)).sum(dim=-2)
        return mixed * rows.any(dim=-1, keepdim=True)

    def gates(self, rows: torch.Tensor) -> torch.Tensor:
        """Return how far each expert counts, float32 [*, G], with a sum of 1."""
        logits = rows @ self.gate
        if self.training:
            logits = logits + torch.randn_like(logits) * (softplus(rows @ self.noise) + LEAST_NOISE)
        return logits.softmax(dim=-1)


class Unisrec(OverItems):
    """Private tables. The domain side's items are made of texts, and of rows of their own if they have some."""

    config: UnisrecConfig
    item: MappedTable
    """The domain side's items."""

    def __init__(self, config: UnisrecConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.cosine_temperature = config.temperature or None

    def item_table(self, own: Table) -> MappedTable:
        """Return a table that can read texts."""
        return MappedTable(own if self.config.rows else ZeroTable(*own.weight.shape))

    def start(self, pretrained: Pretrained) -> None:
        """Let the domain side's items read the texts.

        Raises:
            UsageError: the LLM says nothing of texts, and items have no rows of their own.
        """
        super().start(pretrained)
        text = pretrained.text
        if text is None:
            if not self.config.rows:
                raise UsageError("the LLM has no `text`; choose another one, or set unisrec.rows=true")
            return
        config, width = self.config, pretrained.item.shape[1]
        self.item.read(text, Experts(text.shape[1], width, config.experts, config.dropout).to(text.device))
