"""Recommends the items with the most training interactions: the smallest plugin."""

from corecbench.api import Batch, DomainModelComponent, IdsFactory, Interactions, Setup, States, hookimpl


class Popularity:
    """Ranks the items by their number of training interactions, in the same order for every user."""

    examples = "pairs"

    def __init__(self, config: None, setup: Setup, ids: IdsFactory) -> None:
        self.n_items, self.device = setup.catalog.n_items, setup.device

    def fit(self, train: Interactions) -> None:
        import torch  # not at the top, so that listing components does not wait for it

        count = torch.bincount(torch.as_tensor(train.item), minlength=self.n_items + 1)
        self.count = count.float().to(self.device)

    def states(self, batch: Batch) -> States:
        return States(user=self.count.new_ones(len(batch.user), 1), item=self.count[:, None])


@hookimpl
def corecbench_domain_models() -> list[DomainModelComponent]:
    summary = "items by number of interactions"
    return [DomainModelComponent("popularity", Popularity, summary=summary, joint=False, reference=True)]
