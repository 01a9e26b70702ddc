"""plugname: matrix factorisation, to be replaced by your model. B examples, N items, d the width of a state."""

from dataclasses import dataclass

import torch

from corecbench.api import Batch, DomainModelComponent, IdsFactory, Setup, States, Training, hookimpl


@dataclass(frozen=True)
class PlugnameConfig(Training):
    """Settings of the model, beside those of training."""

    embedding_size: int = 64


class PlugnameModel(torch.nn.Module):
    """The score of an item is the product of the user's row and the item's row (Koren et al., 2009).

    It may have more, such as `fit(train)` or, to use what an LLM says of texts in a pair, `read_texts(pretrained)`.
    """

    examples = "pairs"  # train on pairs of a user and an item; "windows" are stretches of a history

    def __init__(self, config: PlugnameConfig, setup: Setup, ids: IdsFactory) -> None:
        super().__init__()
        tables = ids(config.embedding_size)
        self.user, self.item = tables.user, tables.item

    def states(self, batch: Batch) -> States:
        """Return the rows of the batch's users [B, d] and of all items [N+1, d]."""
        return States(self.user(batch.user), self.item.weight)


@hookimpl
def corecbench_domain_models() -> list[DomainModelComponent]:
    """Offer the model."""
    return [DomainModelComponent("plugname", PlugnameModel, PlugnameConfig, summary="matrix factorisation")]
