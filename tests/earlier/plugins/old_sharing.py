"""old-sharing: private tables and mutual learning, to be replaced by your way of sharing. U users, N items."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import kl_div, log_softmax

from corecbench.api import (
    Batch,
    Budget,
    Component,
    Ids,
    Pretrained,
    Setup,
    Side,
    States,
    Turn,
    hookimpl,
    last_position,
    private_ids,
)


@dataclass(frozen=True)
class OldSharingConfig:
    """Settings."""

    weight: float = 0.5
    """Of the mutual term."""


class OldSharingModule:
    """Each side learns from the other's distribution over the items (Zhang et al., CVPR 2018, arXiv 1706.00384)."""

    start_from = "new"

    def __init__(self, config: OldSharingConfig, setup: Setup):
        self.config, self.catalog = config, setup.catalog

    def ids(self, side: Side, width: int) -> Ids:
        """Return tables [U+1, width] and [N+1, width] for one side."""
        return private_ids(self.catalog.n_users, self.catalog.n_items, width)

    def start(self, pretrained: Pretrained) -> None:
        """Take over nothing of what the domain model learnt alone."""

    def turns(self, budget: Budget) -> Sequence[Turn]:
        """Return a domain turn, an LLM turn and a domain turn."""
        last = budget.domain_epochs // 2
        turns = Turn("domain", budget.domain_epochs - last), Turn("llm", budget.llm_epochs), Turn("domain", last)
        return [turn for turn in turns if turn.epochs]

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return KL(other || own) after the last item of the histories."""
        sides = [(last_position(states.user, batch.history), states.item[1:]) for states in (own, other)]
        own_log, other_log = (log_softmax(user @ item.T, dim=1) for user, item in sides)  # [B, N]
        return {"mutual": self.config.weight * kl_div(own_log, other_log, log_target=True, reduction="batchmean")}


@hookimpl
def corecbench_sharing_modules():
    """Offer the module."""
    return [Component("old-sharing", OldSharingModule, OldSharingConfig, summary="private tables, mutual learning")]
