"""old-model: matrix factorisation, to be replaced by your model."""

from dataclasses import dataclass

import torch

from corecbench.api import Batch, Component, IdsFactory, Setup, States, Training, hookimpl


@dataclass(frozen=True)
class OldModelConfig(Training):
    """Settings, beside those of training."""

    embedding_size: int = 64


class OldModel(torch.nn.Module):
    """The score of an item is the product of the user's row and the item's (Koren et al., 2009)."""

    examples = "pairs"

    def __init__(self, config: OldModelConfig, setup: Setup, ids: IdsFactory):
        super().__init__()
        tables = ids(config.embedding_size)
        self.user, self.item = tables.user, tables.item

    def states(self, batch: Batch) -> States:
        """Return the rows of the batch's users [B, d] and of all items [N+1, d]."""
        return States(self.user(batch.user), self.item.weight)


@hookimpl
def corecbench_domain_models():
    """Offer the model."""
    return [Component("old-model", OldModel, OldModelConfig, summary="matrix factorisation")]
