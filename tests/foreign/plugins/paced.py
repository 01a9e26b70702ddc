"""paced: a user is the mean of the items so far, each by how long ago it happened, as in STAN.

Garg et al., "Sequence and Time Aware Neighborhood for Session-based Recommendations", SIGIR 2019,
DOI 10.1145/3331184.3331322: what happened before decays exponentially. Here the pace is learnt.
B examples, L positions, d the width of a row.
"""

from dataclasses import dataclass

import torch

from corecbench.api import DomainModelComponent, States, Training, hookimpl


@dataclass(frozen=True)
class PacedConfig(Training):
    """Settings of the model."""

    embedding_size: int = 16


class Paced(torch.nn.Module):
    """Recent items count more. Without real times all count alike."""

    examples = "windows"

    def __init__(self, config, setup, ids):
        super().__init__()
        self.item = ids(config.embedding_size).item
        self.pace = torch.nn.Parameter(torch.zeros(()))
        self.register_buffer("unit", torch.ones(()))

    def fit(self, train):
        """Take a hundredth of the time that the training part lasts as the unit."""
        if train.time is not None:
            self.unit.fill_(max(float(train.time.max() - train.time.min()) / 100, 1e-9))

    def states(self, batch):
        items = self.item.weight
        is_before = torch.ones(2 * batch.history.shape[1:], device=items.device).tril()  # [L, L]
        weight = is_before * (batch.history > 0)[:, None]  # [B, L, L]
        if batch.time is not None:
            ago = (batch.time[:, :, None] - batch.time[:, None]).clamp(min=0).float() / self.unit
            weight = weight * torch.exp(-self.pace.exp() * ago)
        weight = weight / weight.sum(dim=2, keepdim=True).clamp(min=1e-9)
        return States(weight @ torch.nn.functional.embedding(batch.history, items), items)


@hookimpl
def corecbench_domain_models():
    """Offer the model."""
    return [DomainModelComponent("paced", Paced, PacedConfig, summary="items count by how long ago they happened")]
