"""average, with a fault: the state of every position knows the whole history, and so the item to be predicted."""

import torch

from corecbench.api import Batch, DomainModelComponent, IdsFactory, Setup, States, Training, hookimpl


class Average(torch.nn.Module):
    """The state of a user is the mean of the rows of their items."""

    examples = "windows"

    def __init__(self, config: Training, setup: Setup, ids: IdsFactory):
        super().__init__()
        self.item = ids(64).item

    def states(self, batch: Batch) -> States:
        """Return user states [B, L, d] and item states [N+1, d]."""
        rows = self.item(batch.history)  # [B, L, d]
        n_items = (batch.history != 0).sum(dim=1)[:, None]  # [B, 1]
        mean = rows.sum(dim=1) / n_items  # [B, d]
        return States(mean[:, None].expand_as(rows), self.item.weight)


@hookimpl
def corecbench_domain_models():
    """Offer the model."""
    return [DomainModelComponent("average", Average, Training, summary="the mean of a user's items")]
