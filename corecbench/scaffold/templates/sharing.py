"""plugname: private tables and mutual learning, to be replaced by your way of sharing.

U users, N items, B examples.
"""

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


@dataclass(frozen=True)
class PlugnameConfig:
    """Settings of the sharing module."""

    weight: float = 0.5
    """Weight of the mutual term."""


class PlugnameModule:
    """Each side learns from the other's distribution over the items (Zhang et al., CVPR 2018, arXiv 1706.00384).

    It may have more, such as `fit(train)` and `prepare(budget)`: the page "The life of a pair" has all in order.
    """

    start_from = "new"  # "pretrained" starts the pair from what the domain model learnt alone

    def __init__(self, config: PlugnameConfig, setup: Setup) -> None:
        self.config, self.catalog = config, setup.catalog

    def ids(self, side: Side, width: int) -> Ids:
        """Return the tables of one side: users [U+1, width] and items [N+1, width]."""
        return private_ids(self.catalog.n_users, self.catalog.n_items, width)

    def start(self, pretrained: Pretrained) -> None:
        """Take over nothing of what the domain model learnt alone."""

    def turns(self, budget: Budget) -> Sequence[Turn]:
        """Return a domain turn, an LLM turn and a domain turn."""
        last = budget.domain_epochs // 2
        turns = Turn("domain", budget.domain_epochs - last), Turn("llm", budget.llm_epochs), Turn("domain", last)
        return [turn for turn in turns if turn.epochs]

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the mutual term: KL(other || own) over the items, after the last item of each history."""
        sides = [(last_position(states.user, batch.history), states.item[1:]) for states in (own, other)]
        own_log, other_log = (log_softmax(user @ item.T, dim=1) for user, item in sides)  # [B, N]
        return {"mutual": self.config.weight * kl_div(own_log, other_log, log_target=True, reduction="batchmean")}


@hookimpl
def corecbench_sharing_modules() -> list[SharingComponent]:
    """Offer the sharing module."""
    return [SharingComponent("plugname", PlugnameModule, PlugnameConfig, summary="private tables, mutual learning")]
