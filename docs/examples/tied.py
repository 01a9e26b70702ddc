"""tied: both sides read the same item table and learn from each other's scores. B, N, d: see the contract."""

# --8<-- [start:imports]
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import kl_div, log_softmax

from corecbench.api import (
    Batch,
    Budget,
    Ids,
    Pretrained,
    Setup,
    SharingComponent,
    Side,
    States,
    Turn,
    hookimpl,
    last_position,
    private_ids,
)

# --8<-- [end:imports]


# --8<-- [start:config]
@dataclass(frozen=True)
class TiedConfig:
    """The settings of the module."""

    width: int = 32
    """Width of the shared tables."""
    mutual: float = 0.5
    """Weight of the mutual term. With 0 the sides share the tables only."""


# --8<-- [end:config]
# --8<-- [start:view]
class View(torch.nn.Module):
    """A shared table as one side reads it: each row is multiplied by that side's matrix."""

    def __init__(self, table: torch.nn.Embedding, width: int):
        super().__init__()
        self.table = table
        self.matrix = torch.nn.Linear(table.embedding_dim, width, bias=False)

    @property
    def weight(self) -> torch.Tensor:
        """float32 [N+1, d]."""
        return self.matrix(self.table.weight)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        return self.matrix(self.table(index))


# --8<-- [end:view]
# --8<-- [start:ids]
class Tied:
    """One table of users, one of items, a matrix for each side, and mutual learning (arXiv 1706.00384)."""

    start_from = "new"

    def __init__(self, config: TiedConfig, setup: Setup):
        self.mutual = config.mutual
        self.shared = private_ids(setup.catalog.n_users, setup.catalog.n_items, config.width)

    def ids(self, side: Side, width: int) -> Ids:
        """Return the shared tables at the width of one side."""
        return Ids(View(self.shared.user, width), View(self.shared.item, width))

    def start(self, pretrained: Pretrained) -> None:
        """Take over nothing: the shared tables start anew."""

    # --8<-- [end:ids]
    # --8<-- [start:turns]
    def turns(self, budget: Budget) -> Sequence[Turn]:
        """Train the domain model, then the LLM, then the domain model again."""
        first = budget.domain_epochs // 2
        turns = Turn("domain", first), Turn("llm", budget.llm_epochs), Turn("domain", budget.domain_epochs - first)
        return [turn for turn in turns if turn.epochs]

    # --8<-- [end:turns]
    # --8<-- [start:losses]
    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return KL(other || own) over the items, after the last item of each history."""
        ends = [(last_position(states.user, batch.history), states.item[1:]) for states in (own, other)]
        own_log, other_log = (log_softmax(user @ item.T, dim=1) for user, item in ends)  # [B, N]
        return {"mutual": self.mutual * kl_div(own_log, other_log, log_target=True, reduction="batchmean")}


# --8<-- [end:losses]
# --8<-- [start:hook]
@hookimpl
def corecbench_sharing_modules():
    """Offer the module."""
    return [SharingComponent("tied", Tied, TiedConfig, summary="one table for both sides, mutual learning")]


# --8<-- [end:hook]
