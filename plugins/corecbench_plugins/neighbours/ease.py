"""A linear model in which each item is predicted by all others, in closed form.

B users in a batch, L positions of a history, U users, N items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import psutil
import torch

from corecbench.api import Batch, IdsFactory, Interactions, Setup, UsageError
from corecbench_plugins.neighbours.counts import history_weights, users_and_items

if TYPE_CHECKING:
    import numpy as np

    from corecbench_plugins.neighbours.settings import EaseConfig

BYTES_PER_PAIR = 12
"""Of two items: at most three tables of float32 are held at a time."""


class Ease:
    """Ranks items by X B: X says which items a user has, and B are the weights between different items.

    B minimises |X - X B|^2 + regularisation |B|^2. With P = (X'X + regularisation I)^-1, an item i predicts another
    item j by -P[i, j] / P[j, j]. Source: Steck, WWW 2019, arXiv 1905.03375. When ranking, X holds what a model sees
    of a history, the latest items; with a `decay` below 1, which the paper has not, the last one counts most.
    """

    examples: Literal["windows", "pairs"] = "windows"

    def __init__(self, config: EaseConfig, setup: Setup, ids: IdsFactory) -> None:
        """Refuse a catalogue that is too large.

        Raises:
            UsageError: the tables of the items do not fit into the free memory.
        """
        self.config, self.n_items = config, setup.catalog.n_items
        check_memory(self.n_items, psutil.virtual_memory().available)

    def fit(self, train: Interactions) -> None:
        """Solve for the weights, float32 [N+1, N+1]."""
        has = users_and_items(train, self.n_items)
        gram = torch.from_numpy((has.T @ has).toarray())  # [N+1, N+1]
        gram.diagonal().add_(self.config.regularisation)
        factor = torch.linalg.cholesky(gram)
        del gram
        inverse = torch.cholesky_inverse(factor)
        del factor
        self.weights: np.ndarray = inverse.div_(-inverse.diagonal().clone()).fill_diagonal_(0).numpy()

    def scores(self, batch: Batch) -> torch.Tensor:
        """Return the sums of the weights from the items of each history, float32 [B, N+1]."""
        has = history_weights(batch.history.cpu().numpy(), self.n_items, self.config.decay)
        return torch.from_numpy(has @ self.weights).to(batch.history.device)


def check_memory(n_items: int, free_bytes: int) -> None:
    """Make sure that the tables of all pairs of items fit into memory.

    Raises:
        UsageError: they do not.
    """
    needed = BYTES_PER_PAIR * (n_items + 1) ** 2
    if needed > free_bytes:
        most = int((free_bytes / BYTES_PER_PAIR) ** 0.5) - 1
        raise UsageError(
            f"ease needs {needed / 2**30:,.1f} GiB for {n_items:,} items, but {free_bytes / 2**30:,.1f} GiB of "
            f"memory are free, enough for {max(most, 0):,} items; use item-knn, or a machine with more memory"
        )
