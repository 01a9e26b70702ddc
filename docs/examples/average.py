"""average: a user is the mean of the items so far, with weight on the last one. B, L, N, d: see the contract."""

# --8<-- [start:imports]
from dataclasses import dataclass

import torch

from corecbench.api import Batch, DomainModelComponent, IdsFactory, Setup, States, Training, hookimpl

# --8<-- [end:imports]


# --8<-- [start:config]
@dataclass(frozen=True)
class AverageConfig(Training):
    """The settings of the model, beside those of training."""

    embedding_size: int = 64
    last_weight: float = 0.5
    """Share of the last item in a user's state. The mean of all items so far has the rest."""

    def __post_init__(self) -> None:
        """Refuse a share outside 0 to 1."""
        if not 0 <= self.last_weight <= 1:
            raise ValueError(f"last_weight is {self.last_weight}, must lie between 0 and 1")


# --8<-- [end:config]
# --8<-- [start:model]
class Average(torch.nn.Module):
    """The state of a user after each item: a weighted sum of the mean row so far and the last row."""

    examples = "windows"

    def __init__(self, config: AverageConfig, setup: Setup, ids: IdsFactory):
        super().__init__()
        self.item = ids(config.embedding_size).item
        self.last_weight = config.last_weight

    def states(self, batch: Batch) -> States:
        """Return user states [B, L, d] and item states [N+1, d]."""
        rows = self.item(batch.history)  # [B, L, d]
        count = torch.arange(1, rows.shape[1] + 1, device=rows.device)[:, None]  # [L, 1]
        mean = rows.cumsum(dim=1) / count  # [B, L, d]
        return States(torch.lerp(mean, rows, self.last_weight), self.item.weight)


# --8<-- [end:model]
# --8<-- [start:hook]
@hookimpl
def corecbench_domain_models():
    """Offer the model."""
    return [
        DomainModelComponent(
            "average", Average, AverageConfig, summary="the mean of a user's items, with weight on the last one"
        )
    ]


# --8<-- [end:hook]
