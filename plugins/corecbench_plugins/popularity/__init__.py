"""Recommends the items that most interactions of the training part went to: the smallest plugin."""

from corecbench.api import Batch, DomainModelComponent, Interactions, States, hookimpl


class Popularity:
    """Every user gets the same order: items by how often they were interacted with in training."""

    examples = "pairs"

    def __init__(self, config, setup, ids):
        self.n_items = setup.catalog.n_items

    def fit(self, train: Interactions) -> None:
        import torch

        self.count = torch.bincount(torch.as_tensor(train.item), minlength=self.n_items + 1).float()

    def states(self, batch: Batch) -> States:
        return States(user=self.count.new_ones(len(batch.user), 1), item=self.count[:, None])


@hookimpl
def corecbench_domain_models():
    return [
        DomainModelComponent("popularity", Popularity, summary="items by their number of interactions", joint=False)
    ]
