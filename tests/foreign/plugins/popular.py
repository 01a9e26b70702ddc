"""popular: items start from the dimensions in which popular items differ, users as the mean of their items.

As LLMInit: Zhang et al., 2025, arXiv 2503.01814. U users, N items, k the width of a text, d that of a table.
"""

import numpy as np
import torch

from corecbench.api import SharingComponent, Turn, hookimpl, private_ids

SHARE, DEVIATION = 0.5, 0.02


class Popular:
    """What is popular, and whose items are whose, is learnt from the training part."""

    start_from = "new"

    def __init__(self, config, setup):
        self.catalog, self.tables = setup.catalog, {}

    def ids(self, side, width):
        self.tables[side] = private_ids(self.catalog.n_users, self.catalog.n_items, width)
        return self.tables[side]

    def fit(self, train):
        self.train = train
        count = np.bincount(train.item, minlength=self.catalog.n_items + 1)
        self.popular = np.argsort(-count, kind="stable")[: max(2, int(SHARE * self.catalog.n_known_items))]

    def start(self, pretrained):
        text = pretrained.text if pretrained.text_states is None else pretrained.text_states
        text, tables = text.float(), self.tables["domain"]
        width = min(text.shape[1], tables.item.weight.shape[1])
        chosen = text[self.popular].var(dim=0).topk(width).indices
        rows = text[:, chosen] - text[self.popular][:, chosen].mean(dim=0)  # [N+1, width]
        rows *= DEVIATION / rows[self.popular].square().mean().sqrt()
        user, item = (torch.as_tensor(part, device=rows.device) for part in (self.train.user, self.train.item))
        sums = rows.new_zeros(len(tables.user.weight), width).index_add_(0, user, rows[item])
        n = torch.bincount(user, minlength=len(sums)).clamp(min=1)[:, None]
        with torch.no_grad():
            tables.item.weight[1:, :width] = rows[1:]
            tables.user.weight[1:, :width] = (sums / n)[1:]

    def turns(self, budget):
        return [Turn("domain", budget.domain_epochs)] if budget.domain_epochs else []

    def losses(self, side, own, other, batch):
        return {}


@hookimpl
def corecbench_sharing_modules():
    """Offer the module."""
    return [SharingComponent("popular", Popular, couples=False, summary="items start from popular dimensions")]
