"""LLMInit: the domain model's item embeddings start as some dimensions of what the LLM makes of the texts.

What the paper states (Zhang et al., "LLMInit: A Free Lunch from Large Language Models for Selective Initialization
of Recommendation", 2025, arXiv 2503.01814; github.com/DavidZWZ/LLMInit): the embeddings of a collaborative
filtering model start from those of an LLM. An LLM's embeddings are too wide, so dimensions are selected: at
random, uniformly, or those of the largest variance over the fifth of the items that have most interactions. A user
starts as the mean row of the items of the user's interactions. Training is as usual. It claims a Recall@10 of
.1019 on Amazon Beauty for LightGCN, which reaches .0910 from random rows.

Where we differ:
- The LLM's embeddings are its states of a text, averaged over the tokens (`text_states`, or `text` where an LLM
  gives no other).
- The rows are centred and scaled to a standard deviation of `deviation`, over all dimensions together so that
  their proportions stay: the states of an LLM are a thousand times as large as new embeddings. An item without a
  text keeps its random row. Dimensions that an LLM narrower than the domain model does not fill stay random too.
- A user without interactions in training starts at random.
- The LLM side and the turns are as under `none`.
"""

import numpy as np
import torch
from torch.nn.functional import embedding_bag

from corecbench.api import DataError, Interactions, Pretrained, Setup
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import LlminitConfig, RecPcaConfig

ALIKE = 1e-5
"""Spread of states as a share of their size, at most which they are alike up to rounding."""


class InitialRows(Private):
    """Private tables. The domain side's items start from the LLM's states of their texts, and users from items.

    U users, N items, k the width of a state, d that of a row.
    """

    config: LlminitConfig | RecPcaConfig

    def __init__(self, config: LlminitConfig | RecPcaConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        nothing = np.zeros(0, dtype=np.int64)
        self.interactions = Interactions(nothing, nothing)

    def fit(self, train: Interactions) -> None:
        """Keep the training part, for the interactions of items and the items of users."""
        self.interactions = train

    def start(self, pretrained: Pretrained) -> None:
        """Write what is left of the states over the item rows, and means of these over the user rows.

        Raises:
            DataError: the texts do not differ, or not in any dimension that could be taken.
        """
        states = pretrained.text if pretrained.text_states is None else pretrained.text_states
        if states is None:
            return
        users, items = self.tables["domain"].user.weight, self.tables["domain"].item.weight
        has_text = states.any(dim=1)
        known = has_text & (torch.arange(len(states), device=states.device) <= self.catalog.n_known_items)
        of_known = states[known].float()
        differ = root_mean_square(of_known - of_known.mean(dim=0)) > ALIKE * root_mean_square(of_known)
        rows = self.reduced(states.float(), known, items.shape[1]) if differ else torch.zeros_like(states[:, :1])
        deviation = root_mean_square(rows[known])
        if not deviation > 0:
            raise DataError("all items have the same text or vector, so there is nothing to start from")
        with torch.no_grad():
            items[has_text, : rows.shape[1]] = rows[has_text] * (self.config.deviation / deviation)
            if self.config.users and len(self.interactions.user):
                mean, some = self.means(items)
                users[some] = mean[some]

    def reduced(self, states: torch.Tensor, known: torch.Tensor, width: int) -> torch.Tensor:
        """Return states in fewer dimensions, float32 [N+1, at most width].

        Args:
            states: float32 [N+1, k], zeros for items without a text.
            known: bool [N+1], items with a text that exist in training.
            width: most dimensions.

        Raises:
            DataError: no dimension is left.
        """
        raise NotImplementedError

    def means(self, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean row of each user's items, float32 [U+1, d], and which users have some, bool [U+1]."""
        count = np.bincount(self.interactions.user, minlength=self.catalog.n_users + 1)  # they are sorted by user
        start, n_items = (torch.as_tensor(each, device=items.device) for each in (count.cumsum() - count, count))
        item = torch.as_tensor(self.interactions.item, device=items.device)
        return embedding_bag(item, items, start, mode="mean"), n_items > 0


def root_mean_square(values: torch.Tensor) -> torch.Tensor:
    """Return the root of the mean square of all numbers; NaN of none."""
    return values.square().mean().sqrt()


class Llminit(InitialRows):
    """Items start from dimensions that are selected."""

    config: LlminitConfig

    def reduced(self, states: torch.Tensor, known: torch.Tensor, width: int) -> torch.Tensor:
        """Return the chosen dimensions, centred."""
        chosen = select(states[self.popular(known)], width, self.config.selection)
        return states[:, chosen] - states[known][:, chosen].mean(dim=0)

    def popular(self, eligible: torch.Tensor) -> torch.Tensor:
        """Return which of the items bool [N+1] have most interactions: a share of them, and two at least."""
        n_interactions = torch.as_tensor(
            np.bincount(self.interactions.item, minlength=len(eligible)), device=eligible.device
        )
        n_wanted = max(round(self.config.popular * int(eligible.sum())), 2)
        order = n_interactions.masked_fill(~eligible, -1).argsort(descending=True, stable=True)[:n_wanted]
        return torch.zeros_like(eligible).index_fill(0, order, True) & eligible


def select(states: torch.Tensor, width: int, selection: str) -> torch.Tensor:
    """Return which dimensions of states [N, k] are taken, int64 [width], ascending; all where there are no more.

    >>> select(torch.tensor([[1.0, 5.0, 0.0, 2.0], [1.0, -5.0, 0.0, 4.0]]), 2, "variance")
    tensor([1, 3])

    Args:
        states: float32.
        width: number of dimensions to take.
        selection: "variance" takes the dimensions that vary most over the items, of equal ones the first;
            "uniform" takes dimensions at equal distances; "random" draws them.
    """
    n = states.shape[1]
    if width >= n:
        return torch.arange(n, device=states.device)
    if selection == "uniform":
        return torch.arange(width, device=states.device) * n // width
    if selection == "random":
        return torch.randperm(n)[:width].sort().values.to(states.device)
    return states.var(dim=0).argsort(descending=True, stable=True)[:width].sort().values
